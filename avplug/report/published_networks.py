"""Which trained networks and attacks of a run are those of the attack papers.

A network is known by the fusion and the defence in its record. One that a suite
trained must be called there as the papers' networks are: ``concat-longer`` is none of
theirs, though its record reads like that of ``concat``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from avplug.report.attacked import AttackedCell
from avplug.report.paper_source import training_of
from avplug.report.published_match import plain_name

#: Fusions, by plain names of CVPR'21.
_FUSIONS = {
    "avconcat": "concat",
    "avsum": "sum",
    "avfilm": "film",
    "avgatedsum": "gated-sum",
    "avgatedconcat": "gated-concat",
    "unimodala": "audio",
    "unimodalv": "visual",
}
_DEFENSES = ("pcl", "maxsim", "minsim", "exfmem", "minsim-exfmem")

#: Own attacks, by plain names of the sources.
_ATTACKS: Mapping[str, tuple[str, ...]] = {
    "mim": ("mim", "mim-cvpr21"),
    "ifgsm": ("pgd",),
    "mifgsm": ("mim",),
    "tiaminimiseeq25steps": ("tia",),
    "tiawitheq2maximised5steps": ("tia",),
    "tmatiamma": ("tma",),
    "proposed": ("tma",),
}
#: Of these the source maximises the variation over time instead of minimising it.
_AGAINST_TIME = ("tiawitheq2maximised5steps",)

#: Fusions of the networks that ICLR'25 speaks of, by plain names.
_SUBJECTS: Mapping[str, tuple[str, ...]] = {
    "surrogateacaalexnetconcatalexnet": ("concat",),
    "surrogateaca": ("concat",),
    "victimrsrresnetsumresnet": ("sum",),
    "victimrsr": ("sum",),
    "8victimsaverage": ("concat", "sum"),
    "ensembleattackallvictims": ("concat", "sum"),
    "fig3": ("concat", "sum"),
}


@dataclass(frozen=True, slots=True)
class Network:
    """What tells one network of the papers from another.

    Args:
        fusion: Such as ``"concat"``; ``"audio"`` and ``"visual"`` have one sense.
        defense: Such as ``"minsim"``; ``"none"`` without any.
    """

    fusion: str
    defense: str


def own_network(model: Mapping[str, Any]) -> Network | None:
    """Return which network a model's identity is; None if it is none of theirs."""
    config = model.get("config", {})
    fusion, defense = config.get("fusion"), _own_defense(model.get("defense"))
    if fusion is None or defense is None or config.get("pool") == "localised":
        return None
    name = model.get("training", {}).get("name", "")
    fitting = (str(fusion), "undefended") if defense == "none" else (defense,)
    if name and name not in fitting:
        return None
    return Network(str(fusion), defense)


def _own_defense(facts: Mapping[str, Any] | None) -> str | None:
    if facts is None:
        return "none"
    name = str(facts["name"])
    if name == "exfmem" and float(facts["options"].get("minsim", 0.0)):
        return "minsim-exfmem"
    return name if name in _DEFENSES else None


def seed_of(cell: AttackedCell) -> int | None:
    """Return the seed of the attacked network's training; None if it is not known."""
    seed = cell.stored.cell["model"].get("training", {}).get("seed")
    return None if seed is None else int(seed)


def name_of(cell: AttackedCell) -> str:
    """Return what the attacked network is called, whatever its training's seed."""
    return training_of(cell) or cell.method.model


def published_network(model: str, method: str) -> Network | None:
    """Return the network of a row of CVPR'21's tables."""
    fusion = _FUSIONS.get(plain_name(model))
    if fusion is None:
        return None
    wanted = plain_name(method)
    if wanted in ("none", plain_name(model)):
        return Network(fusion, "none")
    named = (name for name in _DEFENSES if plain_name(name) == wanted)
    defense = next(named, None)
    return Network(fusion, defense) if defense else None


def published_fusions(model: str) -> tuple[str, ...]:
    """Return the fusions of the undefended networks of a row of ICLR'25; () if none."""
    return _SUBJECTS.get(plain_name(model), ())


def is_attack(published: str, about: Mapping[str, Any]) -> bool:
    """Whether an attack in a cell's identity is what a source calls so.

    Neither has a target. What else may differ, such as steps, is told beside it.
    """
    wanted, options = plain_name(published), about["options"]
    name = str(about["name"])
    if options.get("target") is not None:
        return False
    if name not in _ATTACKS.get(wanted, (wanted,)):
        return False
    against = wanted in _AGAINST_TIME
    weight = float(options.get("temporal", -1.0 if against else 1.0))
    return weight < 0 if against else weight > 0
