"""VideoLLaMA 3: what is shown and asked, and that it hears nothing."""

from __future__ import annotations

import logging

import numpy as np
import pytest
import torch
from avplug_videollama.loading import load
from PIL import Image
from transformers import VideoLlama3ImageProcessorPil

from avplug import UsageError

RANDOM = "random-videollama3"


def test_the_whole_prompt(make):
    model = make(
        ("rain", "dog"), weights=RANDOM, frames=3, prompt="Is it {labels}?", system="S."
    )
    tokenizer = load(RANDOM, "auto", "")[1]
    pictures = "<|video_pad|>" * 4
    assert tokenizer.decode(model.reader.ids[0]) == (
        "<|im_start|>system\nS.<|im_end|>\n<|im_start|>user\n"
        f"Time 0.3s:{pictures},Time 1.0s:{pictures},Time 1.7s:{pictures}\n"
        "Is it dog, rain?<|im_end|>\n<|im_start|>assistant\n"
    )


def test_frames_are_shown_as_its_processor_shows_pictures(make):
    random = np.random.default_rng(2)
    picture = random.integers(0, 256, (56, 84, 3), np.uint8)
    theirs = VideoLlama3ImageProcessorPil(min_pixels=28 * 28, merge_size=2)(
        Image.fromarray(picture), return_tensors="pt"
    )
    frame = torch.from_numpy(picture).permute(2, 0, 1) / 255
    ours = make(weights=RANDOM).reader.patches(frame[None, None])
    assert theirs["image_grid_thw"].tolist() == [[1, 4, 6]]
    assert torch.allclose(ours, theirs["pixel_values"], atol=1e-5)


def test_it_sees_and_does_not_hear(make, clips, caplog):
    with caplog.at_level(logging.WARNING):
        model = make(weights=RANDOM)
    assert "hears nothing" in caplog.text
    frames, waveform = clips(3)
    frames = frames.requires_grad_()
    scores = model(frames, waveform)
    with torch.no_grad():
        assert torch.equal(scores, model(frames, waveform.flip(1)))
        assert (scores - model(1 - frames, waveform)).abs().max() > 1e-3
        alone = torch.cat([model(frame[None], waveform[:1]) for frame in frames])
    assert torch.allclose(scores, alone, atol=2e-5)
    torch.autograd.backward((scores * torch.arange(4.0)).sum())
    assert (frames.grad.flatten(2).abs().amax(2) > 0).all()


def test_a_folder_is_loaded_as_saved(make, clips, tmp_path):
    network, tokenizer, _ = load(RANDOM, "auto", "")
    network.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    with torch.no_grad():
        one = make(weights=RANDOM)(*clips(2))
        other = make(weights=str(tmp_path))(*clips(2))
        coarse = make(weights=str(tmp_path), dtype="bfloat16")(*clips(2))
    assert torch.equal(one, other)
    assert 0 < (one - coarse).abs().max() < 0.5


def test_a_size_that_does_not_come_out_even(make):
    with pytest.raises(UsageError, match="not a multiple of 28"):
        make(weights=RANDOM, image_size=50)
