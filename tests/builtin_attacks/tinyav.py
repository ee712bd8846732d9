"""The toy model of the reference attacks, and its clips."""

from __future__ import annotations

import zlib

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from avplug.core.batch import Batch
from avplug.core.clip import InputSpec
from avplug.core.model import Model, PerSense
from avplug.core.randomness import KeyedRandom
from tests.golden import SALT

CLASSES, SAMPLES, FRAMES, SIDE = 5, 2000, 4, 16
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def arr(name: str, shape: tuple[int, ...]) -> np.ndarray:
    """Return the standard normals float64 that a name stands for."""
    key = zlib.crc32((SALT + name).encode())
    return np.random.Generator(np.random.Philox(key=key)).standard_normal(shape)


class TinyAV(Model):
    """Two small convolutional towers and a linear layer, in float64."""

    input = InputSpec(size=SIDE, sample_rate=SAMPLES, seconds=1, picks=(0, 1, 2, 3))

    def __init__(self, labels: tuple[str, ...] = ("a", "b", "c", "d", "e")) -> None:
        super().__init__(labels)
        self.audio = nn.Sequential(
            nn.Conv1d(1, 8, 16, 8, 4), nn.Tanh(), nn.Conv1d(8, 16, 8, 4, 2), nn.Tanh()
        )
        self.visual = nn.Sequential(
            nn.Conv2d(3, 8, 3, 2, 1), nn.Tanh(), nn.Conv2d(8, 16, 3, 2, 1), nn.Tanh()
        )
        self.head = nn.Linear(32, CLASSES)
        self.double()
        for name, parameter in self.named_parameters():
            value = 0.2 * arr(name, tuple(parameter.shape))
            parameter.data = torch.from_numpy(value)

    def forward(self, frames: torch.Tensor, waveform: torch.Tensor) -> torch.Tensor:
        return self.fuse(self._encode(frames, waveform))

    def encode(self, batch: Batch) -> PerSense:
        return self._encode(batch.frames, batch.waveform)

    def _encode(self, frames: torch.Tensor, waveform: torch.Tensor) -> PerSense:
        heard = self.audio(waveform[:, None]).transpose(1, 2)
        mean, std = (frames.new_tensor(v).view(3, 1, 1) for v in (MEAN, STD))
        seen = self.visual(((frames - mean) / std).flatten(0, 1)).mean((2, 3))
        return PerSense(heard, seen.unflatten(0, frames.shape[:2]))

    def fuse(self, tokens: PerSense) -> torch.Tensor:
        pooled = self.features(tokens)
        return self.head(torch.cat([pooled.video, pooled.audio], 1))

    def sequences(self, tokens: PerSense) -> PerSense:
        return tokens

    def features(self, tokens: PerSense) -> PerSense:
        return PerSense(tokens.audio.mean(1), tokens.video.mean(1))

    def unimodal(self, tokens: PerSense, *, padded: bool = False) -> PerSense:
        pooled = self.features(tokens)
        weight_v, weight_a = self.head.weight.split(16, 1)
        return PerSense(
            F.linear(pooled.audio, weight_a, self.head.bias),
            F.linear(pooled.video, weight_v, self.head.bias),
        )


def clips(frames: int = FRAMES) -> Batch:
    """Return the eight clips of the reference, float64."""
    n, b = np.arange(SAMPLES), np.arange(8)[:, None]
    wave = np.sin(2 * np.pi * 10 * 2.0**b * n / SAMPLES)
    wave = wave + 0.3 * arr("input.audio", (8, SAMPLES))
    audio = np.clip(np.linspace(0.1, 1.2, 8)[:, None] * wave, -1, 1)
    shape = (8, FRAMES, 3, SIDE, SIDE)
    picture = (
        0.5
        + 0.35 * arr("input.visual.base", (8, 1, 3, 1, 1))
        + 0.05 * arr("input.visual.drift", (8, FRAMES, 3, 1, 1))
        + 0.2 * arr("input.visual.noise", shape)
    )
    video = np.clip(np.round(255 * picture), 0, 255) / 255
    return Batch(
        torch.from_numpy(video[:, :frames]),
        torch.from_numpy(audio),
        torch.full((8,), SAMPLES),
    )


def labels_of(model: TinyAV) -> torch.Tensor:
    """Return the model's own answers to four frames, the first one made wrong."""
    with torch.no_grad():
        answers = model.classify(clips()).argmax(1)
    answers[0] = (answers[0] + 1) % CLASSES
    return answers


def randoms(count: int = 8) -> list[KeyedRandom]:
    """Return a random stream for each clip."""
    return [KeyedRandom((0, "clip", i)) for i in range(count)]
