"""Checks of a corruption: one of it serves many clips, in threads and processes."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avplug.core.clip import Clip
from avplug.core.corruption import SEVERITIES
from avplug.core.randomness import KeyedRandom
from avplug.testing.checks import Subject, Violation, left_to, promise, require
from avplug.testing.clips import clip
from avplug.testing.corruptions import (
    applied,
    difference,
    raw,
    repeatable,
    same,
)
from avplug.testing.elsewhere import same_elsewhere
from avplug.testing.surroundings import leaves_as_it_was


def _kept(spoilt: Clip) -> Clip:
    """Return a copy that nothing can change any more."""
    return raw(spoilt, np.array(spoilt.frames), np.array(spoilt.audio))


@promise("corruption")
def spoils(subject: Subject) -> None:
    """It changes the picture or the sound of a clip."""
    component = subject.make()
    count = 50 if component.whole_clip else 3
    for place in range(4):
        source = clip(subject.seed + place, count=count)
        for severity in SEVERITIES:
            name = subject.spec.name
            if not same(source, applied(component, name, source, severity, place)):
                return
    raise Violation("four clips came back as they were at every severity")


@promise("corruption")
def stateless(subject: Subject) -> None:
    """What it did to other clips before changes nothing."""
    component, name = subject.make(), subject.spec.name
    source = clip(subject.seed)
    fresh = _kept(applied(component, name, source, 3, subject.seed))
    applied(component, name, clip(subject.seed + 1), 5, subject.seed)
    again = applied(component, name, source, 3, subject.seed)
    with left_to(subject, repeatable):
        apart = difference(fresh, again)
        require(not apart, f"after another clip {apart}")


@promise("corruption")
def own_arrays(subject: Subject) -> None:
    """What it returned for a clip stays as it is when others follow."""
    component, name = subject.make(), subject.spec.name
    first = applied(component, name, clip(subject.seed), 3, subject.seed)
    before = _kept(first)
    applied(component, name, clip(subject.seed + 1), 5, subject.seed)
    for track in ("frames", "audio"):
        equal = np.array_equal(getattr(before, track), getattr(first, track))
        require(
            equal,
            f"the {track} of the first clip became those of the second: return a new "
            "array, not one that is kept",
        )


@promise("corruption")
def clips_at_once(subject: Subject) -> None:
    """Threads share it: what one clip's scene is must not reach another clip."""
    sources = clip(subject.seed), clip(subject.seed + 1)
    severities, name = (2, 5), subject.spec.name
    alone = [
        _kept(applied(subject.make(), name, source, severity, subject.seed))
        for source, severity in zip(sources, severities, strict=True)
    ]
    for one, together in zip(
        alone, _in_turn(subject, sources, severities), strict=True
    ):
        for track in ("frames", "audio"):
            equal = np.array_equal(getattr(one, track), getattr(together, track))
            with left_to(subject, repeatable, stateless):
                require(
                    equal,
                    f"the {track} of a clip differ when another one's scene is drawn "
                    "in between: put into the scene what is kept on self",
                )


def _in_turn(
    subject: Subject, sources: tuple[Clip, ...], severities: tuple[int, ...]
) -> list[Clip]:
    """Return clips corrupted by one component, step by step in turn."""
    component = subject.make()
    rngs = [
        KeyedRandom((subject.seed, "corruption", subject.spec.name, source.id))
        for source in sources
    ]
    scenes = [
        component.scene(source.info, severity, rng.stream("scene"))
        for source, severity, rng in zip(sources, severities, rngs, strict=True)
    ]
    frames = [
        np.array(
            component.video(
                np.array(source.frames),
                np.array(source.times),
                scene,
                rng.stream("video"),
            )
        )
        for source, scene, rng in zip(sources, scenes, rngs, strict=True)
    ]
    audio = [
        np.array(
            component.audio(
                np.array(source.audio), source.sample_rate, scene, rng.stream("audio")
            )
        )
        for source, scene, rng in zip(sources, scenes, rngs, strict=True)
    ]
    return [raw(*each) for each in zip(sources, frames, audio, strict=True)]


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
    with left_to(subject, repeatable):
        apart = difference(one, two)
        require(not apart, f"in its pickled copy {apart}")


def tracks(subject: Subject) -> Mapping[str, NDArray[Any]]:
    """Return picture and sound of a clip, corrupted."""
    source = clip(subject.seed)
    spoilt = applied(subject.make(), subject.spec.name, source, 3, subject.seed)
    return {"frames": np.asarray(spoilt.frames), "audio": np.asarray(spoilt.audio)}


@promise("corruption")
def elsewhere(subject: Subject) -> None:
    """Made anew in another process, of another hash seed, it gives the same bytes."""
    with left_to(subject, repeatable):
        same_elsewhere(subject, tracks)


@promise("corruption")
def surroundings(subject: Subject) -> None:
    """It leaves the process as it was: folder, environment, generators, settings."""
    leaves_as_it_was(lambda: tracks(subject))
