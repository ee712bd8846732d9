"""From nested settings to MLflow's parameters and tags: short texts by name."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

#: Characters of a parameter that servers since MLflow 2.8 take, and of a tag.
LONGEST_PARAM, LONGEST_TAG = 6000, 5000
#: Of their names.
LONGEST_NAME = 250


def flatten(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return ``{"a.b": c}`` of ``{"a": {"b": c}}``, without what is empty or None."""
    flat: dict[str, Any] = {}
    for key, value in settings.items():
        if isinstance(value, Mapping):
            flat |= flatten(value, f"{prefix}{key}.")
        elif value is not None and value not in ("", [], ()):
            flat[f"{prefix}{key}"] = value
    return flat


def params_of(flat: Mapping[str, Any]) -> dict[str, str]:
    """Return parameters: texts as they are, anything else as JSON."""
    return {
        name_of(key): _cut(_text(value), LONGEST_PARAM) for key, value in flat.items()
    }


def name_of(key: str) -> str:
    """Return a parameter's or metric's name as MLflow takes it.

    Letters, digits and ``_-. :/`` stay, up to 250 of them.
    """
    return re.sub(r"[^\w\-. :/]", "_", key)[:LONGEST_NAME]


def tags_of(values: Mapping[str, str]) -> dict[str, str]:
    """Return tags under avplug's prefix."""
    return {f"avplug.{key}": _cut(text, LONGEST_TAG) for key, text in values.items()}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str)


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
