"""Defences by name: made, checked against a model, and found again by its weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from avplug.bench.prepare import construct
from avplug.core.defense import Defense
from avplug.core.errors import CapabilityError, UnknownNameError, WeightsError
from avplug.core.model import Model
from avplug.core.registry import Entry, Registry
from avplug.core.targets import option_defaults


def make_defense(
    registry: Registry, name: str | None, options: Mapping[str, Any]
) -> tuple[Defense, dict[str, Any] | None]:
    """Return a defence, and the facts that weights trained with it carry.

    Args:
        registry: Where it is looked up.
        name: None for none, whose facts are None.
        options: As given by the user; the facts hold the others' defaults too.

    Raises:
        UnknownNameError: There is no such defence.
        UsageError: It has no such option.
    """
    if name is None:
        return _Undefended(), None
    entry = registry.get("defense", name)
    defense: Defense = construct(entry, options)
    facts = {
        "name": entry.spec.name,
        "provider": f"{entry.provider} {entry.version}".rstrip(),
        "options": {**(option_defaults(entry.load()) or {}), **options},
    }
    return defense, facts


class _Undefended(Defense):
    """Plain training: every default of a defence."""


def check_needs(registry: Registry, defense: str | None, model: Entry) -> None:
    """Make sure that a model offers what a defence needs.

    Raises:
        CapabilityError: It does not.
    """
    if defense is None:
        return
    spec: Any = registry.get("defense", defense).spec
    has = model.spec.capabilities  # type: ignore[attr-defined]
    lacking = [need for need in spec.needs if need not in has]
    if lacking:
        raise CapabilityError(
            f"Defence '{spec.name}' needs {', '.join(lacking)}, which"
            f" {model.spec.name} has not.",
            "See what models offer with: avplug list model --json",
        )


def wrapped_again(
    registry: Registry, model: Model, metadata: Mapping[str, Any]
) -> Model:
    """Return the model as the defence wraps it that its checkpoint was trained with.

    Args:
        registry: Where the defence is looked up.
        model: Without its weights.
        metadata: Of the checkpoint.

    Raises:
        WeightsError: The defence is not installed, or does not take its options.
    """
    facts = metadata.get("defense")
    if facts is None:
        return model
    try:
        defense, _ = make_defense(registry, facts["name"], facts["options"])
    except UnknownNameError as error:
        raise WeightsError(
            f"The weights were trained with defence '{facts['name']}' of"
            f" {facts['provider']}: {error.message}",
            "Install the plugin that provides it, or name it with --plugin.",
        ) from error
    return defense.wrap(model)
