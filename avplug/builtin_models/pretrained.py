"""From a pre-trained checkpoint to a model that is yet to be fine-tuned."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from fnmatch import fnmatchcase

import torch

from avplug.core.model import Model


class UntrainedPartsWarning(UserWarning):
    """Parts of a model have random weights, since its checkpoint holds none."""


def start_from(
    model: Model,
    tensors: dict[str, torch.Tensor],
    *,
    lacks: Sequence[str],
    dropped: Sequence[str],
) -> dict[str, torch.Tensor]:
    """Return the tensors of a pre-trained checkpoint as a fine-tuned model's.

    Args:
        model: Gives its own weights for what the checkpoint lacks, and notes in
            ``ignored`` how many tensors it leaves out.
        tensors: Of the checkpoint.
        lacks: Patterns of names that a pre-trained checkpoint has not, or has for
            something else.
        dropped: Patterns of names that only pre-training needs.

    Warns:
        UntrainedPartsWarning: Names the tensors that stay random. A checkpoint that
            holds all of the model is a fine-tuned one and comes back as it is.
    """
    own = model.state_dict()
    if own.keys() <= tensors.keys():
        return tensors

    def fits(name: str, patterns: Sequence[str]) -> bool:
        return any(fnmatchcase(name, pattern) for pattern in patterns)

    random = {name: tensor for name, tensor in own.items() if fits(name, lacks)}
    warnings.warn(
        f"These weights are pre-trained only: {', '.join(random)} of"
        f" {type(model).__name__} stay random until they are trained.",
        UntrainedPartsWarning,
        stacklevel=3,
    )
    kept = {k: v for k, v in tensors.items() if not fits(k, [*lacks, *dropped])}
    left = len(tensors) - len(kept)
    model.ignored = {**model.ignored, "pre-training's parts": left}
    return kept | random
