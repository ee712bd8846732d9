"""The toy model of the reference adaptation runs, and their batches."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from avplug.core.adaptation import Stream
from avplug.core.batch import Batch
from avplug.core.clip import InputSpec
from avplug.core.model import JointAttention, Model, PerSense, Surface
from tests.golden import adaptation_state, normal, shapes_of

CLASSES, WIDTH, HEADS, TOKEN, AUDIO, VIDEO = 12, 32, 4, 20, 10, 6
LABELS = tuple(f"class {i}" for i in range(CLASSES))
SIGMAS = (0.5, 0.7, 0.9, 1.1, 1.3, 1.5, 0.6, 2.0)


class _Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        for name in ("q", "k", "v", "proj"):
            setattr(self, name, nn.Linear(WIDTH, WIDTH))

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        q, k, v = (
            layer(x).unflatten(-1, (HEADS, -1)).transpose(1, 2)
            for layer in (self.q, self.k, self.v)
        )
        scores = (q @ k.transpose(-1, -2)) / (WIDTH / HEADS) ** 0.5
        mixed = (scores.softmax(-1) @ v).transpose(1, 2).flatten(2)
        return self.proj(mixed), scores


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

    def forward(self, x: torch.Tensor, norms: str = "") -> torch.Tensor:
        return self.scores(x, norms)[0]

    def scores(
        self, x: torch.Tensor, norms: str = ""
    ) -> tuple[torch.Tensor, torch.Tensor]:
        mixed, scores = self.attn(getattr(self, f"norm1{norms}")(x))
        x = x + mixed
        return x + self.mlp(getattr(self, f"norm2{norms}")(x)), scores


class _Patch(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.proj = nn.Linear(TOKEN, WIDTH)


class TinyAV(Model):
    """Sixteen tokens, ten heard and six seen, all in the batch's waveform."""

    input = InputSpec(size=1, sample_rate=(AUDIO + VIDEO) * TOKEN, seconds=1)

    def __init__(
        self, labels: tuple[str, ...] = LABELS, *, head_gain: float = 3.0
    ) -> None:
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
        self.load_state_dict(adaptation_state(shapes_of(self), head_gain))

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
        return self._logits(tokens)

    def _logits(self, tokens: torch.Tensor, norms: str = "") -> torch.Tensor:
        mixed = getattr(self, f"norm{norms}")(self.blocks_u[0](tokens, norms))
        return self.mlp_head(mixed.mean(1))

    def unimodal(self, tokens: torch.Tensor, *, padded: bool = False) -> PerSense:
        heard, seen = tokens.split((AUDIO, VIDEO), 1)
        if padded:
            heard, seen = F.pad(heard, (0, 0, 0, 1)), F.pad(seen, (0, 0, 3, 0))
        return PerSense(self._logits(heard, "_a"), self._logits(seen, "_v"))

    def features(self, tokens: torch.Tensor) -> PerSense:
        heard, seen = tokens.split((AUDIO, VIDEO), 1)
        return PerSense(heard.mean(1), seen.mean(1))

    def joint_attention(self, tokens: torch.Tensor) -> JointAttention:
        mixed, scores = self.blocks_u[0].scores(tokens)
        return JointAttention(self.mlp_head(self.norm(mixed).mean(1)), scores, AUDIO)

    def key_bias(self) -> dict[str, slice]:
        return {"blocks_u.0.attn.k.bias": slice(None)}

    def parameters_for(self, surface: Surface) -> dict[str, nn.Parameter]:
        def wanted(name: str) -> bool:
            module = name.rpartition(".")[0]
            if surface in ("norm", "norm_early"):
                used = module.endswith((".norm1", ".norm2")) or module == "mlp_head.0"
                return used or (module == "norm" and surface == "norm")
            if surface == "norm_unimodal":
                joint = module.startswith(("blocks_u.", "norm_"))
                return joint and module.endswith(("_a", "_v"))
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


def _batch(classes: list[int], sigma: float, noise: str) -> torch.Tensor:
    shape = (AUDIO + VIDEO, TOKEN)
    prototypes = normal("proto", (CLASSES, *shape)).astype(np.float64)
    draws = normal(noise, (len(classes), *shape)).astype(np.float64)
    return torch.from_numpy((prototypes[classes] + sigma * draws).astype(np.float32))


def _classes(t: int) -> list[int]:
    return [(5 * i + 3 * t) % CLASSES for i in range(16)]


def stream(dtype: torch.dtype = torch.float32) -> list[Batch]:
    """Return the eight batches of the reference runs."""
    batches = []
    for t, sigma in enumerate(SIGMAS):
        x = _batch([2] * 16 if t == 6 else _classes(t), sigma, f"batch:{t}")
        batches.append(batch_of((0 * x if t == 5 else x).to(dtype)))
    return batches


def clean(dtype: torch.dtype = torch.float32) -> list[Batch]:
    """Return the two clean batches that the reference runs measure Fisher terms on."""
    return [batch_of(_batch(_classes(f), 0.3, f"fisher:{f}").to(dtype)) for f in (0, 1)]


def what_comes(dtype: torch.dtype = torch.float32, batches: int = 8) -> Stream:
    """Return what an adapter is told of the reference stream."""
    return Stream(batches, 16 * batches, seed=0, source=lambda: clean(dtype))
