"""How much each sense attends to each, in the last joint block: the bias measure.

READ (arXiv 2403.04180, figure 5) and AVRobustBench (arXiv 2506.00358) print the mean
attention weight of a block of queries and keys, times ten thousand.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from avplug.core.model import JointAttention

#: What block means are multiplied by; of N equal weights each is ``UNIT / N``.
UNIT = 10_000


@dataclass(frozen=True, slots=True, eq=False)
class BlockAttention:
    """Attention between the senses; rows are queries, columns keys: sound, picture.

    Args:
        means: float [2, 2], mean weight of a block times ten thousand, over clips and
            heads. ``means[1, 0]`` says how picture tokens attend to sound tokens.
        masses: float [2, 2], share of a query's attention that goes to all keys of a
            sense; rows sum to 1. Unlike ``means`` it heeds how many tokens there are.
    """

    means: torch.Tensor
    masses: torch.Tensor


def block_attention(attention: JointAttention) -> BlockAttention:
    """Return the attention between the senses, averaged over clips and heads."""
    weights = attention.scores.float().softmax(-1).mean((0, 1))
    sound = attention.audio_tokens
    rows = torch.stack([weights[:sound].mean(0), weights[sound:].mean(0)])
    masses = torch.stack([rows[:, :sound].sum(1), rows[:, sound:].sum(1)], 1)
    keys = masses.new_tensor([sound, weights.shape[1] - sound])
    return BlockAttention(UNIT * masses / keys, masses)
