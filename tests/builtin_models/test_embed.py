"""Vectors for retrieval: of each sense by itself, in one space."""

from __future__ import annotations

import pytest
import torch

from avplug.builtin_models.cavmae import CAVMAE
from avplug.core.batch import Batch
from avplug.core.errors import CapabilityError
from avplug.core.model import Embeds
from tests.bench.toys import SIZES


def batch(seed, clips=3, frames=2):
    generator = torch.Generator().manual_seed(seed)
    return Batch(
        frames=torch.rand(clips, frames, 3, 32, 32, generator=generator),
        waveform=torch.rand(clips, 12_000, generator=generator) - 0.5,
        lengths=torch.full((clips,), 12_000),
    )


@pytest.fixture
def model():
    torch.manual_seed(0)
    return CAVMAE(("a", "b"), **SIZES).eval()


def embed(model, given):
    with torch.no_grad():
        return model.embed(model.encode(given))


def test_each_vector_hangs_on_its_own_sense_alone(model):
    assert isinstance(model, Embeds)
    assert model.embeds
    one, other = batch(1), batch(2)
    mixed = Batch(one.frames, other.waveform, other.lengths)
    first, second = embed(model, one), embed(model, mixed)
    assert first.audio.shape == first.video.shape == (3, SIZES["width"])
    torch.testing.assert_close(first.video, second.video)
    assert not torch.allclose(first.audio, second.audio)


def test_of_several_frames_it_is_the_mean(model):
    both = batch(1)
    single = [
        embed(model, Batch(both.frames[:, i : i + 1], both.waveform, both.lengths))
        for i in (0, 1)
    ]
    mean = (single[0].video + single[1].video) / 2
    torch.testing.assert_close(embed(model, both).video, mean)


def test_a_model_of_one_sense_embeds_nothing():
    deaf = CAVMAE(("a", "b"), **SIZES, mode="videoonly").eval()
    assert not deaf.embeds
    with pytest.raises(CapabilityError, match="leaves out a sense"):
        embed(deaf, batch(1))
