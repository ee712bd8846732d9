"""Cells that the checks of :mod:`avplug.report.attack_checks` need and a run lacks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from avplug.bench.attacking import AttackSetting
from avplug.bench.config import RunConfig
from avplug.core.attack import Budget, ThreatModel
from avplug.core.registry import Registry
from avplug.core.targets import option_defaults

#: Attacks that the others are held against, with options where none are given.
CONTROLS: Mapping[str, Mapping[str, Any]] = {
    "noise": {},
    "fgsm": {},
    "square": {"queries": 100},
}

#: Half of the range of a pixel or an amplitude, which nothing should withstand.
_LARGE = 0.5


def check_settings(
    registry: Registry, config: RunConfig, settings: Sequence[AttackSetting]
) -> list[AttackSetting]:
    """Return the settings that the checks need besides, within the first budget.

    Of each attack: nothing allowed, nearly everything allowed, each sense and both, and
    twice the steps. Besides: noise, one step, and a search without gradients. Against
    methods that adapt, under the first protocol alone.

    Args:
        registry: Where the controls are looked up.
        config: Gives the options.
        settings: The attacks of the run.
    """
    found = []
    white = [setting for setting in settings if not setting.surrogates]
    threat = settings[0].threat
    first = {setting.method.qualified: setting for setting in reversed(white)}
    for setting in first.values():
        both = replace(setting, threat=threat, senses=_all(threat))
        found += [
            replace(both, threat=threat.scaled(0.0)),
            replace(both, threat=_large(threat)),
            *(replace(both, senses=senses) for senses in (*both.senses, both.senses)),
        ]
        known = option_defaults(setting.attack) or {}
        steps = setting.options.get("steps", known.get("steps"))
        if steps:
            found.append(replace(both, options={**both.options, "steps": 2 * steps}))
    plain = replace(white[0], threat=threat, senses=_all(threat), training=None)
    for name, options in CONTROLS.items():
        control = {**options, **config.options.get(name, {})}
        entry = registry.recall("attack", name)
        found.append(replace(plain, method=entry, options=control))
    return found


def _all(threat: ThreatModel) -> str:
    sides = (("a", threat.audio), ("v", threat.video))
    return "".join(name for name, side in sides if side is not None)


def _large(threat: ThreatModel) -> ThreatModel:
    def large(budget: Budget | None) -> Budget | None:
        wide = {"norm": "linf", "epsilon": _LARGE, "scale": (1.0,)}
        return budget and replace(budget, **wide)  # type: ignore[arg-type]

    return ThreatModel(large(threat.video), large(threat.audio))
