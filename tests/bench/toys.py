"""A very small CAV-MAE on ``events``: real components, quick enough for every test."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from avplug.bench.config import RunConfig
from avplug.builtin_datasets.events.classes import CLASSES
from avplug.builtin_models.cavmae import CAVMAE
from avplug.core.weights import save_checkpoint

SIZES: dict[str, Any] = {
    "image_size": 32,
    "target_length": 64,
    "width": 16,
    "depth": 1,
    "heads": 2,
}
LABELS = tuple(kind.name for kind in CLASSES)


def checkpoint(
    folder: Path, labels: tuple[str, ...] = LABELS, dataset: str = "events"
) -> str:
    """Save an untrained model, the same at each call, and return its path."""
    torch.manual_seed(7)
    path = folder / "toy.safetensors"
    model = CAVMAE(labels, **SIZES)
    save_checkpoint(path, model, {"model": "cav-mae", "dataset": dataset})
    return str(path)


def config(folder: Path, **changes: Any) -> RunConfig:
    """Return a run of a few small cells on 24 clips."""
    defaults: dict[str, Any] = {
        "corruptions": ("gaussian", "compression"),
        "severities": (1, 5),
        "limit": 24,
        "out": str(folder / "run"),
        "device": "cpu",
    }
    if "weights" not in changes:
        defaults["weights"] = (checkpoint(folder),)
    return RunConfig(**{**defaults, **changes})
