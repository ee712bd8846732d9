"""What the corruption tests share: every built-in corruption, and clips by recipe."""

from importlib import import_module

import numpy as np

from avplug.builtin_corruptions.hooks import avplug_corruptions
from avplug.core.clip import Clip

SPECS = {spec.name: spec for spec in avplug_corruptions()}
PAIRS = [(name, profile) for name, spec in SPECS.items() for profile in spec.profiles]

#: These draw nothing: equal clips are corrupted alike, whatever their id.
WITHOUT_CHANCE = {"compression"}


def load(name, profile="paper"):
    module, attribute = SPECS[name].target.split(":")
    return getattr(import_module(module), attribute)(profile)


def picture(count=3, height=48, width=64, fps=25.0):
    """Frames [T, H, W, 3] with edges, gradients and texture, in whole numbers only."""
    t, y, x, c = np.ogrid[:count, :height, :width, :3]
    ramp = (3 * x + 2 * y + 40 * c) % 256
    boxes = ((x + 2 * t) // 8 + y // 8) % 2 * 90
    texture = (x * x * 7 + y * y * 13 + x * y * 5 + 31 * c + 11 * t) % 61
    frames = ((ramp + boxes + texture) // 2).astype(np.uint8)
    return frames, np.arange(count) / fps


def sound(channels=1, count=8_000):
    """Triangle waves [C, N] within -0.25..0.25 with a pause, in whole numbers only."""
    n = np.arange(count)
    wave = np.abs((n * 37) % 4096 - 2048) + np.abs((n * 411) % 2048 - 1024) - 1536
    wave = wave * (n % 2000 < 1600) * 4
    rows = [np.roll(wave, 111 * c) // (c + 1) for c in range(channels)]
    return (np.stack(rows) / 32_768).astype(np.float32)


def clip(name="clip", frames=None, times=None, audio=None, rate=16_000):
    """A clip of ``picture()`` and ``sound()`` where nothing else is given."""
    if frames is None:
        frames, times = picture()
    if audio is None:
        audio = sound()
    return Clip(name, frames, times, audio, rate, max(audio.shape[1] / rate, 0.01))
