"""Whether the clips of a data set can be used: read one by one, each fault named."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import numpy as np

from avplug.bench.data_workers import in_workers
from avplug.core.clip import Clip, ClipRef, InputSpec
from avplug.core.culprits import reason
from avplug.core.dataset import Dataset
from avplug.core.errors import MissingTrackError

#: What can be wrong with a clip.
Fault: TypeAlias = Literal[
    "missing", "unreadable", "no picture", "no sound", "blank", "silent", "too short"
]

#: Sound whose largest magnitude stays below this is silence: -80 dB of full scale.
SILENCE = 1e-4
#: A tenth of a second hardly fills the windows of a spectrogram.
SHORTEST = 0.5

#: The frames that CAV-MAE stores, as they are, and all of the sound.
_SPEC = InputSpec(0, 0, 0.0, 10, tuple(range(10)), "cav-mae", "all")


@dataclass(frozen=True, slots=True)
class Problem:
    """A fault of a clip: which, and what was found."""

    clip: str
    fault: Fault
    detail: str


@dataclass(frozen=True, slots=True)
class DataCheck:
    """What a data set holds of what its list names.

    Args:
        listed: Clips of the list.
        present: Clips whose media are there.
        checked: Clips that were read; fewer with a limit.
        problems: Faults, missing clips first, then in the data set's order.
        fingerprint: Of the clips that are there.
        seconds: Length of the clips that were read, together.
        list_name: What the list is known as; "" if it is not.
    """

    listed: int
    present: int
    checked: int
    problems: tuple[Problem, ...]
    fingerprint: str
    seconds: float
    list_name: str = ""

    @property
    def counts(self) -> dict[str, int]:
        """How many clips have each fault."""
        return dict(Counter(problem.fault for problem in self.problems))


@dataclass(frozen=True, slots=True)
class _Verdict:
    problems: tuple[Problem, ...] = field(default=())
    seconds: float = 0.0


def check_data(
    dataset: Dataset,
    clips: Sequence[ClipRef],
    *,
    shortest: float = SHORTEST,
    workers: int = 0,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> DataCheck:
    """Read clips of a data set and name what is wrong with them.

    Args:
        dataset: The data set.
        clips: Those that are read.
        shortest: A shorter clip is too short, in seconds.
        workers: Processes that read; 0 reads here.
        progress: Told of clips done, and of how many there are.
    """
    problems = [Problem(name, "missing", why) for name, why in dataset.missing.items()]
    seconds = 0.0
    verdicts = in_workers(_verdict, dataset, clips, {"shortest": shortest}, workers)
    for done, verdict in enumerate(verdicts, 1):
        problems += verdict.problems
        seconds += verdict.seconds
        progress(done, len(clips))
    return DataCheck(
        listed=len(dataset.clips) + len(dataset.missing),
        present=len(dataset.clips),
        checked=len(clips),
        problems=tuple(problems),
        fingerprint=dataset.fingerprint(),
        seconds=seconds,
        list_name=dataset.list_name,
    )


def _verdict(dataset: Dataset, ref: ClipRef, options: dict[str, Any]) -> _Verdict:
    try:
        clip = dataset.load(ref, _SPEC)
    except MissingTrackError as error:
        fault: Fault = "no sound" if error.track == "a" else "no picture"
        return _Verdict((Problem(ref.id, fault, str(error)),))
    except Exception as error:
        # Whatever a data set raises concerns this clip alone.
        return _Verdict((Problem(ref.id, "unreadable", reason(error)),))
    return _Verdict(tuple(_faults(clip, options["shortest"])), clip.duration)


def _faults(clip: Clip, shortest: float) -> list[Problem]:
    found = []
    if clip.frames is None or not clip.frames.size:
        found.append(Problem(clip.id, "no picture", "It has no frame."))
    elif all(int(frame.min()) == int(frame.max()) for frame in clip.frames):
        found.append(Problem(clip.id, "blank", "Every frame is of one brightness."))
    if clip.audio is None or not clip.audio.size:
        found.append(Problem(clip.id, "no sound", "It has no sample."))
    else:
        peak = float(np.abs(clip.audio).max())
        if not peak >= SILENCE:
            found.append(Problem(clip.id, "silent", f"Its peak is {peak:.2g}."))
    if clip.duration < shortest:
        detail = f"It lasts {clip.duration:.2f} s, less than {shortest:g} s."
        found.append(Problem(clip.id, "too short", detail))
    return found
