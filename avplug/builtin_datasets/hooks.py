"""Descriptors of the built-in data sets."""

from __future__ import annotations

from avplug.core.components import DatasetSpec
from avplug.core.hookspecs import hookimpl


@hookimpl
def avplug_datasets() -> tuple[DatasetSpec, ...]:
    """Return the built-in data sets."""
    return (
        DatasetSpec(
            "events",
            "avplug.builtin_datasets.events.dataset:Events",
            "Rendered things that make the sound they would make; nothing to download",
            classes=12,
            size="6000 train, 600 val, 600 test clips of 3 s",
            needs_root=False,
        ),
        DatasetSpec(
            "avdigits",
            "avplug.builtin_datasets.avdigits.dataset:AVDigits",
            "Spoken digits (FSDD) with handwritten ones (MNIST test images)",
            license="CC-BY-SA-4.0",
            classes=10,
            size="7200 train, 300 val, 300 test clips of about 0.5 s",
        ),
        DatasetSpec(
            "folder",
            "avplug.builtin_datasets.folder.dataset:Folder",
            "Your own clips: clips.csv (file,label), or the json of AVRobustBench",
            size="as listed",
        ),
    )
