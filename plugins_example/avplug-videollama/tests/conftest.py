"""What the tests share: tiny models, clips, and a score found the slow way."""

from __future__ import annotations

import os

from hub_server import HUB

# Nothing here may look for the real hub: its client reads this once, when imported.
os.environ["HF_ENDPOINT"] = HUB.address
os.environ["HF_HUB_OFFLINE"] = "1"

import pytest
import torch
from avplug_videollama import avplug_models
from avplug_videollama.loading import load
from avplug_videollama.model import VideoLlama
from huggingface_hub import constants

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
def folder(tmp_path):
    """Return a folder with a random network of other values than ``random``."""
    network, tokenizer, _ = load("random", "auto", "")
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.mul_(0.9)
    network.save_pretrained(tmp_path / "saved")
    tokenizer.save_pretrained(tmp_path / "saved")
    return tmp_path / "saved"


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """Return a hub on this machine, empty, and a cache that is empty, too."""
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    HUB.clear()
    return HUB


@pytest.fixture
def clips():
    """Return a function that makes frames [B, 2, 3, 56, 56] and waveform [B, N]."""

    def made(count, seed=0, seconds=2.0):
        generator = torch.Generator().manual_seed(seed)
        frames = torch.rand(count, 2, 3, 56, 56, generator=generator)
        noise = torch.randn(count, round(16_000 * seconds), generator=generator)
        return frames, 0.1 * noise

    return made
