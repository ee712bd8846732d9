"""A very small CVPR'21 network, quick enough for every test."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from avplug.builtin_models.cvpr21 import CVPR21
from avplug.core.weights import save_checkpoint
from tests.bench.toys import LABELS

SIZES: dict[str, Any] = {
    "image_size": 64,
    "samples": 8192,
    "seconds": 1.0,
    "sound_widths": (4, 8, 16),
    "frame_width": 2,
    "frame_depths": (1, 1, 1, 1),
}


def network(**changes: Any) -> CVPR21:
    """Return an untrained network, the same at each call."""
    torch.manual_seed(7)
    return CVPR21(LABELS, **{**SIZES, **changes})


def checkpoint(folder: Path, **changes: Any) -> str:
    """Save :func:`network` and return its path."""
    path = folder / "cvpr21.safetensors"
    facts = {"model": "cvpr21", "dataset": "events"}
    save_checkpoint(path, network(**changes), facts)
    return str(path)
