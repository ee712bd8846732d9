"""Checks of a data set: a stable list, labels in range, clips that open."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np

from avplug.core.batch import check_clip
from avplug.core.clip import Clip, ClipRef, InputSpec
from avplug.core.components import DatasetSpec
from avplug.core.dataset import Dataset
from avplug.core.errors import MediaError
from avplug.testing.checks import (
    NotApplicable,
    Subject,
    Violation,
    promise,
    quiet as stays_quiet,
    require,
)

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
        try:
            check_clip(clip, WANTED)
        except MediaError as error:
            raise Violation(str(error)) from error


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
    for (ref, one), two in zip(first, again, strict=True):
        for track in ("frames", "audio"):
            equal = np.array_equal(getattr(one, track), getattr(two, track))
            require(equal, f"{track} of clip {ref.id!r} differ the second time")


@promise("dataset")
def quiet(subject: Subject) -> None:
    """It writes nothing to stdout."""
    stays_quiet(lambda: _opened(made(subject), 2))
