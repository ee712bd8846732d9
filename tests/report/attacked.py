"""Attacked cells, put in a store with answers that are known."""

from __future__ import annotations

from tests.report.stores import right

FACTS = {
    "clips": 20,
    "psnr": {"mean": 38.0, "worst": 36.0},
    "snr": {"mean": 20.0, "worst": 5.0, "silent": 0},
    "db_x": {"mean": -30.0, "worst": -10.0},
    "largest": {"video": 8 / 255, "audio": 0.01},
    "ratio": 1.0,
    "outside": 0,
    "invalid": 0,
    "gradient": True,
    "forwards": 200,
    "backwards": 200,
    "flat": 0,
    "history": [0.5, 2.0],
    "gap": {"logits": 0.0, "answers": 0},
    "saved": 10,
    "alone": {"same_answer": True, "moved": 0.0},
}


def threat(epsilon=8 / 255, sound=0.01):
    def budget(size, low, unit):
        scale = [1.0]
        bounds = [low, 1.0]
        return {
            "norm": "linf",
            "epsilon": size,
            "bounds": bounds,
            "unit": unit,
            "scale": scale,
        }

    return {
        "video": budget(epsilon, 0.0, "pixel"),
        "audio": budget(sound, -1.0, "amplitude"),
        "joint": False,
    }


def put_attacked(
    maker, count, senses="av", name="pgd", size=None, facts=None, **changes
):
    """Store an attacked cell of 20 clips, of which ``count`` are still right."""
    options = {"target": None, **changes.pop("options", {"steps": 10})}
    about = {
        "name": name,
        "provider": "avplug 0.1",
        "options": options,
        "threat": threat() if size is None else threat(size, size),
        "senses": senses,
        **changes.pop("about", {}),
    }
    identity = maker.identity(attack=about, **changes)
    maker.plan(identity)
    given = right(count)
    noted = {**FACTS, "right": count, **(facts or {})}
    noted = {key: value for key, value in noted.items() if value is not None}
    record = {
        "seconds": {"total": 3.0, "attack": 2.0},
        "clips": {"evaluated": 20, "failed": 0},
        "failures": [],
        "diagnostics": {},
        "attack": noted,
    }
    return maker.store.put(identity, given, record)
