import pytest
import torch
from hypothesis import given, settings, strategies as st

from avplug.core.attention import UNIT, block_attention
from avplug.core.model import JointAttention


def attention_of(scores: torch.Tensor, audio_tokens: int) -> JointAttention:
    return JointAttention(torch.zeros(len(scores), 2), scores, audio_tokens)


def test_equal_scores_give_equal_means_whatever_the_number_of_tokens():
    blocks = block_attention(attention_of(torch.zeros(2, 3, 5, 5), 4))
    assert torch.allclose(blocks.means, torch.full((2, 2), UNIT / 5))
    assert torch.allclose(blocks.masses, torch.tensor([[0.8, 0.2]] * 2))


def test_rows_are_queries_and_columns_keys():
    scores = torch.zeros(1, 1, 3, 3)
    scores[..., 2, 0] = 100.0  # the picture's only token looks at one sound token
    blocks = block_attention(attention_of(scores, 2))
    assert blocks.means[1].tolist() == pytest.approx([UNIT / 2, 0])
    assert blocks.means[0].tolist() == pytest.approx([UNIT / 3, UNIT / 3])


@settings(deadline=None)
@given(st.integers(1, 6), st.integers(1, 6), st.integers(0, 99))
def test_they_are_means_over_blocks_and_masses_sum_to_one(sound, picture, seed):
    generator = torch.Generator().manual_seed(seed)
    total = sound + picture
    scores = 3 * torch.randn(2, 2, total, total, generator=generator)
    blocks = block_attention(attention_of(scores, sound))
    weights = UNIT * scores.softmax(-1)
    cuts = (slice(0, sound), slice(sound, None))
    wanted = torch.stack(
        [torch.stack([weights[..., q, k].mean() for k in cuts]) for q in cuts]
    )
    torch.testing.assert_close(blocks.means, wanted, rtol=1e-5, atol=1e-2)
    torch.testing.assert_close(blocks.masses.sum(1), torch.ones(2))
