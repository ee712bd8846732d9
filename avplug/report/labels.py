"""Cells and settings in words: the shortest names that tell them apart."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

_HASH = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


def describe(cell: Mapping[str, object]) -> str:
    """Return a cell's identity in a few words."""
    parts = [cell.get(key) for key in ("model", "adaptation", "corruption")]
    names = [str(part["name"]) for part in parts if isinstance(part, dict)]
    severity = f"s{cell['severity']}" if cell.get("severity") else "clean"
    stream = cell.get("stream")
    if isinstance(stream, list):
        severity = f"stream of {len(stream)}"
    return " ".join([*names, severity, f"seed {cell.get('seed')}"])


def canonical(data: Any) -> str:
    """Return plain data as text that is equal for equal data."""
    return json.dumps(data, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def flatten(data: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Return the leaves of nested mappings, as text by their dotted keys."""
    leaves: dict[str, str] = {}
    for key, value in data.items():
        if isinstance(value, Mapping):
            leaves |= flatten(value, f"{prefix}{key}.")
        else:
            text = value if isinstance(value, str) else canonical(value)
            leaves[f"{prefix}{key}"] = text
    return leaves


def distinguish(
    names: Sequence[str], settings: Sequence[Mapping[str, Any]]
) -> list[str]:
    """Return the names, with the settings that differ where a name occurs twice.

    Args:
        names: One for each item; may repeat.
        settings: Plain data of each item. Leaves are taken in their order, and only
            as many as it needs.

    Example::

        distinguish(["tent", "tent"], [{"lr": 0.1}, {"lr": 0.2}])
        # ["tent (lr=0.1)", "tent (lr=0.2)"]
    """
    labels = list(names)
    leaves = [flatten(setting) for setting in settings]
    for name in dict.fromkeys(names):
        group = [i for i, other in enumerate(names) if other == name]
        keys = _telling([leaves[i] for i in group])
        for i in group:
            shown = ", ".join(f"{_last(k)}={_short(leaves[i], k)}" for k in keys)
            labels[i] = f"{name} ({shown})" if shown else name
    return labels


def _telling(group: list[dict[str, str]]) -> list[str]:
    """Keys whose values, taken together, split the group as far as all keys would."""
    keys: list[str] = []
    kinds = 1
    for key in dict.fromkeys(key for leaves in group for key in leaves):
        found = len({tuple(leaves.get(k) for k in [*keys, key]) for leaves in group})
        if found > kinds:
            keys.append(key)
            kinds = found
    return keys


def _short(leaves: Mapping[str, str], key: str) -> str:
    """Return a value; of a hash as much as tells hashes apart."""
    value = leaves.get(key, "none")
    return value[:8] if _HASH.fullmatch(value) else value


def _last(key: str) -> str:
    return key.rpartition(".")[2]
