"""From names and options to components: data sets, models, methods."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch

from avplug.bench.config import RunConfig
from avplug.core.clip import ClipRef
from avplug.core.dataset import Dataset
from avplug.core.errors import (
    DatasetError,
    PluginError,
    UnknownNameError,
    UsageError,
    WeightsError,
    closest,
)
from avplug.core.model import Model
from avplug.core.randomness import KeyedRandom
from avplug.core.registry import Entry, Registry
from avplug.core.weights import Checkpoint, load_into, locate, read_checkpoint


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
    known = option_defaults(target)
    for key in options:
        if known is not None and key not in known:
            allowed = sorted(set(known) - {"labels", "model", *fixed})
            raise UsageError(
                f"{entry.spec.kind.capitalize()} '{entry.spec.name}' has no option "
                f"{key!r}.{closest(key, allowed)}",
                f"Options: {', '.join(allowed) or 'none'}.",
            )
    try:
        return target(*given, **fixed, **options)
    except (TypeError, ValueError) as error:
        what = f"{entry.spec.kind.capitalize()} '{entry.qualified}' {entry.version}"
        if options:
            raise UsageError(
                f"{what} does not take {dict(options)}: {error}"
            ) from error
        raise PluginError(
            f"{what} could not be made: {type(error).__name__}: {error}"
        ) from error


def option_defaults(target: Callable[..., Any]) -> dict[str, Any] | None:
    """Return the options of a constructor with their defaults; None if it takes any."""
    parameters = inspect.signature(target).parameters.values()
    if any(p.kind is p.VAR_KEYWORD for p in parameters):
        return None
    return {p.name: p.default for p in parameters}


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
    root = {} if config.data_root is None else {"root": config.data_root}
    dataset = construct(entry, options, split=config.split, **root)
    clips = tuple(dataset.clips)
    if not clips:
        raise DatasetError(f"Data set '{config.dataset}' ({config.split}) has no clip.")
    if config.limit is not None and config.limit < len(clips):
        order = KeyedRandom(("limit", config.dataset)).permutation(len(clips))
        clips = tuple(clips[i] for i in sorted(order[: config.limit]))
    return entry, dataset, clips


@dataclass(frozen=True, slots=True, eq=False)
class LoadedModel:
    """A model with its weights, and the facts that belong to a cell's identity."""

    entry: Entry
    model: Model
    identity: Mapping[str, Any]


def resolve_variant(registry: Registry, name: str) -> tuple[Entry, str, dict[str, Any]]:
    """Split ``model:variant`` and return the entry, the variant and its options.

    Raises:
        UnknownNameError: The model has no such variant.
    """
    bare, _, variant = name.partition(":")
    entry = registry.get("model", bare)
    variants = entry.spec.variants  # type: ignore[attr-defined]
    if variant and variant not in variants:
        raise UnknownNameError(
            f"Model '{bare}' has no variant {variant!r}.{closest(variant, variants)}",
            f"Variants: {', '.join(variants) or 'none'}.",
        )
    return entry, variant, dict(variants.get(variant, {}))


def load_model(
    registry: Registry,
    name: str,
    weights: str | None,
    dataset_name: str,
    dataset: Dataset,
    options: Mapping[str, Any],
    device: torch.device,
) -> LoadedModel:
    """Build a model and load its checkpoint; weights are never made up.

    Args:
        registry: Where the model is looked up.
        name: ``model`` or ``model:variant``.
        weights: Path of a checkpoint, name of a known one, or None for the one that
            the model brings for this data set.
        dataset_name: Name of the data set.
        dataset: Gives the class names where the checkpoint states none.
        options: The user's options of the model.
        device: Where it shall run.

    Raises:
        WeightsError: No checkpoint is known, or it is of another model or data set.
    """
    entry, variant, config = resolve_variant(registry, name)
    checkpoint = read_checkpoint(
        locate(_source(entry, variant, weights, dataset_name, name))
    )
    stated = checkpoint.metadata.get("model")
    if stated not in (None, entry.spec.name):
        raise WeightsError(
            f"{checkpoint.path} is a checkpoint of '{stated}', not of "
            f"'{entry.spec.name}'.",
            f"Use it with --model {stated}.",
        )
    labels = _labels(checkpoint, dataset)
    config |= {**checkpoint.metadata.get("config", {}), **options}
    model = construct(entry, config, labels)
    load_into(model, checkpoint)
    _check_labels(checkpoint, model, dataset_name, dataset)
    identity = {
        "name": entry.spec.name,
        "variant": variant,
        "provider": f"{entry.provider} {entry.version}",
        "weights": checkpoint.sha256,
        "config": dict(model.config),
        "input": asdict(model.input),
        "outputs": model.outputs,
    }
    return LoadedModel(entry, model.to(device).eval(), identity)


def _source(
    entry: Entry, variant: str, weights: str | None, dataset_name: str, name: str
) -> str:
    known: Sequence[Any] = entry.spec.weights  # type: ignore[attr-defined]
    fitting = [w for w in known if w.variant == variant]
    for spec in fitting:
        if weights == spec.name or (weights is None and spec.dataset == dataset_name):
            return str(spec.source)
    if weights is not None:
        return weights
    raise WeightsError(
        f"Model '{name}' brings no weights for data set '{dataset_name}'.",
        "Give a checkpoint with --weights FILE, or make one with: avplug train "
        f"--model {name} --dataset {dataset_name} ...",
    )


def _labels(checkpoint: Checkpoint, dataset: Dataset) -> tuple[str, ...]:
    return tuple(checkpoint.metadata.get("labels") or dataset.labels)


def _check_labels(
    checkpoint: Checkpoint, model: Model, dataset_name: str, dataset: Dataset
) -> None:
    if model.labels == tuple(dataset.labels):
        return
    trained = checkpoint.metadata.get("dataset", "another data set")
    missing = [label for label in dataset.labels if label not in model.labels]
    example = f", such as '{missing[0]}'" if missing else " in another order"
    raise WeightsError(
        f"{checkpoint.path} predicts the {len(model.labels)} classes of {trained}; "
        f"'{dataset_name}' has {len(dataset.labels)}{example}.",
        "Use weights trained on this data set.",
    )


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
