"""Checks of a corruption: pure, keyed, repeatable, worse with each severity."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from copy import copy
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avplug.core.clip import Clip
from avplug.core.components import CorruptionSpec
from avplug.core.corruption import SEVERITIES, Corruption
from avplug.core.randomness import KeyedRandom
from avplug.testing.checks import (
    NotApplicable,
    Subject,
    Violation,
    global_seed,
    left_to,
    promise,
    quiet as stays_quiet,
    require,
)
from avplug.testing.clips import clip

#: What NumPy, OpenCV and Python say of an array that may only be read.
READ_ONLY = re.compile(r"read-?only")
#: Seconds that a second of sound and ten frames of 224 x 224 may take.
SLOWEST = 2.0


def copied(array: NDArray[Any]) -> NDArray[Any]:
    """Return a copy that a component could write to."""
    return array.copy()


def as_is(array: NDArray[Any]) -> NDArray[Any]:
    """Return the array itself."""
    return array


def locked(array: NDArray[Any]) -> NDArray[Any]:
    """Return a view that may only be read, as ``avplug.corrupt`` gives it."""
    view = array.view()
    view.flags.writeable = False
    return view


def applied(
    component: Corruption,
    name: str,
    source: Clip,
    severity: int,
    seed: int = 0,
    given: Callable[[NDArray[Any]], NDArray[Any]] = copied,
) -> Clip:
    """Return a clip corrupted as ``avplug.corrupt`` does, unchecked.

    What the component does to the arrays that it gets, copies by default, and of what
    shape its answer is, is for single checks to say.
    """
    rng = KeyedRandom((seed, "corruption", name, source.id))
    scene = component.scene(source.info, severity, rng.stream("scene"))
    frames, audio = source.frames, source.audio
    if frames is not None and frames.size and source.times is not None:
        frames = component.video(
            given(frames), given(source.times), scene, rng.stream("video")
        )
    if audio is not None and audio.size:
        audio = component.audio(
            given(audio), source.sample_rate, scene, rng.stream("audio")
        )
    return raw(source, frames, audio)


def raw(source: Clip, frames: Any, audio: Any) -> Clip:
    """Return a clip without its validation: what is wrong with it is for checks."""
    made = copy(source)
    object.__setattr__(made, "frames", frames)
    object.__setattr__(made, "audio", audio)
    return made


def same(one: Clip, other: Clip) -> bool:
    """Return whether picture and sound are equal, bit for bit."""
    return all(
        np.array_equal(np.asarray(a), np.asarray(b), equal_nan=False)
        for a, b in ((one.frames, other.frames), (one.audio, other.audio))
        if a is not None or b is not None
    )


def difference(one: Clip, other: Clip) -> str:
    """Return in words how two clips differ, "" if they do not."""
    told = []
    for track in ("frames", "audio"):
        a, b = (np.asarray(getattr(each, track)) for each in (one, other))
        if a.shape != b.shape:
            told.append(f"{track} are {list(a.shape)} and {list(b.shape)}")
        elif not np.array_equal(a, b):
            gap = float(np.abs(a.astype(float) - b).max())
            told.append(
                f"{int((a != b).sum())} of {a.size} {track} differ, by {gap:.3g}"
            )
    return " and ".join(told)


def _spoilt(subject: Subject, source: Clip, severity: int = 3, seed: int = -1) -> Clip:
    seed = subject.seed if seed < 0 else seed
    return applied(subject.make(), subject.spec.name, source, severity, seed)


@promise("corruption")
def pure(subject: Subject) -> None:
    """The arrays that it is given stay as they are."""
    ordinary = clip(subject.seed)
    others = clip(subject.seed, channels=2), clip(subject.seed, count=1)
    for severity in SEVERITIES:
        _writes_nothing(subject, ordinary, severity)
        for source in others:
            try:
                _writes_nothing(subject, source, severity)
            except Violation:
                raise
            except Exception:
                # That it cannot do stereo or one frame is said by checks of that.
                continue


def _writes_nothing(subject: Subject, source: Clip, severity: int) -> None:
    given = replace(
        source,
        frames=np.array(source.frames),
        times=np.array(source.times),
        audio=np.array(source.audio),
    )
    applied(subject.make(), subject.spec.name, given, severity, subject.seed, as_is)
    for what, before, after in (
        ("frames", source.frames, given.frames),
        ("times", source.times, given.times),
        ("samples", source.audio, given.audio),
    ):
        changed = int((np.asarray(before) != after).sum())
        require(
            not changed,
            f"severity {severity} wrote to {changed} of {np.asarray(before).size} "
            f"{what}",
        )
    try:
        applied(
            subject.make(), subject.spec.name, given, severity, subject.seed, locked
        )
    except (ValueError, TypeError, BufferError) as error:
        require(
            not READ_ONLY.search(str(error)),
            f"severity {severity} writes to its input, and takes it back: {error}",
        )
        raise


@promise("corruption")
def repeatable(subject: Subject) -> None:
    """The same seed and clip give the same bytes, whatever global generators hold."""
    source = clip(subject.seed)
    for severity in SEVERITIES:
        outcomes = []
        for number in (1, 2):
            with global_seed(number):
                outcomes.append(_spoilt(subject, source, severity))
        apart = difference(*outcomes)
        told = (
            f"severity {severity}: in two runs of one seed {apart}: draw from rng only"
        )
        require(not apart, told)


@promise("corruption")
def keyed_by_clip(subject: Subject) -> None:
    """Where it draws at random, each clip id draws its own numbers."""
    source = clip(subject.seed)
    first = _spoilt(subject, source, 3, subject.seed)
    seeded = _spoilt(subject, source, 3, subject.seed + 1)
    drawn = [
        track
        for track in ("frames", "audio")
        if not np.array_equal(getattr(first, track), getattr(seeded, track))
    ]
    if not drawn:
        raise NotApplicable("it draws nothing at random: no seed changes it")
    # A coin that is tossed falls alike for two clips every other time.
    others = [
        _spoilt(subject, replace(source, id=f"another-{i}"), 3, subject.seed)
        for i in range(8)
    ]
    for track in drawn:
        one = getattr(first, track)
        require(
            any(not np.array_equal(one, getattr(other, track)) for other in others),
            f"the {track} of nine clip ids got the same numbers, though the run's seed "
            "changes them",
        )


@promise("corruption")
def function_of_time(subject: Subject) -> None:
    """Sampling frames and then corrupting equals corrupting all and then sampling."""
    if subject.make().whole_clip:
        raise NotApplicable("it says by whole_clip that it must be given every frame")
    source = clip(subject.seed, count=7)
    assert source.frames is not None
    assert source.times is not None
    picks = [1, 4, 6]
    part = replace(source, frames=source.frames[picks], times=source.times[picks])
    for severity in SEVERITIES:
        whole = _spoilt(subject, source, severity)
        sampled = _spoilt(subject, part, severity)
        kept = raw(part, np.asarray(whole.frames)[picks], whole.audio)
        with left_to(subject, repeatable):
            require(
                same(kept, sampled),
                f"severity {severity}: frames {picks} of seven differ when corrupted "
                "alone: draw from rng.at(time), not from the frame's index",
            )


@promise("corruption")
def profiles(subject: Subject) -> None:
    """The profiles of the descriptor are those of the class."""
    spec = subject.spec
    assert isinstance(spec, CorruptionSpec)
    own = getattr(subject.target, "profiles", ())
    require(
        set(spec.profiles) == set(own),
        f"the descriptor says {spec.profiles}, the class {own}",
    )
    for profile in spec.profiles:
        subject.make(profile=profile)


@promise("corruption")
def facts(subject: Subject) -> None:
    """``facts()`` is plain data: it becomes part of every result's identity."""
    told = subject.make().facts()
    try:
        json.dumps(told, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise Violation(f"{told!r:.80} is no plain data: {error}") from error
    require(told == subject.make().facts(), f"{told!r:.80} changes from call to call")


@promise("corruption")
def speed(subject: Subject) -> str:
    """A second of sound with ten frames of 224 x 224 takes less than two."""
    source = clip(subject.seed, count=10, size=(224, 224))
    component, took = subject.make(), float("inf")
    # Twice: the first time libraries are imported, or the machine may be busy.
    for _ in range(2):
        start = time.perf_counter()
        applied(component, subject.spec.name, source, 3, subject.seed)
        took = min(took, time.perf_counter() - start)
        if took < SLOWEST:
            break
    require(took < SLOWEST, f"it took {took:.1f} s; at most {SLOWEST:.0f} s are fine")
    return f"{1000 * took:.0f} ms"


@promise("corruption")
def quiet(subject: Subject) -> None:
    """It writes nothing to stdout."""
    stays_quiet(lambda: _spoilt(subject, clip(subject.seed)))
