"""The networks and tables of CVPR'21 (arXiv 2104.02000), Tables 1 to 6.

Its sizes and data are the paper's to have: what runs here is any data set, and
``cvpr21:tiny`` by default. As in the paper FGSM meets all of them, MIM the defences,
PGD the undefended network alone; FGSM and MIM also the one that localises.
"""

from __future__ import annotations

from typing import Any

_FUSIONS = ("concat", "sum", "film", "gated-sum", "gated-concat")
_NAMES = {
    "concat": "none",
    "concat-longer": "none, trained on",
    "audio": "Unimodal A",
    "visual": "Unimodal V",
    "pcl": "PCL",
    "maxsim": "MaxSim",
    "minsim": "MinSim",
    "exfmem": "ExFMem",
    "minsim-exfmem": "MinSim+ExFMem",
    "pgd-at": "PGD training",
}


def configuration() -> dict[str, Any]:
    """Return the keys of the configuration that the suite sets; flags win over them.

    The doubled budget is Table 1's, for one sense at a time.
    """
    return {
        "attacks": ["fgsm", "pgd", "mim"],
        "budgets": ["cvpr21", "cvpr21:x2:a", "cvpr21:x2:v"],
        "attack_senses": ["a", "v", "av"],
        "only": {
            "pgd": ["concat"],
            "mim": [*_NAMES, "localised"],
            "*:x2:*": ["concat"],
        },
        "batch_size": 50,
        "tables": [
            {
                "form": "attacks",
                "title": "Table 1: attacks on one sense and on both",
                "rows": {"concat": "AV", "audio": "A alone", "visual": "V alone"},
            },
            {
                "form": "senses",
                "title": "Table 2: fusions",
                "rows": {name: f"AV-{name}" for name in _FUSIONS},
                "attacks": ["fgsm"],
                "base": "concat",
            },
            {
                "form": "senses",
                "title": "Tables 3, 5 and 6: defences",
                "rows": _NAMES,
                "base": "concat",
            },
        ],
    }


def trainings() -> dict[str, dict[str, Any]]:
    """Return the networks of the tables by name.

    Memories hold fewer features than the paper's 1024, for networks as small as these.
    ExFMem alone remembers the plain network, and its training leaves the cosine out;
    MinSim+ExFMem starts from MinSim's network, as the paper does. Both train their
    network on, so that ``concat-longer``, which trains on without a defence, is what
    they are to be compared with wherever a training is short.
    """
    memory = {"columns": 256, "steps": 50}
    both = {**memory, "minsim": 1.0}
    rows: dict[str, dict[str, Any]] = {
        name: {"options": {"model": {"fusion": name}}}
        for name in (*_FUSIONS, "audio", "visual")
    }
    rows |= {
        "localised": {"options": {"model": {"pool": "localised"}}},
        "pcl": {"defense": "pcl"},
        "maxsim": {"defense": "maxsim"},
        "minsim": {"defense": "minsim"},
        "concat-longer": {"after": "concat"},
        "exfmem": {
            "defense": "exfmem",
            "after": "concat",
            "options": {"exfmem": {**memory, "minsim": 0.0}},
        },
        "minsim-exfmem": {
            "defense": "exfmem",
            "after": "minsim",
            "options": {"exfmem": both},
        },
        "pgd-at": {"defense": "adversarial", "budget": "cvpr21"},
    }
    return {name: {"model": "cvpr21:tiny", **row} for name, row in rows.items()}
