"""Checks of a corruption: pure, keyed, repeatable, worse with each severity."""

from __future__ import annotations

import json
import pickle
import time
from dataclasses import replace
from typing import Any, Protocol, runtime_checkable

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
    promise,
    quiet as stays_quiet,
    require,
)
from avplug.testing.clips import clip

#: Seconds that a second of sound and ten frames of 224 x 224 may take.
SLOWEST = 2.0


@runtime_checkable
class MeasuresItself(Protocol):
    """A corruption whose harm is not seen by comparing samples, such as a delay."""

    def distortion(self, clean: Clip, spoilt: Clip) -> tuple[float, float]:
        """Return how badly picture and sound are spoilt; both grow with severity."""


def applied(
    component: Corruption,
    name: str,
    source: Clip,
    severity: int,
    seed: int = 0,
) -> Clip:
    """Return a clip corrupted as ``avplug.corrupt`` does, unchecked.

    The component gets copies that it could write to: what it does to them, and of
    what shape its answer is, is for single checks to say.
    """
    rng = KeyedRandom((seed, "corruption", name, source.id))
    scene = component.scene(source.info, severity, rng.stream("scene"))
    frames, audio = source.frames, source.audio
    if frames is not None and frames.size and source.times is not None:
        frames = component.video(
            frames.copy(), source.times.copy(), scene, rng.stream("video")
        )
    if audio is not None and audio.size:
        audio = component.audio(
            audio.copy(), source.sample_rate, scene, rng.stream("audio")
        )
    return _Raw(source, frames, audio).clip


class _Raw:
    """A clip that skips the validation of :class:`Clip`: checks report themselves."""

    def __init__(self, source: Clip, frames: Any, audio: Any) -> None:
        self.clip = replace(source)
        object.__setattr__(self.clip, "frames", frames)
        object.__setattr__(self.clip, "audio", audio)


def same(one: Clip, other: Clip) -> bool:
    """Return whether picture and sound are equal, bit for bit."""
    return all(
        np.array_equal(np.asarray(a), np.asarray(b), equal_nan=False)
        for a, b in ((one.frames, other.frames), (one.audio, other.audio))
        if a is not None or b is not None
    )


def _spoilt(subject: Subject, source: Clip, severity: int = 3, seed: int = -1) -> Clip:
    seed = subject.seed if seed < 0 else seed
    return applied(subject.make(), subject.spec.name, source, severity, seed)


@promise("corruption")
def pure(subject: Subject) -> None:
    """The arrays that it is given stay as they are."""
    source = clip(subject.seed)
    assert source.frames is not None
    assert source.audio is not None
    assert source.times is not None
    rng = KeyedRandom((subject.seed, "corruption", subject.spec.name, source.id))
    component = subject.make()
    for severity in (1, 5):
        scene = component.scene(source.info, severity, rng.stream("scene"))
        frames, times = source.frames.copy(), source.times.copy()
        samples = source.audio.copy()
        component.video(frames, times, scene, rng.stream("video"))
        component.audio(samples, source.sample_rate, scene, rng.stream("audio"))
        for what, before, after in (
            ("frames", source.frames, frames),
            ("times", source.times, times),
            ("samples", source.audio, samples),
        ):
            changed = int((before != after).sum())
            require(
                not changed,
                f"severity {severity} wrote to {changed} of {before.size} {what}",
            )


@promise("corruption")
def repeatable(subject: Subject) -> None:
    """The same seed and clip give the same bytes, whatever global generators hold."""
    source = clip(subject.seed)
    outcomes = []
    for number in (1, 2):
        with global_seed(number):
            outcomes.append(_spoilt(subject, source))
    require(same(*outcomes), "two runs of one seed differ: draw from rng only")


@promise("corruption")
def keyed_by_clip(subject: Subject) -> None:
    """Where it draws at random, each clip id draws its own numbers."""
    source = clip(subject.seed)
    first = _spoilt(subject, source, 3, subject.seed)
    if same(first, _spoilt(subject, source, 3, subject.seed + 1)):
        raise NotApplicable("it draws nothing at random: no seed changes it")
    # A coin that is tossed falls alike for two clips every other time.
    others = (replace(source, id=f"another-{i}") for i in range(8))
    require(
        any(not same(first, _spoilt(subject, o, 3, subject.seed)) for o in others),
        "nine clip ids got the same numbers, though the run's seed changes them",
    )


@promise("corruption")
def stateless(subject: Subject) -> None:
    """What it did to other clips before changes nothing."""
    component, name = subject.make(), subject.spec.name
    source = clip(subject.seed)
    fresh = applied(component, name, source, 3, subject.seed)
    applied(component, name, clip(subject.seed + 1), 5, subject.seed)
    again = applied(component, name, source, 3, subject.seed)
    require(same(fresh, again), "a clip came out otherwise after another one")


@promise("corruption")
def picklable(subject: Subject) -> None:
    """It goes to another process and does the same there."""
    component = subject.make()
    try:
        copy = pickle.loads(pickle.dumps(component))
    except Exception as error:
        raise Violation(
            f"it cannot be pickled: {type(error).__name__}: {error}"
        ) from error
    source = clip(subject.seed)
    one, two = (
        applied(each, subject.spec.name, source, 3, subject.seed)
        for each in (component, copy)
    )
    require(same(one, two), "its pickled copy does something else")


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
    for severity in (1, 5):
        whole = _spoilt(subject, source, severity)
        sampled = _spoilt(subject, part, severity)
        kept = replace(part)
        object.__setattr__(kept, "frames", np.asarray(whole.frames)[picks])
        object.__setattr__(kept, "audio", whole.audio)
        require(
            same(kept, sampled),
            f"severity {severity}: frames {picks} of seven differ when corrupted "
            "alone: draw from rng.at(time), not from the frame's index",
        )


@promise("corruption")
def worse_picture(subject: Subject) -> str:
    """Each severity spoils the picture more than the one before."""
    return _grows(subject, "frames", 0)


@promise("corruption")
def worse_sound(subject: Subject) -> str:
    """Each severity spoils the sound more than the one before."""
    return _grows(subject, "audio", 1)


def _grows(subject: Subject, track: str, place: int) -> str:
    component, name = subject.make(), subject.spec.name
    # What depends on other frames, such as an outage, shows in two seconds of them.
    count = 50 if component.whole_clip else 2
    sources = [clip(subject.seed + i, count=count) for i in range(4)]
    tables: dict[str, list[float]] = {}
    for severity in SEVERITIES:
        found: dict[str, list[float]] = {}
        for source in sources:
            spoilt = applied(component, name, source, severity, subject.seed)
            if isinstance(component, MeasuresItself):
                measured = component.distortion(source, spoilt)[place]
                found.setdefault("its own measure", []).append(measured)
                continue
            before, after = getattr(source, track), getattr(spoilt, track)
            for measure, function in _MEASURES.items():
                found.setdefault(measure, []).append(function(before, after))
        for measure, values in found.items():
            tables.setdefault(measure, []).append(float(np.mean(values)))
    if not any(map(any, tables.values())):
        raise NotApplicable(f"it leaves {track} as they are at every severity")
    for measure, values in tables.items():
        if (np.diff([0.0, *values]) > 0).all():
            return f"{measure}: {_row(values)}"
    shown = "; ".join(f"{measure} {_row(values)}" for measure, values in tables.items())
    raise Violation(f"severities 1 to 5 do not grow: {shown}")


def _row(values: list[float]) -> str:
    return " ".join(f"{value:.3g}" for value in values)


def _difference(before: NDArray[Any], after: NDArray[Any]) -> float:
    change = np.asarray(after, np.float64) - before
    return float(np.sqrt(np.mean(np.square(change))))


def _structure(before: NDArray[Any], after: NDArray[Any]) -> float:
    """One minus the mean correlation of small pieces: blind to shifts and gains."""
    if before.ndim == 4:
        pieces = [_tiles(np.asarray(a, np.float64).mean(3)) for a in (before, after)]
    else:
        usable = before.shape[1] // 256 * 256
        pieces = [
            np.asarray(a, np.float64)[:, :usable].reshape(-1, 256)
            for a in (before, after)
        ]
    one, two = (piece - piece.mean(1, keepdims=True) for piece in pieces)
    if np.array_equal(one, two):
        return 0.0
    power = np.sqrt((one**2).sum(1) * (two**2).sum(1))
    return float(1 - np.mean((one * two).sum(1) / np.maximum(power, 1e-12)))


def _tiles(grey: NDArray[np.float64]) -> NDArray[np.float64]:
    count, height, width = grey.shape
    high, wide = height // 8, width // 8
    cut = grey[:, : high * 8, : wide * 8].reshape(count, high, 8, wide, 8)
    return cut.transpose(0, 1, 3, 2, 4).reshape(-1, 64)


_MEASURES = {"difference (RMS)": _difference, "lost structure": _structure}


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
    component = subject.make()
    start = time.perf_counter()
    applied(component, subject.spec.name, source, 3, subject.seed)
    took = time.perf_counter() - start
    require(took < SLOWEST, f"it took {took:.1f} s; at most {SLOWEST:.0f} s are fine")
    return f"{1000 * took:.0f} ms"


@promise("corruption")
def quiet(subject: Subject) -> None:
    """It writes nothing to stdout."""
    stays_quiet(lambda: _spoilt(subject, clip(subject.seed)))
