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
    )
