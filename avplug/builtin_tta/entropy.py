"""Shannon entropy of predictions."""

from __future__ import annotations

import torch


def widened(logits: torch.Tensor) -> torch.Tensor:
    """Return logits in float32 at least: losses in half precision lose small steps."""
    return logits if logits.dtype == torch.float64 else logits.float()


def entropy(logits: torch.Tensor) -> torch.Tensor:
    """Return the entropy in nats [B] of the softmax of logits [B, C]."""
    logs = widened(logits).log_softmax(-1)
    return -(logs.exp() * logs).sum(-1)
