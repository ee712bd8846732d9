"""Adversarial training after ICLR'25 (arXiv 2502.11858): what each part of it does.

The paper's text gives neither budgets nor schedules and measures the success of TMA
alone; here clean accuracy, PGD and APGD stand beside it. All trainings craft with as
many steps and mix attacked and clean clips alike.
"""

from __future__ import annotations

from typing import Any

_NAMES = {
    "undefended": "undefended",
    "pgd-at": "adversarial training, PGD",
    "tma-at": "adversarial training, TMA",
    "efficient": "efficient crafting",
    "curriculum": "curriculum",
    "both": "efficient crafting + curriculum",
    "excerpt": "efficient crafting, trained on what is crafted",
}


def configuration() -> dict[str, Any]:
    """Return the keys of the configuration that the suite sets; flags win over them."""
    return {
        "attacks": ["pgd", "apgd", "tma"],
        "budgets": ["cvpr21"],
        "attack_senses": ["av"],
        "transfer": ["tma"],
        "batch_size": 50,
        "tables": [
            {
                "form": "success",
                "title": "Adversarial training: accuracy, success of attacks, cost",
                "rows": _NAMES,
            },
            {
                "form": "transfer",
                "title": "Attacks made on one network and shown to another",
                "rows": _NAMES,
            },
        ],
    }


def trainings() -> dict[str, dict[str, Any]]:
    """Return the networks by name; they see four frames, of which crafting samples."""
    attack = {"steps": 5, "step": 0.25}
    plain = {"attack_options": attack, "clean": 0.5}
    parts = {"attack_options": {"step": 0.25}, "steps": 5}
    steady = {"schedule": "constant", "masked": 0.0, "dropout": 0.0}
    rows: dict[str, dict[str, Any]] = {
        "undefended": {},
        "pgd-at": {"defense": "adversarial", "options": {"adversarial": plain}},
        "tma-at": {
            "defense": "adversarial",
            "options": {"adversarial": {"attack": "tma", **plain}},
        },
        "efficient": {
            "defense": "efficient",
            "options": {"efficient": {**parts, **steady}},
        },
        "curriculum": {
            "defense": "efficient",
            "options": {"efficient": {**parts, "ratio": 1.0}},
        },
        "both": {"defense": "efficient", "options": {"efficient": parts}},
        "excerpt": {
            "defense": "efficient",
            "options": {"efficient": {**parts, **steady, "trained_on": "excerpt"}},
        },
    }
    frames = {"grid": 4, "picks": [0, 1, 2, 3]}
    return {
        name: {
            "model": "cvpr21:tiny",
            **({"budget": "cvpr21"} if row else {}),
            **row,
            "options": {"model": frames, **row.get("options", {})},
        }
        for name, row in rows.items()
    }
