"""UAVM's transformers over the features of each sense (arXiv 2208.00061).

Parameters are named as in the published checkpoints, less those that these hold and no
prediction uses.
"""

from __future__ import annotations

from fnmatch import fnmatchcase

import torch
from torch import nn

from avplug.builtin_models.uavm_config import UAVMConfig
from avplug.builtin_models.vit import Block, each_row
from avplug.core.errors import CapabilityError
from avplug.core.model import JointAttention, PerSense

#: Of the norms outside the blocks; theirs is 1e-5.
_EPS = 1e-6


class Steps(nn.Module):
    """A transformer over the steps of a clip.

    Args:
        sizes: Of everything.
        steps: Tokens that there are positions for.
        depth: Blocks.
        classes: Of the head; 0 for none.
    """

    def __init__(
        self, sizes: UAVMConfig, steps: int, depth: int, classes: int = 0
    ) -> None:
        super().__init__()
        table = torch.empty(1, steps, sizes.width)
        self.pos_embed = nn.Parameter(nn.init.trunc_normal_(table, std=0.02))
        self.blocks = nn.ModuleList(
            Block(
                sizes.width, sizes.heads, sizes.mlp_ratio, norms=("",), qkv_bias=False
            )
            for _ in range(depth)
        )
        self.in_layernorm = nn.LayerNorm(sizes.width, _EPS)
        if classes:
            self.mlp_head = head(sizes.width, classes)

    def forward(self, tokens: torch.Tensor, first: int = 0) -> torch.Tensor:
        """Return tokens [B, N, width], the first of them at that position."""
        tokens = self.place(tokens, first)
        for block in self.blocks:
            tokens = block(tokens)
        return tokens

    def place(self, tokens: torch.Tensor, first: int = 0) -> torch.Tensor:
        """Return tokens [B, N, width] as the first block is given them."""
        normed: torch.Tensor = self.in_layernorm(tokens)
        return normed + self.pos_embed[:, first : first + tokens.shape[1]]

    def logits(self, tokens: torch.Tensor) -> torch.Tensor:
        """Return logits [B, C] of the mean over the last block's tokens."""
        return each_row(self.mlp_head, tokens.mean(1))


def head(width: int, classes: int) -> nn.Sequential:
    """Return a norm and a linear layer."""
    return nn.Sequential(nn.LayerNorm(width, _EPS), nn.Linear(width, classes))


class Transformer(nn.Module):
    """The transformers of both senses, and what follows them."""

    def __init__(self, sizes: UAVMConfig, classes: int) -> None:
        super().__init__()
        self.fusion = sizes.fusion
        self.shared_depth = sizes.shared_depth
        self.depth = sizes.depth
        self.a_trans = Steps(sizes, sizes.steps, sizes.depth)
        self.v_trans = Steps(sizes, sizes.steps, sizes.depth)
        if not sizes.shared_depth:
            self.a_mlp = head(sizes.width, classes)
            self.v_mlp = head(sizes.width, classes)
        elif sizes.fusion == "separate":
            self.a_s_trans = Steps(sizes, sizes.steps, sizes.shared_depth, classes)
            self.v_s_trans = Steps(sizes, sizes.steps, sizes.shared_depth, classes)
        else:
            steps = sizes.steps * (2 if sizes.fusion == "cross-attention" else 1)
            self.s_trans = Steps(sizes, steps, sizes.shared_depth, classes)

    def encode(self, features: PerSense) -> PerSense:
        """Return tokens [B, steps, width] of each sense, of features of that shape."""
        return PerSense(self.a_trans(features.audio), self.v_trans(features.video))

    def fuse(self, tokens: PerSense) -> torch.Tensor:
        """Return logits [B, C] of both senses."""
        if self.fusion == "cross-attention":
            both = torch.cat([tokens.audio, tokens.video], 1)
            return self.s_trans.logits(self.s_trans(both))
        alone = self.unimodal(tokens)
        return (alone.audio + alone.video) / 2

    def unimodal(self, tokens: PerSense) -> PerSense:
        """Return logits [B, C] of each sense; what joins both leaves out the other."""
        if not self.shared_depth:
            return PerSense(
                each_row(self.a_mlp, tokens.audio.mean(1)),
                each_row(self.v_mlp, tokens.video.mean(1)),
            )
        if self.fusion == "separate":
            heard, seen = self.a_s_trans, self.v_s_trans
            first = 0
        else:
            heard = seen = self.s_trans
            first = tokens.audio.shape[1] if self.fusion == "cross-attention" else 0
        return PerSense(
            heard.logits(heard(tokens.audio)), seen.logits(seen(tokens.video, first))
        )

    def joint_attention(self, tokens: PerSense) -> JointAttention:
        """Return logits, and the scores of the last block that sees both senses.

        Raises:
            CapabilityError: No block does.
        """
        self.check_joint()
        joined = self.s_trans.place(torch.cat([tokens.audio, tokens.video], 1))
        for block in self.s_trans.blocks[:-1]:
            joined = block(joined)
        last = self.s_trans.blocks[-1]
        assert isinstance(last, Block)
        joined, scores = last.scores(joined)
        return JointAttention(
            self.s_trans.logits(joined), scores, tokens.audio.shape[1]
        )

    def check_joint(self) -> None:
        """Make sure that a block sees both senses.

        Raises:
            CapabilityError: None does.
        """
        if self.fusion != "cross-attention":
            raise CapabilityError(
                f"UAVM with fusion '{self.fusion}' has no block that sees both senses."
            )


#: What published files hold and no prediction uses: a projection for features of
#: another width, and the heads of transformers that others follow.
_DEAD = ("*.in_proj.*", "[av]_trans.mlp_head.*")


def without_dead(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return the tensors of a published transformer that a prediction uses."""
    return {
        name: tensor
        for name, tensor in tensors.items()
        if not any(fnmatchcase(name, pattern) for pattern in _DEAD)
    }
