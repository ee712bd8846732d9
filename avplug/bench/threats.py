"""Threat models by name, as tables of a configuration, and in words.

::

    cvpr21              the preset
    cvpr21:0.012        with this epsilon for both senses
    pixel8:x0.5         with each epsilon multiplied
    cvpr21:0.012:v      the picture alone; a and av likewise
    {video = {norm = "l2", epsilon = 1.0}, audio = {epsilon = 0.01}}
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeVar

from avplug.bench.decode import decode
from avplug.core.attack import Budget, Norm, ThreatModel
from avplug.core.errors import UnknownNameError, UsageError, closest

#: Deviations of ImageNet's colours: an epsilon of the normalised picture, times these,
#: is one of the pixels.
IMAGENET_DEVIATIONS = (0.229, 0.224, 0.225)

T = TypeVar("T")

SENSES = ("a", "v", "av")


def _preset(
    video: float, audio: float, scale: tuple[float, ...] = (1.0,)
) -> ThreatModel:
    return ThreatModel(
        Budget("linf", video, (0.0, 1.0), "pixel", scale),
        Budget("linf", audio, (-1.0, 1.0), "amplitude"),
    )


#: ``cvpr21`` is arXiv 2104.02000's (its strong form is ``cvpr21:0.012``), ``pixel8``
#: the usual one for pictures, ``transfer16`` the usual one where an attack on one model
#: shall fool another.
PRESETS: Mapping[str, ThreatModel] = {
    "cvpr21": _preset(0.006, 0.006, IMAGENET_DEVIATIONS),
    "pixel8": _preset(8 / 255, 0.01),
    "transfer16": _preset(16 / 255, 0.03),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _VideoTable:
    epsilon: float
    norm: Norm = "linf"
    unit: Literal["pixel", "normalised"] = "pixel"


@dataclass(frozen=True, slots=True, kw_only=True)
class _AudioTable:
    epsilon: float
    norm: Norm = "linf"
    unit: Literal["amplitude"] = "amplitude"


def threat_model(wanted: str | Mapping[str, Any]) -> ThreatModel:
    """Return the threat model of a name or a table.

    Args:
        wanted: A preset's name with changes, as at the head of this module, or a table
            with ``video`` or ``audio`` or both, and ``joint``. Each sense's has
            ``epsilon``, ``norm`` (``linf`` or ``l2``) and ``unit``: ``pixel`` (0..1) or
            ``normalised`` (by ImageNet's deviations) for video, ``amplitude`` (-1..1)
            for audio.

    Raises:
        UnknownNameError: There is no such preset.
        UsageError: A change or a value of the table is wrong.
    """
    if not isinstance(wanted, str):
        return _from_table(wanted)
    if wanted.lstrip().startswith("{"):
        try:
            return _from_table(tomllib.loads(f"threat = {wanted}")["threat"])
        except tomllib.TOMLDecodeError as error:
            message = f"Threat model {wanted!r} is malformed: {error}."
            raise UsageError(message) from error
    name, *changes = wanted.split(":")
    if name not in PRESETS:
        raise UnknownNameError(
            f"Unknown threat model {name!r}.{closest(name, PRESETS)}",
            f"Presets: {', '.join(PRESETS)}.",
        )
    threat = PRESETS[name]
    for change in changes:
        threat = _changed(threat, change, wanted)
    return threat


def _changed(threat: ThreatModel, change: str, wanted: str) -> ThreatModel:
    if change in SENSES:
        return threat.only(change)
    factor = change.removeprefix("x")
    try:
        value = float(factor)
    except ValueError:
        value = math.nan
    if not 0 <= value < math.inf:
        raise UsageError(
            f"Threat model {wanted!r}: {change!r} changes nothing known.",
            "Write an epsilon (0.012), a factor (x2), or the senses (a, v, av).",
        )
    if factor != change:
        return threat.scaled(value)
    budgets = [budget for budget in (threat.video, threat.audio) if budget]
    if value and len({budget.epsilon for budget in budgets}) > 1:
        raise UsageError(
            f"Threat model {wanted!r}: the senses have different epsilons, of"
            f" {' and '.join(str(budget.epsilon) for budget in budgets)}.",
            "Name one sense first (NAME:v:0.03), or give a factor (NAME:x2).",
        )
    return replace(
        threat,
        video=threat.video and replace(threat.video, epsilon=value),
        audio=threat.audio and replace(threat.audio, epsilon=value),
    )


def _from_table(table: Mapping[str, Any]) -> ThreatModel:
    known = ("video", "audio", "joint")
    for key in table:
        if key not in known:
            raise UsageError(
                f"A threat model has no {key!r}.{closest(key, known)}",
                f"Keys: {', '.join(known)}.",
            )
    if "video" not in table and "audio" not in table:
        raise UsageError(
            "The threat model threatens no sense.", "Give it video, audio, or both."
        )
    joint = table.get("joint", False)
    if not isinstance(joint, bool):
        raise UsageError(f"joint of a threat model is {joint!r}: true or false.")
    video = audio = None
    if "video" in table:
        seen = _sense(_VideoTable, table["video"], "video")
        scale = IMAGENET_DEVIATIONS if seen.unit == "normalised" else (1.0,)
        video = Budget(seen.norm, seen.epsilon, (0.0, 1.0), "pixel", scale)
    if "audio" in table:
        heard = _sense(_AudioTable, table["audio"], "audio")
        audio = Budget(heard.norm, heard.epsilon, (-1.0, 1.0), heard.unit)
    return ThreatModel(video, audio, joint)


def _sense(kind: type[T], table: Any, name: str) -> T:
    if not isinstance(table, Mapping) or "epsilon" not in table:
        raise UsageError(
            f"{name} of the threat model is {table!r}: epsilon is missing.",
            f"Write a table: {{{name} = {{epsilon = 0.01}}}}.",
        )
    return decode(kind, table, f"{name} of the threat model")


def describe(threat: ThreatModel) -> str:
    """Return a threat model in words; every number with its unit."""
    parts = [
        f"{name} {budget.norm} {_size(budget)}"
        for name, budget in (("video", threat.video), ("audio", threat.audio))
        if budget and budget.epsilon
    ]
    if not parts:
        return "nothing may change"
    return ", ".join(parts) + (", in one joint ball" if threat.joint else "")


def _size(budget: Budget) -> str:
    low, high = budget.bounds
    size = f"{budget.epsilon:.4g}"
    if len(budget.scale) > 1:
        size += f" x {'/'.join(f'{factor:.4g}' for factor in budget.scale)}"
    size += f" {budget.unit} ({low:g}..{high:g})"
    if budget.norm != "linf":
        return size
    if budget.unit == "pixel":
        levels = (f"{255 * budget.epsilon * factor:.3g}" for factor in budget.scale)
        return f"{size} = {'/'.join(levels)} of 255 grey levels"
    return f"{size} = {20 * math.log10(budget.epsilon):.1f} dBFS"
