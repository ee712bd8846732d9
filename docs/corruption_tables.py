"""The parameters of the corruptions, for the page that explains them."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parent / "explanation" / "corruptions.md"

_TABLE = re.compile(r"^<!-- parameters of (?P<name>[\w-]+) -->\n(?:\|.*\n)*", re.M)
#: What differs between so many draws is drawn, and no parameter.
_DRAWS = 8


def corruptions() -> str:
    """Return the page with the table after each of its marks written anew."""
    text = PAGE.read_text(encoding="utf-8")
    return _TABLE.sub(lambda m: f"{m[0].splitlines()[0]}\n{_table(m['name'])}", text)


def _table(name: str) -> str:
    from avplug.core.corruption import PROFILES

    by_profile = {profile: _parameters(name, profile) for profile in PROFILES}
    rows = ["| severity | 1 | 2 | 3 | 4 | 5 |\n|---|---|---|---|---|---|\n"]
    for profile, parameters in by_profile.items():
        for parameter, values in parameters.items():
            others = [by_profile[p].get(parameter) for p in PROFILES if p != profile]
            shared = others == [values]
            if shared and profile != PROFILES[0]:
                continue
            label = f"`{parameter}`" + ("" if shared else f", profile `{profile}`")
            rows.append(f"| {label} | {' | '.join(values)} |\n")
    return "".join(rows)


def _parameters(name: str, profile: str) -> dict[str, list[str]]:
    """Return what a severity decides alone, by the names that scenes have for it."""
    from avplug.core.clip import ClipInfo
    from avplug.core.corruption import SEVERITIES
    from avplug.core.randomness import KeyedRandom
    from avplug.core.registry import get_registry

    corruption = get_registry().get("corruption", name).load()(profile=profile)
    info = ClipInfo("clip", 10.0, 224, 224, 16000, 1)

    def scene(severity: int, draw: int) -> dict[str, Any]:
        drawn = corruption.scene(info, severity, KeyedRandom(("tables", draw)))
        held = {field.name: getattr(drawn, field.name) for field in fields(drawn)}
        return {k: v for k, v in held.items() if isinstance(v, bool | int | float)}

    draws = [[scene(severity, i) for severity in SEVERITIES] for i in range(_DRAWS)]
    first = draws[0]
    return {
        parameter: [_shown(levels[parameter]) for levels in first]
        for parameter in first[0]
        if all(
            other[parameter] == level[parameter]
            for draw in draws
            for other, level in zip(draw, first, strict=True)
        )
    }


def _shown(value: bool | float) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}"
