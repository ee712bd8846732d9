"""The toy model of the reference adaptation runs, and their batches."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from avplug.core.batch import Batch
from avplug.core.clip import InputSpec
from avplug.core.model import Model, Surface
from tests.golden import adaptation_state, normal, shapes_of

CLASSES, WIDTH, HEADS, TOKEN, AUDIO, VIDEO = 12, 32, 4, 20, 10, 6
LABELS = tuple(f"class {i}" for i in range(CLASSES))
SIGMAS = (0.5, 0.7, 0.9, 1.1, 1.3, 1.5, 0.6, 2.0)


class _Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        for name in ("q", "k", "v", "proj"):
            setattr(self, name, nn.Linear(WIDTH, WIDTH))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        q, k, v = (
            layer(x).unflatten(-1, (HEADS, -1)).transpose(1, 2)
            for layer in (self.q, self.k, self.v)
        )
        scores = (q @ k.transpose(-1, -2)) / (WIDTH / HEADS) ** 0.5
        return self.proj((scores.softmax(-1) @ v).transpose(1, 2).flatten(2))


class _MLP(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc1 = nn.Linear(WIDTH, 2 * WIDTH)
        self.fc2 = nn.Linear(2 * WIDTH, WIDTH)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.fc2(F.gelu(self.fc1(x)))


class _Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        for name in ("norm1", "norm1_a", "norm1_v", "norm2", "norm2_a", "norm2_v"):
            setattr(self, name, nn.LayerNorm(WIDTH))
        self.attn = _Attention()
        self.mlp = _MLP()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class _Patch(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.proj = nn.Linear(TOKEN, WIDTH)


class TinyAV(Model):
    """Sixteen tokens, ten heard and six seen, all in the batch's waveform."""

    input = InputSpec(size=1, sample_rate=(AUDIO + VIDEO) * TOKEN, seconds=1)

    def __init__(self, labels: tuple[str, ...] = LABELS) -> None:
        super().__init__(labels)
        self.modality_a = nn.Parameter(torch.empty(1, 1, WIDTH))
        self.modality_v = nn.Parameter(torch.empty(1, 1, WIDTH))
        self.pos_embed_a = nn.Parameter(torch.empty(1, AUDIO, WIDTH))
        self.pos_embed_v = nn.Parameter(torch.empty(1, VIDEO, WIDTH))
        self.patch_embed_a, self.patch_embed_v = _Patch(), _Patch()
        self.blocks_a = nn.ModuleList([_Block()])
        self.blocks_v = nn.ModuleList([_Block()])
        self.blocks_u = nn.ModuleList([_Block()])
        for name in ("norm_a", "norm_v", "norm"):
            setattr(self, name, nn.LayerNorm(WIDTH))
        self.mlp_head = nn.Sequential(nn.LayerNorm(WIDTH), nn.Linear(WIDTH, CLASSES))
        self.load_state_dict(adaptation_state(shapes_of(self), head_gain=3.0))

    def forward(self, frames: torch.Tensor, waveform: torch.Tensor) -> torch.Tensor:
        return self.fuse(self._encode(waveform))

    def encode(self, batch: Batch) -> torch.Tensor:
        return self._encode(batch.waveform)

    def _encode(self, waveform: torch.Tensor) -> torch.Tensor:
        x = waveform.view(-1, AUDIO + VIDEO, TOKEN)
        heard = self.patch_embed_a.proj(x[:, :AUDIO])
        seen = self.patch_embed_v.proj(x[:, AUDIO:])
        heard = self.blocks_a[0](heard + self.pos_embed_a + self.modality_a)
        seen = self.blocks_v[0](seen + self.pos_embed_v + self.modality_v)
        return torch.cat([heard, seen], 1)

    def fuse(self, tokens: torch.Tensor) -> torch.Tensor:
        return self.mlp_head(self.norm(self.blocks_u[0](tokens)).mean(1))

    def parameters_for(self, surface: Surface) -> dict[str, nn.Parameter]:
        def wanted(name: str) -> bool:
            if surface == "norm":
                return "norm" in name or name.startswith("mlp_head.0")
            if surface == "fusion_attention":
                return name.startswith(tuple(f"blocks_u.0.attn.{x}." for x in "qkv"))
            return name.startswith("mlp_head.")

        return {n: p for n, p in self.named_parameters() if wanted(n)}


def batch_of(x: torch.Tensor) -> Batch:
    """Return the batch that gives TinyAV the tokens [B, 16, 20]."""
    return Batch(
        torch.zeros(len(x), 1, 3, 1, 1),
        x.flatten(1),
        torch.full((len(x),), x[0].numel()),
    )


def stream(dtype: torch.dtype = torch.float32) -> list[Batch]:
    """Return the eight batches of the reference runs."""
    prototypes = normal("proto", (CLASSES, AUDIO + VIDEO, TOKEN)).astype(np.float64)
    batches = []
    for t, sigma in enumerate(SIGMAS):
        classes = [2 if t == 6 else (5 * i + 3 * t) % CLASSES for i in range(16)]
        noise = normal(f"batch:{t}", (16, AUDIO + VIDEO, TOKEN)).astype(np.float64)
        x = (prototypes[classes] + sigma * noise).astype(np.float32)
        if t == 5:
            x[:] = 0
        batches.append(batch_of(torch.from_numpy(x).to(dtype)))
    return batches
