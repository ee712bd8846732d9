"""Outputs of the reference implementations, and the recipe of their weights and inputs.

``AVPLUG_GOLDEN`` names the folder; ``AVPLUG_GOLDEN_PREFIX`` is put before every name
that seeds a draw, so that another set of outputs can be made of the same recipe.
"""

from __future__ import annotations

import json
import math
import os
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

ROOT = Path(
    os.environ.get("AVPLUG_GOLDEN")
    or Path(__file__).resolve().parents[2] / "shared" / "golden"
)
SALT = os.environ.get("AVPLUG_GOLDEN_PREFIX", "")

needs_golden = pytest.mark.skipif(
    not ROOT.is_dir(), reason="the reference outputs are not here: set AVPLUG_GOLDEN"
)


def arrays(name: str) -> dict[str, np.ndarray]:
    """Return the arrays of a reference file."""
    with np.load(ROOT / name) as file:
        return dict(file)


def facts(name: str) -> Any:
    """Return the content of a reference file in JSON."""
    return json.loads((ROOT / name).read_text())


def normal(name: str, shape: tuple[int, ...], salt: str = SALT) -> np.ndarray:
    """Return the standard normals float32 that a name stands for."""
    key = zlib.crc32((salt + name).encode())
    generator = np.random.Generator(np.random.Philox(key=key))
    return generator.standard_normal(size=shape, dtype=np.float32)


def published_state(
    shapes: dict[str, tuple[int, ...]], salt: str = SALT
) -> dict[str, torch.Tensor]:
    """Return weights for networks of the published size, float32."""
    return {
        name: torch.from_numpy(_published(name, shape, salt))
        for name, shape in shapes.items()
    }


def _published(name: str, shape: tuple[int, ...], salt: str) -> np.ndarray:
    draw = normal(name, shape, salt)
    tenth, fiftieth = np.float32(0.1), np.float32(0.02)
    if name.endswith("layer_scale"):
        return np.float32(0.5) + tenth * draw
    if len(shape) >= 2:
        return fiftieth * draw
    return np.float32(1) + tenth * draw if name.endswith("weight") else fiftieth * draw


def adaptation_state(
    shapes: dict[str, tuple[int, ...]], head_gain: float, salt: str = SALT
) -> dict[str, torch.Tensor]:
    """Return weights for the small networks of the adaptation runs, float32."""
    return {
        name: torch.from_numpy(_adaptation(name, shape, head_gain, salt))
        for name, shape in shapes.items()
    }


def _adaptation(
    name: str, shape: tuple[int, ...], head_gain: float, salt: str
) -> np.ndarray:
    draw = normal(name, shape, salt).astype(np.float64)
    module, _, kind = name.rpartition(".")
    is_norm = "norm" in module.rpartition(".")[2] or module == "mlp_head.0"
    if name.startswith(("modality_", "pos_embed_")):
        value = 0.5 * draw
    elif is_norm:
        value = 1 + 0.1 * draw if kind == "weight" else 0.1 * draw
    elif kind == "bias":
        value = 0.1 * draw
    else:
        gain = head_gain if name == "mlp_head.1.weight" else 1.5
        value = draw * gain / math.sqrt(math.prod(shape[1:]))
    return value.astype(np.float32)


def shapes_of(model: torch.nn.Module) -> dict[str, tuple[int, ...]]:
    """Return the shape of each tensor of a model."""
    return {name: tuple(t.shape) for name, t in model.state_dict().items()}


def assert_close(got: torch.Tensor, wanted: np.ndarray, limit: float) -> None:
    """Compare with a reference array; ``limit`` is absolute."""
    assert tuple(got.shape) == wanted.shape
    worst = np.abs(got.detach().numpy().astype(np.float64) - wanted).max()
    assert worst <= limit, f"worst difference {worst:.2e}, allowed {limit:.0e}"
