"""Patches and log-mel, against the processors of transformers."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from avplug_videollama.frontend import LogMel, Patches
from PIL import Image
from transformers import Qwen2VLImageProcessorPil, WhisperFeatureExtractor
from transformers.image_utils import OPENAI_CLIP_MEAN, OPENAI_CLIP_STD

COLOURS = {"mean": OPENAI_CLIP_MEAN, "std": OPENAI_CLIP_STD}


@pytest.mark.parametrize("loudness", [1.0, 1e-3, 0.0])
def test_log_mel_is_whispers(loudness):
    sound = torch.randn(2, 16_000 * 3, generator=torch.Generator().manual_seed(1))
    sound *= 0.3 * loudness
    sound[1, 20_000:] = 0
    extractor = WhisperFeatureExtractor(feature_size=128, chunk_length=300)
    theirs = extractor(
        list(sound.numpy()),
        sampling_rate=16_000,
        padding="max_length",
        return_tensors="pt",
    )["input_features"][..., :300]
    ours = LogMel(128)(sound)
    assert ours.shape == (2, 128, 300)
    assert torch.allclose(ours, theirs, atol=2e-3)
    assert (ours - theirs).abs().mean() < 1e-5


def test_patches_are_qwens():
    random = np.random.default_rng(2)
    picture = random.integers(0, 256, (56, 84, 3), np.uint8)
    theirs = Qwen2VLImageProcessorPil(min_pixels=28 * 28)(
        Image.fromarray(picture), return_tensors="pt"
    )
    frame = torch.from_numpy(picture).permute(2, 0, 1) / 255
    ours = Patches(14, 2, 2, **COLOURS)(frame.expand(1, 2, -1, -1, -1))
    assert theirs["image_grid_thw"].tolist() == [[1, 4, 6]]
    assert torch.allclose(ours, theirs["pixel_values"], atol=1e-5)


def test_patches_follow_clips_and_time():
    frames = torch.rand(2, 4, 3, 28, 28)
    whole = Patches(14, 2, 2, **COLOURS)(frames)
    parts = [
        Patches(14, 2, 2, **COLOURS)(frames[i : i + 1, j : j + 2])
        for i, j in ((0, 0), (0, 2), (1, 0), (1, 2))
    ]
    assert torch.equal(whole, torch.cat(parts))


def test_gradients_reach_pixels_and_samples(make, clips):
    frames, waveform = (tensor.requires_grad_() for tensor in clips(2))
    scores = make(score="constrained")(frames, waveform)
    torch.autograd.backward((scores * torch.arange(1.0, 5)).sum())
    for tensor in (frames, waveform):
        assert tensor.grad.isfinite().all()
        assert (tensor.grad.flatten(1).abs().amax(1) > 0).all()


def test_silence_has_finite_gradients(make, clips):
    frames, waveform = clips(1)
    waveform = torch.zeros_like(waveform).requires_grad_()
    make()(frames, waveform).sum().backward()
    assert waveform.grad.isfinite().all()
