"""Checks of a data set: a stable list, labels in range, clips that open."""

from __future__ import annotations

import inspect
import pickle
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avplug.core.batch import check_clip
from avplug.core.clip import AS_IS, Clip, ClipRef, InputSpec
from avplug.core.components import DatasetSpec
from avplug.core.dataset import Dataset
from avplug.core.errors import MediaError
from avplug.testing.checks import (
    NotApplicable,
    Subject,
    Violation,
    left_to,
    promise,
    quiet as stays_quiet,
    require,
    trying,
)
from avplug.testing.elsewhere import same_elsewhere
from avplug.testing.surroundings import leaves_as_it_was

#: What the clips are asked for.
WANTED = InputSpec(size=64, sample_rate=8_000, seconds=2, grid=4, picks=(0, 2))
#: Clips that are opened, drawn evenly over the list.
OPENED = 12


def made(subject: Subject) -> Dataset:
    """Return the data set.

    Raises:
        NotApplicable: It is read from disk, and nobody said where it lies.
    """
    spec = subject.spec
    assert isinstance(spec, DatasetSpec)
    if spec.needs_root and "root" not in subject.options:
        raise NotApplicable(
            f"it is read from disk; say where: -o {spec.name}.root=FOLDER"
        )
    options = dict(subject.options)
    if "root" in options:
        # A run gives a path; a command line and a test often give its text.
        options["root"] = Path(options["root"])
    dataset: Dataset = replace(subject, options=options).make()
    return dataset


def _some(dataset: Dataset, count: int = OPENED) -> list[ClipRef]:
    places = np.linspace(0, len(dataset.clips) - 1, min(count, len(dataset.clips)))
    return [dataset.clips[int(place)] for place in places]


def _readable(dataset: Dataset) -> Dataset:
    """Return what clips are loaded from: corrupted copies where there are no others."""
    return dataset if dataset.has_clean else dataset.premade[0].open()


def _opened(dataset: Dataset, count: int) -> list[tuple[ClipRef, Clip]]:
    """Return clips that can be read; those that are reported cost nothing."""
    found = []
    dataset = _readable(dataset)
    for ref in _some(dataset, count):
        try:
            found.append((ref, dataset.load(ref, WANTED)))
        except MediaError:
            continue
    return found


@promise("dataset")
def stable_order(subject: Subject) -> str:
    """Made twice, it lists the same clips in the same order, with one fingerprint."""
    one, two = made(subject), made(subject)
    require(len(one.clips) > 0, "it has no clips")
    rows = [[(ref.id, ref.labels) for ref in each.clips] for each in (one, two)]
    require(rows[0] == rows[1], "a second one lists other clips, or another order")
    marks = one.fingerprint(), two.fingerprint()
    require(marks[0] == marks[1], f"fingerprints {marks[0]} and {marks[1]} differ")
    return f"{len(one.clips)} clips, {marks[0]}"


@promise("dataset")
def constructor(subject: Subject) -> None:
    """It can be made as a run makes it, with ``split`` and ``root``."""
    try:
        signature = inspect.signature(subject.target)
        signature.bind(**{"split": "test", "root": None, **subject.options})
    except TypeError as error:
        raise Violation(f"made with split='test' and root=None: {error}") from error


@promise("dataset")
def fingerprint(subject: Subject) -> None:
    """Other clips, or other labels, have another fingerprint."""
    dataset = made(subject)
    whole = dataset.fingerprint()
    first, *rest = dataset.clips
    relabelled = replace(first, labels=tuple(label + 1 for label in first.labels))
    for what, clips in (
        ("all clips but one", rest),
        ("clips of which one has other labels", [relabelled, *rest]),
    ):
        mark = dataset.fingerprint(clips)
        require(mark != whole, f"{what} have the fingerprint of all, {whole}")


@promise("dataset")
def unique_ids(subject: Subject) -> None:
    """No two clips have the same id."""
    ids = [ref.id for ref in made(subject).clips]
    require(all(isinstance(name, str) and name for name in ids), "an id is no text")
    twice = sorted({name for name in ids if ids.count(name) > 1})[:3]
    require(not twice, f"{', '.join(twice)} appear twice")


@promise("dataset")
def labels_in_range(subject: Subject) -> None:
    """Each clip's labels are indices of ``labels``; one, or one of each task."""
    dataset = made(subject)
    wanted = len(dataset.tasks) or 1
    classes = len(dataset.labels)
    for ref in dataset.clips:
        odd = [label for label in ref.labels if type(label) is not int]
        require(not odd, f"clip {ref.id!r} has labels {odd}, which are no int")
        twice = len(set(ref.labels)) < len(ref.labels)
        require(
            not twice or dataset.tasks,
            f"clip {ref.id!r} has a label twice: {ref.labels}",
        )
        require(
            all(0 <= label < classes for label in ref.labels),
            f"clip {ref.id!r} has labels {ref.labels}; there are {classes} classes",
        )
        require(
            dataset.multi_label or len(ref.labels) == wanted,
            f"clip {ref.id!r} has {len(ref.labels)} labels, not {wanted}; multi_label "
            "is False",
        )


@promise("dataset")
def number_of_classes(subject: Subject) -> None:
    """The descriptor states as many classes as there are, or none."""
    dataset, spec = made(subject), subject.spec
    assert isinstance(spec, DatasetSpec)
    names = dataset.labels
    require(len(set(names)) == len(names), "two classes have the same name")
    require(
        spec.classes in (0, len(names)),
        f"the descriptor says {spec.classes} classes; there are {len(names)}",
    )


@promise("dataset")
def clips_open(subject: Subject) -> str:
    """Each clip opens, or is reported with a ``MediaError``."""
    dataset = _readable(made(subject))
    opened = 0
    for ref in _some(dataset):
        try:
            clip = dataset.load(ref, WANTED)
        except MediaError:
            continue
        except Exception as error:
            raise Violation(
                f"clip {ref.id!r} raised {type(error).__name__}, no MediaError: {error}"
            ) from error
        require(isinstance(clip, Clip), f"clip {ref.id!r} is {clip!r:.60}, no Clip")
        opened += 1
    require(opened, "not one clip can be read")
    return f"{opened} of {len(_some(dataset))} opened"


@promise("dataset")
def as_asked_for(subject: Subject) -> None:
    """Frames and sound come in the size, number and rate that were asked for."""
    dataset = made(subject)
    for _, clip in _opened(dataset, 4):
        _is_as(clip, WANTED)


@promise("dataset")
def whatever_is_asked_for(subject: Subject) -> None:
    """Every frame as it is, then the few again: no request spoils another."""
    dataset = _readable(made(subject))
    for ref, few in _opened(dataset, 2):
        with left_to(subject, as_asked_for, repeatable):
            for wanted in (AS_IS, replace(WANTED, frame_rule="all", size=32)):
                with trying(f"clip {ref.id!r} asked for as {wanted}"):
                    _is_as(dataset.load(ref, wanted), wanted)
            _are_same(few, dataset.load(ref, WANTED), "after other requests")


def _is_as(clip: Clip, wanted: InputSpec) -> None:
    try:
        check_clip(clip, wanted)
    except MediaError as error:
        raise Violation(str(error)) from error
    assert clip.times is not None
    assert clip.audio is not None
    steps = np.diff(clip.times)
    require((steps >= 0).all(), f"times of clip {clip.id!r} fall: {clip.times[:5]}")
    require(
        np.isfinite(clip.audio).all(), f"samples of clip {clip.id!r} are not finite"
    )
    require(clip.duration > 0, f"clip {clip.id!r} lasts {clip.duration} s")


def _are_same(one: Clip, two: Clip, when: str) -> None:
    for track in ("frames", "audio"):
        equal = np.array_equal(getattr(one, track), getattr(two, track))
        require(equal, f"{track} of clip {one.id!r} differ {when}")


@promise("dataset")
def clip_id(subject: Subject) -> None:
    """A clip carries the id of its reference: random numbers hang on it."""
    for ref, clip in _opened(made(subject), 4):
        require(clip.id == ref.id, f"reference {ref.id!r} gave clip {clip.id!r}")


@promise("dataset")
def repeatable(subject: Subject) -> None:
    """A clip loaded twice, and by threads at once, is the same."""
    dataset = _readable(made(subject))
    first = _opened(dataset, 4)
    with ThreadPoolExecutor(4) as pool:
        again = list(pool.map(lambda pair: dataset.load(pair[0], WANTED), first))
    for (_, one), two in zip(first, again, strict=True):
        _are_same(one, two, "the second time")


@promise("dataset")
def picklable(subject: Subject) -> None:
    """It goes to worker processes, and loads the same there."""
    dataset = _readable(made(subject))
    try:
        copy = pickle.loads(pickle.dumps(dataset))
    except Exception as error:
        raise Violation(
            f"it cannot be pickled: {type(error).__name__}: {error}"
        ) from error
    for ref, clip in _opened(dataset, 2):
        with left_to(subject, repeatable):
            _are_same(clip, copy.load(ref, WANTED), "in its pickled copy")


def list_and_clips(subject: Subject) -> Mapping[str, NDArray[Any]]:
    """Return the list, the fingerprint, and the media of two clips."""
    dataset = made(subject)
    found: dict[str, NDArray[Any]] = {
        "the list": np.array([f"{ref.id} {ref.labels}" for ref in dataset.clips]),
        "the fingerprint": np.array([dataset.fingerprint(), *dataset.labels]),
    }
    for _, clip in _opened(dataset, 2):
        found[f"frames of clip {clip.id!r}"] = np.asarray(clip.frames)
        found[f"audio of clip {clip.id!r}"] = np.asarray(clip.audio)
    return found


@promise("dataset")
def elsewhere(subject: Subject) -> None:
    """Made anew in another process, of another hash seed, it has the same clips."""
    with left_to(subject, stable_order, repeatable):
        same_elsewhere(subject, list_and_clips)


@promise("dataset")
def surroundings(subject: Subject) -> None:
    """It leaves the process as it was: folder, environment, generators, settings."""
    leaves_as_it_was(lambda: _opened(made(subject), 2))


@promise("dataset")
def quiet(subject: Subject) -> None:
    """It writes nothing to stdout."""
    stays_quiet(lambda: _opened(made(subject), 2))
