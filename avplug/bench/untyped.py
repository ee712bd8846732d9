"""Names that nobody typed: they mean what avplug brings, whoever claims them, too.

A name that a user writes, and several distributions provide, is refused. Defaults and
avplug's own suites are not to stop working because a plugin was installed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from avplug.core.discovery import BUILTIN
from avplug.core.registry import Registry

#: Kind of the components that a key of a configuration names.
_KINDS = {
    "dataset": "dataset",
    "model": "model",
    "models": "model",
    "tta": "adaptation",
    "attacks": "attack",
    "executor": "executor",
}


def own_names(settings: Mapping[str, Any], registry: Registry) -> dict[str, Any]:
    """Return settings with avplug's own components named so that no plugin is meant.

    Only names that are claimed change: ``events`` to ``avplug/events``.

    Args:
        settings: Keys of a configuration; each component by name, or a sequence.
        registry: Which plugins provide what.
    """
    return {
        key: _own(value, _KINDS[key], registry) if key in _KINDS else value
        for key, value in settings.items()
    }


def own_defaults(
    config: type, given: Mapping[str, Any], registry: Registry
) -> dict[str, Any]:
    """Return those defaults of a configuration that a plugin claims, as avplug's own.

    Args:
        config: A dataclass, such as :class:`~avplug.bench.config.RunConfig`.
        given: What is set; it is left out.
        registry: Which plugins provide what.
    """
    defaults = {
        field.name: field.default
        for field in fields(config)
        if field.name in _KINDS and field.name not in given
    }
    meant = own_names(defaults, registry)
    return {key: value for key, value in meant.items() if value != defaults[key]}


def bare_defaults(config: type, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings with defaults as they read while no plugin claims them.

    A run's folder is named by them, and found again after a plugin was installed.

    Args:
        config: A dataclass, such as :class:`~avplug.bench.config.RunConfig`.
        settings: Keys of it.
    """
    found = dict(settings)
    for field in fields(config):
        value = settings.get(field.name)
        if field.name in _KINDS and _bare(value) == field.default:
            found[field.name] = field.default
    return found


def _bare(value: Any) -> Any:
    if isinstance(value, str):
        return value.removeprefix(f"{BUILTIN}/")
    return tuple(map(_bare, value or ()))


def _own(value: Any, kind: str, registry: Registry) -> Any:
    if not isinstance(value, str):
        return type(value)(_own(name, kind, registry) for name in value)
    bare, colon, variant = value.partition(":")
    claimed = any(
        entry.builtin and entry.conflict and entry.name == bare
        for entry in registry.entries(kind)
    )
    return f"{BUILTIN}/{bare}{colon}{variant}" if claimed else value
