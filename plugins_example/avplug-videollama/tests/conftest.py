"""What the tests share: tiny models, clips, and a score found the slow way."""

from __future__ import annotations

import os

import pytest
import torch

# Nothing here may look for the hub.
os.environ["HF_HUB_OFFLINE"] = "1"

from avplug_videollama import avplug_models
from avplug_videollama.model import VideoLlama

(SPEC,) = avplug_models()
#: One begins like another, one is a word of it.
LABELS = ("car", "car horn", "steam_train", "playing violin_ fiddle")


@pytest.fixture
def make():
    """Return a function that makes a tiny model with options."""

    def made(labels=LABELS, **options):
        return VideoLlama(labels, **{**SPEC.variants["tiny"], **options}).eval()

    return made


@pytest.fixture
def clips():
    """Return a function that makes frames [B, 2, 3, 56, 56] and waveform [B, N]."""

    def made(count, seed=0, seconds=2.0):
        generator = torch.Generator().manual_seed(seed)
        frames = torch.rand(count, 2, 3, 56, 56, generator=generator)
        noise = torch.randn(count, round(16_000 * seconds), generator=generator)
        return frames, 0.1 * noise

    return made
