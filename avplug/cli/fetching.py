"""Downloads on the command line: a line for each file, on a terminal a bar, too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from avplug.cli.console import message

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from avplug.bench.config import RunConfig
    from avplug.core.registry import Registry
    from avplug.core.weight_specs import FileSpec


def fetch_files(files: Mapping[str, FileSpec]) -> dict[str, Path]:
    """Bring files onto this machine, shown; what is there is not fetched again.

    Raises:
        WeightsError: One cannot be fetched.
    """
    from avplug.core.sources import find, locate

    found: dict[str, Path] = {}
    for part, file in files.items():
        here = find(file)
        if here is None:
            from avplug.cli.progress import ByteProgress

            message(f"Fetching {file.source}")
            with ByteProgress(part or "weights") as progress:
                here = locate(file, progress=progress.show)
        found[part] = here
    return found


def fetch_for(settings: RunConfig, registry: Registry) -> None:
    """Fetch the weights that a run names, before it starts and with a bar.

    Whatever is wrong with them is told by the plan, which looks again.

    Raises:
        WeightsError: They cannot be fetched.
    """
    from avplug.bench.known_weights import choose_weights
    from avplug.bench.models import resolve_variant

    asked: Iterable[tuple[str, str]] = zip(
        settings.models, settings.weights, strict=False
    )
    for name, weights in asked:
        entry, variant, _ = resolve_variant(registry, name)
        chosen = choose_weights(entry, variant, weights, settings.dataset)
        if chosen is not None and not chosen.non_commercial:
            fetch_files(chosen.files)
