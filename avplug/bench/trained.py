"""What ``avplug train --suite`` left, as the models of a run."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from avplug.bench.config import RunConfig
from avplug.bench.training import CURVE, WEIGHTS, read_training
from avplug.core.errors import UsageError
from avplug.core.weights import read_checkpoint


def trained_models(
    folder: Path | str, first: Sequence[str] = ()
) -> dict[str, tuple[str, ...]]:
    """Return ``models`` and ``weights`` of a run's configuration.

    Args:
        folder: Below it lie ``<name>/seed-<s>/weights.safetensors``.
        first: Names of trainings in the order of a suite's tables; others follow by
            their names, seeds by their numbers.

    Raises:
        UsageError: There are none, or one does not say what model it is of.
    """
    found = list(Path(folder).glob(f"*/seed-*/{WEIGHTS}"))
    if not found:
        raise UsageError(
            f"{folder} holds no trained networks.",
            "Make them with: avplug train --suite cvpr21 --out "
            f"{os.fspath(folder)} ...",
        )
    places = {name: i for i, name in enumerate(first)}

    def order(path: Path) -> tuple[Any, ...]:
        name, seed = path.parent.parent.name, path.parent.name.removeprefix("seed-")
        return places.get(name, len(places)), name, int(seed)

    models, weights = [], []
    for path in sorted(found, key=order):
        about = read_checkpoint(str(path)).metadata
        if "model" not in about:
            raise UsageError(f"{path} does not say what model it is of.")
        variant = about.get("variant")
        models.append(f"{about['model']}:{variant}" if variant else about["model"])
        weights.append(str(path))
    return {"models": tuple(models), "weights": tuple(weights)}


def training_costs(config: RunConfig) -> list[dict[str, Any]]:
    """Return what the trainings of a run's weights took, for those with a curve.

    Seconds, and the passes of crafting, are of one epoch in the mean.
    """
    rows = []
    for weights in dict.fromkeys(config.weights):
        folder = Path(weights).parent
        if Path(weights).name != WEIGHTS or not (folder / CURVE).exists():
            continue
        settings, curve = read_training(folder)
        if not curve:
            continue
        count = len(curve)
        rows.append(
            {
                "name": folder.parent.name,
                "seed": settings["seed"],
                "epochs": count,
                "seconds": sum(row.seconds for row in curve) / count,
                "forwards": sum(row.forwards for row in curve) / count,
                "backwards": sum(row.backwards for row in curve) / count,
            }
        )
    return rows
