"""ABPEM: attention bootstrapping, principal entropy (AAAI 2025, arXiv 2503.02221)."""

from __future__ import annotations

from typing import Any

import torch

from avplug.builtin_tta.balance import balance_of
from avplug.builtin_tta.entropy import widened
from avplug.builtin_tta.joint import AttentionAdapter
from avplug.builtin_tta.optim import (
    OptimizerName,
    OptimizerOptions,
    number,
    whole_number,
)
from avplug.core.adaptation import Prediction
from avplug.core.model import JointAttention, Model


class ABPEM(AttentionAdapter):
    """Minimises the entropy of the likeliest classes; pulls attention across senses.

    Attention from one sense to the other shall be distributed as that within the
    sense attended by its own: the scores before the softmax, averaged over heads, are
    taken as Gaussians. The batch's mean answer is kept spread. Scores see the keys'
    bias, which is therefore adapted, too. The authors' scripts also learn from up to
    128 earlier clips, whose tokens they keep; not so here.

    Args:
        model: The model; changed in place.
        lr: Learning rate.
        optimizer: ``"adam"`` or ``"sgd"``.
        momentum: Of SGD.
        principal: Likeliest classes in the entropy; scripts take 7 or 8 of 50, 28 to
            30 of 309.
        entropy_weight: Of the likeliest classes' entropy.
        balance_weight: Of the mean answer's entropy, which is raised.
        attention_weight: Of the attention's divergence.
        predicts: Whether answers are of before or after the update.

    Raises:
        CapabilityError: The model has no joint attention, or does not show it.
        UsageError: An option is unknown or out of range.
    """

    predicts = "post"
    reads_scores = True
    noted = ("principal_entropy", "balance", "attention_divergence")

    def __init__(
        self,
        model: Model,
        *,
        lr: float = 1e-4,
        optimizer: OptimizerName = "adam",
        momentum: float = 0.9,
        principal: int = 5,
        entropy_weight: float = 1.0,
        balance_weight: float = 1.0,
        attention_weight: float = 1.0,
        predicts: Prediction = "post",
    ) -> None:
        self._principal = whole_number("principal", principal, least=1)
        self._weights = tuple(
            number(name, value, least=0.0)
            for name, value in (
                ("entropy_weight", entropy_weight),
                ("balance_weight", balance_weight),
                ("attention_weight", attention_weight),
            )
        )
        super().__init__(model, OptimizerOptions(lr, optimizer, momentum), predicts)

    def adapt(self, inputs: Any) -> torch.Tensor:
        """Step down principal entropy and divergence, up the balance."""
        shown = self.look(inputs)
        probabilities = widened(shown.logits).softmax(-1)
        top = probabilities.topk(min(self._principal, probabilities.shape[1])).values
        principal = -(top * (top + 1e-6).log()).sum(-1).mean()
        balance = balance_of(probabilities, "fixed")
        divergence = attention_divergence(shown)
        sharp, spread, aligned = self._weights
        if self.descend(sharp * principal - spread * balance + aligned * divergence):
            self.note(
                principal_entropy=principal,
                balance=balance,
                attention_divergence=divergence,
            )
        return shown.logits


def attention_divergence(shown: JointAttention) -> torch.Tensor:
    """Return how unlike scores across the senses are to those within; in nats [].

    ``KL(VA || AA) + KL(AV || VV)`` of Gaussians, averaged over clips; XY are the scores
    of queries of X and keys of Y. AA and VV get no gradient.
    """
    scores = widened(shown.scores).mean(1)
    split = shown.audio_tokens
    heard, seen = slice(None, split), slice(split, None)
    across = gaussian_divergence(
        scores[:, seen, heard], scores[:, heard, heard].detach()
    )
    back = gaussian_divergence(scores[:, heard, seen], scores[:, seen, seen].detach())
    return (across + back).mean()


def gaussian_divergence(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    """Return ``KL(first || second)`` [B] of Gaussians fit to values [B, n, m] each."""
    (p_var, p_mean), (q_var, q_mean) = (
        torch.var_mean(x.flatten(1), dim=1) for x in (first, second)
    )
    apart = (p_mean - q_mean) ** 2
    return (q_var / p_var).log() / 2 + (p_var + apart) / (2 * q_var) - 0.5
