"""From names and options to components: data sets, methods, devices."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from avplug.bench.config import RunConfig
from avplug.core.clip import ClipRef
from avplug.core.dataset import Dataset
from avplug.core.errors import (
    DatasetError,
    PluginError,
    UsageError,
)
from avplug.core.randomness import KeyedRandom
from avplug.core.registry import Entry, Registry
from avplug.core.targets import require_options


def construct(
    entry: Entry, options: Mapping[str, Any], /, *given: Any, **fixed: Any
) -> Any:
    """Call a component's target with options, of which it must know each.

    Args:
        entry: The component.
        options: Set by the user; the closest name is suggested for an unknown one.
        given: Positional arguments that the kind prescribes.
        fixed: Keyword arguments that the kind prescribes.

    Raises:
        UsageError: The component has no such option.
        PluginError: The component could not be made.
    """
    target = entry.load()
    require_options(entry.spec, target, options, fixed)
    try:
        return target(*given, **fixed, **options)
    except (TypeError, ValueError) as error:
        # A file that --plugin names has no version.
        who = f"'{entry.qualified}' {entry.version}".rstrip()
        what = f"{entry.spec.kind.capitalize()} {who}"
        if options:
            raise UsageError(
                f"{what} does not take {dict(options)}: {error}"
            ) from error
        raise PluginError(
            f"{what} could not be made: {type(error).__name__}: {error}"
        ) from error


def open_dataset(
    registry: Registry, config: RunConfig
) -> tuple[Entry, Dataset, tuple[ClipRef, ...]]:
    """Return the data set and the clips that the run is about, in its order.

    Raises:
        DatasetError: It has no clip.
    """
    entry = registry.get("dataset", config.dataset)
    options = config.options.get("dataset", {})
    if entry.spec.needs_root and config.data_root is None:  # type: ignore[attr-defined]
        raise UsageError(
            f"Data set '{config.dataset}' is read from disk.",
            "Say where it is with --data-root; what it expects there: "
            f"avplug show dataset {config.dataset}",
        )
    root = {} if config.data_root is None else {"root": Path(config.data_root)}
    dataset = construct(entry, options, split=config.split, **root)
    clips = tuple(dataset.clips)
    if not clips:
        raise DatasetError(f"Data set '{config.dataset}' ({config.split}) has no clip.")
    if config.limit is not None and config.limit < len(clips):
        order = KeyedRandom(("limit", entry.lasting)).permutation(len(clips))
        clips = tuple(clips[i] for i in sorted(order[: config.limit]))
    return entry, dataset, clips


def pick_device(name: str) -> torch.device:
    """Return the device of that name; ``auto`` takes an accelerator if there is one.

    Raises:
        UsageError: There is no such device.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise UsageError(
            f"Device {name!r} cannot be used: {error}".splitlines()[0],
            "Devices: auto, cpu, cuda, cuda:0, ...",
        ) from error
    return device
