"""Clips to try corruptions on: small, textured, each with its own seed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from avplug.core.clip import Clip

FPS = 25.0


def picture(
    seed: int, count: int = 3, height: int = 64, width: int = 96
) -> NDArray[np.uint8]:
    """Return frames, uint8 [count, height, width, 3]: drifting waves with grain."""
    random = np.random.default_rng((seed, 1))
    y = np.linspace(0, 1, height)[:, None]
    x = np.linspace(0, 1, width)
    waves = random.uniform(2, 12, (3, 2))
    grain = random.normal(0, 12, (height, width, 3))
    frames = np.empty((count, height, width, 3), np.uint8)
    for index, frame in enumerate(frames):
        phase = waves[:, :1, None] * y + waves[:, 1:, None] * (x + 0.03 * index)
        shades = 128 + 70 * np.sin(2 * np.pi * phase).transpose(1, 2, 0)
        frame[...] = np.clip(np.rint(shades + grain), 0, 255)
    return frames


def sound(
    seed: int, rate: int = 16_000, count: int = 16_000, channels: int = 1
) -> NDArray[np.float32]:
    """Return samples, float32 [channels, count]: partials over a little noise."""
    random = np.random.default_rng((seed, 2))
    times = np.arange(count) / rate
    pitch = random.uniform(110, 440, (channels, 1, 1))
    partials = np.arange(1, 9)[:, None]
    tones = np.sin(2 * np.pi * pitch * partials * times) / partials
    swell = 1 + 0.5 * np.sin(2 * np.pi * 3 * times)
    samples = 0.12 * swell * tones.sum(1) + random.normal(0, 0.02, (channels, count))
    return np.asarray(samples, np.float32)


def clip(
    seed: int,
    *,
    name: str = "",
    count: int = 3,
    size: tuple[int, int] = (64, 96),
    rate: int = 16_000,
    samples: int = 16_000,
    channels: int = 1,
) -> Clip:
    """Return a clip of both senses; ``size`` is height and width."""
    return Clip(
        name or f"clip-{seed}",
        picture(seed, count, *size),
        np.arange(count) / FPS,
        sound(seed, rate, samples, channels),
        rate,
        max(count / FPS, samples / rate),
    )
