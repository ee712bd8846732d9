"""Cells, evaluated: clips loaded and corrupted once, shown to each model, noted."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from avplug.bench.batch_size import automatic, largest_paying
from avplug.bench.feed import Feed, Group, Part
from avplug.bench.outcome import NoClipError, Outcome
from avplug.bench.plan import Cell, Plan
from avplug.bench.session import Session, Tick
from avplug.core.batch import Batch
from avplug.core.clip import ClipRef
from avplug.core.corruption import recordings_from
from avplug.core.culprits import attributed

__all__ = ["NoClipError", "Outcome", "Tick", "evaluate", "evaluate_group"]


def evaluate(cell: Cell, plan: Plan, feed: Feed, tick: Tick) -> Outcome:
    """Run a cell's stream through its method.

    A clip that cannot be read or corrupted is noted as failed and left out.

    Raises:
        NoClipError: No clip could be evaluated.
        Exception: What the method or the model raised.
    """
    outcome = evaluate_group([cell], plan, feed, tick)[cell.id]
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


def evaluate_group(
    cells: Sequence[Cell],
    plan: Plan,
    feed: Feed,
    tick: Tick,
    clips: Sequence[ClipRef] | None = None,
    following: Callable[[], Part | None] = lambda: None,
) -> dict[str, Outcome | Exception]:
    """Run one stream of clips through the methods of several cells, batch by batch.

    Each clip is loaded and corrupted once and shown to each model; an answer is what
    the cell evaluated alone would get, bit for bit. What fails in one cell leaves the
    others alone.

    Args:
        cells: One of any kind, or several that keep no state, are not attacked, and
            agree in segments, seed and the clips that their models want.
        plan: The run.
        feed: Where clips come from.
        tick: Told of each clip that a cell has done.
        clips: A part of the plan's clips, in their order, of cells that keep no state.
            Where the part begins at a multiple of the batch size, its batches are those
            of the whole. A part of which every clip fails has no predictions and
            raises nothing.
        following: Tells what will be evaluated next: see :meth:`Feed.stream`.

    Returns:
        By cell id what came of it, or what it raised.
    """
    size = largest_paying(plan, cells) if automatic(plan, cells) else None
    sessions = [Session(cell, plan, feed, tick, clips, size) for cell in cells]
    with recordings_from(plan.config.recordings):
        groups = feed.stream(cells[0], 0, clips, size, following)
        return _Together(sessions, feed).run(groups)


class _Together:
    """Sessions that are shown the same batches; one that fails drops out."""

    def __init__(self, sessions: Sequence[Session], feed: Feed) -> None:
        self._alive = list(sessions)
        self._count = len(sessions)
        self._feed = feed
        self._waiting = 0.0
        self._results: dict[str, Outcome | Exception] = {}

    def run(self, groups: Iterator[Group]) -> dict[str, Outcome | Exception]:
        """Return the outcomes; the models are as before, whatever happens."""
        try:
            self._each(Session.open)
            while self._alive:
                begin = time.perf_counter()
                group = next(groups, None)
                self._waiting += time.perf_counter() - begin
                if group is None:
                    break
                self._show(group)
            self._each(self._close)
        finally:
            for session in self._alive:
                session.restore()
        return self._results

    def _show(self, group: Group) -> None:
        batch = group.batch
        for session in tuple(self._alive):
            before = _version(batch)
            self._try(session, partial(session.answer, group, batch))
            if _version(batch) != before:
                # A model that writes to its input must not spoil the next one's.
                batch = self._feed.batch(session.cell, group.clips)

    def _close(self, session: Session) -> None:
        outcome = session.close(self._waiting, self._count)
        self._results[session.cell.id] = outcome

    def _each(self, work: Callable[[Session], None]) -> None:
        for session in tuple(self._alive):
            self._try(session, partial(work, session))

    def _try(self, session: Session, work: Callable[[], None]) -> None:
        try:
            work()
        except (Exception, SystemExit) as error:
            # The cell's own; whoever asked for the group is told.
            self._results[session.cell.id] = attributed(error)
            self._alive.remove(session)
            session.restore()


def _version(batch: Batch | None) -> tuple[int, ...]:
    """Return what changes when a tensor of the batch is written to."""
    if batch is None:
        return ()
    return tuple(t._version for t in (batch.frames, batch.waveform, batch.lengths))
