"""The conditions of data that somebody corrupted before: its folders are the axis."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any

from avplug.bench.conditions import CLEAN, Condition
from avplug.bench.config import RunConfig
from avplug.core.components import CorruptionSpec
from avplug.core.dataset import Dataset, Premade
from avplug.core.errors import UsageError
from avplug.core.registry import Registry

#: In place of a provider and a profile: nothing here corrupted these clips.
PREMADE = "pre-made"
_DEFAULT = RunConfig().corruptions


def premade_conditions(
    config: RunConfig, dataset: Dataset, registry: Registry
) -> list[Condition]:
    """Return the conditions of a data set that was corrupted before.

    Corruptions and severities choose among those on disk; by default all are taken.

    Raises:
        UsageError: What is asked for is not on disk: such data are not corrupted again.
    """
    found = [made for made in dataset.premade if _chosen(config, made, registry)]
    if config.corruptions and not found:
        on_disk = ", ".join(
            dict.fromkeys(
                f"{m.name} {m.severity} ({m.senses})" for m in dataset.premade
            )
        )
        raise UsageError(
            f"Of {', '.join(config.corruptions)} at severities "
            f"{', '.join(map(str, config.severities))} of "
            f"{', '.join(config.modalities)} nothing is on disk; there is {on_disk}.",
            f"Data set '{config.dataset}' is evaluated as it is. To corrupt it again, "
            "take one condition as the data set: -o dataset.condition=NAME/SEVERITY",
        )
    clean = [CLEAN] if dataset.has_clean else []
    return clean + [_condition(made, registry) for made in found]


def _chosen(config: RunConfig, made: Premade, registry: Registry) -> bool:
    if made.severity not in config.severities or made.senses not in config.modalities:
        return False
    if config.corruptions == _DEFAULT:
        return True
    names = (made.name, f"{_category(made, registry)}/{made.name}")
    return any(
        fnmatchcase(name, pattern) for name in names for pattern in config.corruptions
    )


def _category(made: Premade, registry: Registry) -> str:
    for entry in registry.entries("corruption"):
        if entry.spec.name == made.name and isinstance(entry.spec, CorruptionSpec):
            return entry.spec.category
    return "other"


def _condition(made: Premade, registry: Registry) -> Condition:
    identity: dict[str, Any] = {
        "name": made.name,
        "category": _category(made, registry),
        "provider": PREMADE,
        "profile": PREMADE,
        "modalities": made.senses,
        "premade": made.fingerprint,
    }
    if made.made:
        identity["made"] = dict(made.made)
    return Condition(made.name, made.severity, (), identity, made.open())
