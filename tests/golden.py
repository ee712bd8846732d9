"""Outputs of the reference implementations, and the recipe of their weights and inputs.

``AVPLUG_GOLDEN`` names the folder; ``AVPLUG_GOLDEN_PREFIX`` is put before every name
that seeds a draw, so that another set of outputs can be made of the same recipe.
"""

from __future__ import annotations

import json
import math
import os
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from avplug.core.weights import Checkpoint, read_checkpoint

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


def zero_shot_state(
    shapes: Mapping[str, tuple[int, ...]],
    fixed: Mapping[str, torch.Tensor],
    *,
    named: str = "",
    matrices: float = 0.02,
    salt: str = SALT,
) -> dict[str, torch.Tensor]:
    """Return weights for the zero-shot models and the CVPR'21 network.

    Args:
        shapes: By the published names.
        fixed: Tensors that keep the model's own initial value; counters and single
            numbers that are not in it are 0.
        named: What stands before a name where it is drawn, as ``"net_sound."``.
        matrices: Deviation of what has two dimensions.
        salt: Put before everything that is drawn.
    """
    return {
        name: fixed[name].clone()
        if name in fixed
        else torch.from_numpy(_zero_shot(named + name, shape, matrices, salt))
        if shape
        else torch.tensor(0)
        for name, shape in shapes.items()
    }


def _zero_shot(
    name: str, shape: tuple[int, ...], matrices: float, salt: str
) -> np.ndarray:
    draw = normal(name, shape, salt)
    one, tenth, fiftieth = np.float32(1), np.float32(0.1), np.float32(0.02)
    if name.endswith("running_mean"):
        return tenth * draw
    if name.endswith("running_var"):
        return one + tenth * np.abs(draw)
    if len(shape) >= 3 and name.endswith("weight"):
        gain = math.sqrt(2 / math.prod(shape[1:]))
        if ".conv_depth." in name or ".conv_point." in name:
            gain *= 0.05
        return np.float32(gain) * draw
    if len(shape) >= 2:
        return np.float32(matrices) * draw
    return one + tenth * draw if name.endswith("weight") else fiftieth * draw


def listed_shapes(keys: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    """Return the shapes of a list of names, ``{name: [shape, dtype]}``."""
    return {name: tuple(shape) for name, (shape, _) in keys.items()}


def plain(name: str, shape: tuple[int, ...], scale: float = 1.0) -> torch.Tensor:
    """Return an input of normal noise, float32, of deviation ``scale``."""
    return torch.from_numpy(np.float32(scale) * normal(f"input:{name}", shape))


def picture(name: str, shape: tuple[int, ...]) -> torch.Tensor:
    """Return two normalised pictures [2, 3, H, W], float32: noise, and waves in it."""
    noise = normal(f"input:{name}", shape).astype(np.float64)
    channel, row, column = np.ogrid[: shape[1], : shape[2], : shape[3]]
    turns = 3 * column / shape[3] + 2 * row / shape[2]
    noise[1] = 0.3 * noise[1] + 1.5 * np.sin(2 * np.pi * turns + channel)
    return torch.from_numpy(noise.astype(np.float32))


def wave(
    name: str, shape: tuple[int, ...], sample_rate: int, amplitude: float = 1.0
) -> torch.Tensor:
    """Return two sounds [2, ..., N], float32: noise, and a trembling rising tone."""
    noise = normal(f"input:{name}", shape).astype(np.float64)
    sound = np.stack([0.1 * noise[0], tone(noise[1], sample_rate)])
    return torch.from_numpy((amplitude * sound).astype(np.float32))


def tone(noise: np.ndarray, sample_rate: int) -> np.ndarray:
    """Return the trembling tone that rises from 100 Hz, with noise [..., N] in it."""
    t = np.arange(noise.shape[-1]) / sample_rate
    tremble = 0.3 * (1 + 0.5 * np.sin(4 * np.pi * t))
    return 0.01 * noise + tremble * np.sin(2 * np.pi * (100 * t + 450 * t**2))


@contextmanager
def small_tokens(model: torch.nn.Module) -> Iterator[None]:
    """Make tokens a hundredth of their size, so that a norm's epsilon matters."""
    shrunk = [
        parameter
        for name, parameter in model.named_parameters()
        if name.startswith(("patch_embed_", "pos_embed_", "modality_"))
    ]
    originals = [parameter.clone() for parameter in shrunk]
    for parameter in shrunk:
        parameter.mul_(0.01)
    try:
        yield
    finally:
        for parameter, original in zip(shrunk, originals, strict=True):
            parameter.copy_(original)


def recipe_checkpoint(
    state: Mapping[str, torch.Tensor], folder: Path, prefix: str = ""
) -> Checkpoint:
    """Return a recipe's weights as published ones come: read from a file.

    The file is gone afterwards; what was read of it stays.
    """
    path = folder / "recipe.pth"
    torch.save({f"{prefix}{name}": tensor for name, tensor in state.items()}, path)
    checkpoint = read_checkpoint(path)
    path.unlink()
    return checkpoint


def shapes_of(model: torch.nn.Module) -> dict[str, tuple[int, ...]]:
    """Return the shape of each tensor of a model."""
    return {name: tuple(t.shape) for name, t in model.state_dict().items()}


def assert_close(got: torch.Tensor, wanted: np.ndarray, limit: float) -> None:
    """Compare with a reference array; ``limit`` is absolute."""
    assert tuple(got.shape) == wanted.shape
    worst = np.abs(got.detach().numpy().astype(np.float64) - wanted).max()
    assert worst <= limit, f"worst difference {worst:.2e}, allowed {limit:.0e}"


def assert_near(got: torch.Tensor, wanted: np.ndarray, share: float) -> None:
    """Compare with a reference array; ``share`` is of its largest magnitude."""
    assert_close(got, wanted, share * np.abs(wanted).max())
