"""From a model's name to the model with its weights, and the facts that identify it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import torch

from avplug.bench.compute import Compute
from avplug.bench.defending import wrapped_again
from avplug.bench.known_weights import choose_weights
from avplug.bench.own_model import OwnEntry, own_entry, with_capabilities
from avplug.bench.prepare import construct
from avplug.bench.weight_files import read_weights
from avplug.core.dataset import Dataset
from avplug.core.errors import UnknownNameError, WeightsError, closest
from avplug.core.model import Model
from avplug.core.registry import Entry, Registry
from avplug.core.senses import ONLY, capabilities_of, modalities_of
from avplug.core.targets import option_defaults
from avplug.core.weight_specs import WeightSpec
from avplug.core.weights import Checkpoint, build_from


@dataclass(frozen=True, slots=True, eq=False)
class LoadedModel:
    """A model with its weights, and the facts that belong to a cell's identity."""

    entry: Entry
    model: Model
    identity: Mapping[str, Any]

    @property
    def modalities(self) -> str:
        """The senses that its answer depends on: ``av``, ``a`` or ``v``.

        No part of the identity: the options in there decide them.

        Raises:
            UsageError: It says something else of itself.
        """
        return modalities_of(self.entry.spec, self.model)  # type: ignore[arg-type]

    def lack(self, needs: Iterable[str]) -> str | None:
        """Say what it lacks of what a method needs; None if nothing.

        Raises:
            UsageError: As :attr:`modalities`.
        """
        spec: Any = self.entry.spec
        offered = capabilities_of(spec, self.model)
        lacking = [need for need in needs if need not in offered]
        if not lacking:
            return None
        said = f"{', '.join(lacking)}, which {spec.name} has not"
        if {*lacking}.isdisjoint(spec.capabilities):
            return said
        return f"{said}: it {ONLY[self.modalities]}"


def resolve_variant(registry: Registry, name: str) -> tuple[Entry, str, dict[str, Any]]:
    """Return the entry, the variant and its options that ``model:variant`` names.

    ``FILE.py:NAME`` and ``package.module:NAME`` name a user's own model.

    Raises:
        UnknownNameError: There is no such model or variant.
        UsageError: The user's own model cannot be imported.
    """
    if own := own_entry(name):
        return own, "", {}
    bare, _, variant = name.partition(":")
    entry = registry.get("model", bare)
    variants = entry.spec.variants  # type: ignore[attr-defined]
    if variant and variant not in variants:
        raise UnknownNameError(
            f"Model '{bare}' has no variant {variant!r}.{closest(variant, variants)}",
            f"Variants: {', '.join(variants) or 'none'}.",
        )
    return entry, variant, dict(variants.get(variant, {}))


def settings_for(
    entry: Entry, name: str, options: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    """Return a model's settings: those of ``model``, of its name, of ``name`` itself.

    The narrower ones win.
    """
    mine: dict[str, Any] = {}
    for key in ("model", entry.spec.name, name):
        mine |= options.get(key, {})
    return mine


def load_model(
    registry: Registry,
    name: str,
    weights: str | None,
    dataset_name: str,
    dataset: Dataset,
    options: Mapping[str, Mapping[str, Any]],
    device: torch.device,
    compute: Compute | None = None,
) -> LoadedModel:
    """Build a model and load its checkpoint; weights are never made up.

    Args:
        registry: Where the model is looked up.
        name: ``model``, ``model:variant`` or a user's own, ``FILE.py:NAME``.
        weights: Path or address of a checkpoint, its parts, name of a known one, or
            None for the one that is known for this data set.
        dataset_name: Name of the data set.
        dataset: Gives the class names where the checkpoint states none.
        options: The user's settings: ``model``'s are for every model; those under a
            model's name, or under ``name`` itself, are for it alone and win.
        device: Where it shall run.
        compute: How; in float32 by default.

    Raises:
        WeightsError: No checkpoint is known, or it is of another model or data set.
    """
    entry, variant, config = resolve_variant(registry, name)
    chosen = choose_weights(entry, variant, weights, dataset_name)
    mine = settings_for(entry, name, options)
    if weights is not None and entry.spec.reads_weights:  # type: ignore[attr-defined]
        mine["weights"] = weights
    if chosen is None:
        model, about = _self_made(
            entry, name, {**config, **mine}, dataset, dataset_name
        )
    else:
        model, about = _from_weights(
            registry,
            entry,
            chosen,
            config,
            mine,
            dataset,
            dataset_name,
            weights is not None,
        )
    if isinstance(entry, OwnEntry):
        about = {**about, "code": entry.code}
    if isinstance(entry, OwnEntry) or "defense" in about:
        entry = with_capabilities(entry, model)
    identity = {
        "name": entry.spec.name,
        "variant": variant,
        "provider": f"{entry.provider} {entry.version}".rstrip(),
        **about,
        "config": _without_place(entry, model),
        "input": asdict(model.input),
        "outputs": model.outputs,
    }
    model = (compute or Compute()).apply(model.to(device).eval())
    return LoadedModel(entry, model, identity)


def _from_weights(
    registry: Registry,
    entry: Entry,
    chosen: WeightSpec,
    config: dict[str, Any],
    mine: Mapping[str, Any],
    dataset: Dataset,
    dataset_name: str,
    asked: bool,
) -> tuple[Model, dict[str, Any]]:
    checkpoint = read_weights(entry, chosen, asked=asked)
    stated = checkpoint.metadata.get("model")
    if stated not in (None, entry.spec.name) and not isinstance(entry, OwnEntry):
        raise WeightsError(
            f"{checkpoint.path} is a checkpoint of '{stated}', not of "
            f"'{entry.spec.name}'.",
            f"Use it with --model {stated}.",
        )
    labels = tuple(checkpoint.metadata.get("labels") or dataset.labels)
    if chosen.classes not in (0, len(labels)):
        raise WeightsError(
            f"Weights '{chosen.name}' predict the {chosen.classes} classes of "
            f"{chosen.dataset}; '{dataset_name}' has {len(labels)}.",
            "Use weights trained on this data set.",
        )
    known = option_defaults(entry.load())
    if chosen.outputs and (known is None or "outputs" in known):
        config |= {"outputs": chosen.outputs}
    config |= {**chosen.options, **checkpoint.metadata.get("config", {}), **mine}

    def make() -> Model:
        bare: Model = construct(entry, config, labels)
        return wrapped_again(registry, bare, checkpoint.metadata)

    model = build_from(make, checkpoint)
    _check_labels(checkpoint, model, dataset_name, dataset)
    about: dict[str, Any] = {"weights": checkpoint.sha256}
    if checkpoint.parts:
        about["parts"] = dict(checkpoint.parts)
    if model.ignored:
        about["ignored"] = dict(model.ignored)
    if name := checkpoint.metadata.get("name"):
        seed = checkpoint.metadata["training"]["seed"]
        about["training"] = {"name": name, "seed": seed}
    if defense := checkpoint.metadata.get("defense"):
        about["defense"] = defense
    return model, about


def _self_made(
    entry: Entry,
    name: str,
    config: dict[str, Any],
    dataset: Dataset,
    dataset_name: str,
) -> tuple[Model, dict[str, Any]]:
    """Return a model that brings its weights along, made twice to see that it does."""
    own = isinstance(entry, OwnEntry)
    if not own and not getattr(entry.load(), "pretrained", False):
        raise WeightsError(
            f"Model '{name}' brings no weights for data set '{dataset_name}'.",
            "Give a checkpoint with --weights, or make one with: avplug train "
            f"--model {name} --dataset {dataset_name} ...",
        )

    def make(seed: int) -> Model:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            made: Model = construct(entry, config, tuple(dataset.labels))
        return made

    # One at a time: it may fill the memory.
    before = state_sum(make(0))
    model = make(1)
    if before != state_sum(model):
        raise WeightsError(
            f"Model '{name}' draws weights at random, and is given no checkpoint.",
            "Give one with --weights, load one in the constructor, or make one with: "
            f"avplug train --model {name} --dataset {dataset_name} ...",
        )
    return model, {"weights": before}


def _without_place(entry: Entry, model: Model) -> dict[str, Any]:
    """Return a model's options; where its weights lay is no part of what it is."""
    options = dict(model.config)
    if entry.spec.reads_weights:  # type: ignore[attr-defined]
        options.pop("weights", None)
    return options


def state_sum(model: Model) -> str:
    """Return the sha256 of a model's tensors, with their names and types."""
    total = hashlib.sha256()
    for name, tensor in model.state_dict().items():
        total.update(f"{name} {tensor.dtype} {list(tensor.shape)}\n".encode())
        flat = tensor.detach().cpu().contiguous().flatten()
        total.update(flat.view(torch.uint8).numpy().data)
    return total.hexdigest()


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
