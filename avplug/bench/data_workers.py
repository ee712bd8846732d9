"""Work on each clip of a data set in processes of their own, in order."""

from __future__ import annotations

import faulthandler
import multiprocessing
import pickle
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from typing import Any, TypeVar

from avplug.core.clip import ClipRef
from avplug.core.dataset import Dataset
from avplug.core.errors import AvplugError, UsageError
from avplug.core.manager import configure, get_plugin_manager
from avplug.core.records import PluginSettings

Result = TypeVar("Result")

#: ``work(dataset, clip, options)``, a function of a module.
Work = Callable[[Dataset, ClipRef, dict[str, Any]], Result]


@dataclass
class _Process:
    """What a worker process keeps between clips."""

    dataset: Dataset
    work: Work[Any]
    options: dict[str, Any]


_process: _Process | None = None


def in_workers(
    work: Work[Result],
    dataset: Dataset,
    clips: Sequence[ClipRef],
    options: Mapping[str, Any],
    workers: int,
) -> Iterator[Result]:
    """Yield ``work(dataset, clip, options)`` in the order of the clips.

    Decoding holds the interpreter's lock long enough that threads give a second core
    little; processes are started anew, so that no library is copied half at work.

    Args:
        work: A function of a module; its result must be picklable.
        dataset: Sent to each process once.
        clips: In order.
        options: Further settings.
        workers: Processes; 0 works here.

    Raises:
        UsageError: The data set cannot be sent to another process.
        AvplugError: A process ended before its work was done.
    """
    if workers == 0:
        yield from (work(dataset, clip, dict(options)) for clip in clips)
        return
    settings = get_plugin_manager().settings
    try:
        state = pickle.dumps((dataset, work, dict(options)))
    except (pickle.PicklingError, TypeError, AttributeError) as error:
        raise UsageError(
            f"This data set cannot be sent to worker processes: {error}",
            "Work without them: --workers 0.",
        ) from error
    with ProcessPoolExecutor(
        workers,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_begin,
        initargs=(settings, state),
    ) as pool:
        pending: deque[Future[Any]] = deque()
        try:
            for clip in clips:
                pending.append(pool.submit(_one, clip))
                # Results wait in order: a bound keeps their number small.
                if len(pending) >= 8 * workers:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        except BrokenProcessPool as error:
            raise AvplugError(
                "A worker process ended before its work was done: the system stopped "
                "it for want of memory, or it crashed, and its stack is above.",
                "What is done is kept; give the command again, with fewer --workers.",
            ) from error
        finally:
            for future in pending:
                future.cancel()


def _begin(settings: PluginSettings, state: bytes) -> None:
    global _process
    faulthandler.enable(all_threads=False)
    # Classes of plugins that are single files are found once the plugins are loaded.
    configure(settings)
    get_plugin_manager()
    _process = _Process(*pickle.loads(state))


def _one(clip: ClipRef) -> Any:
    assert _process is not None
    return _process.work(_process.dataset, clip, _process.options)
