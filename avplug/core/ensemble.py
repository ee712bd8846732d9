"""Several models as one: what an attack that shall transfer is made on."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from avplug.core.batch import Batch
from avplug.core.errors import UsageError
from avplug.core.model import Model


class Ensemble(Model):
    """The mean of several models' logits, as arXiv 1710.06081 fuses them (section 3.4).

    Args:
        members: Models that look at clips alike and have the same classes.

    Raises:
        UsageError: They differ in that, or there is none.
    """

    def __init__(self, members: Sequence[Model]) -> None:
        if not members:
            raise UsageError("An ensemble needs a model.")
        first = members[0]
        super().__init__(first.labels)
        for member in members[1:]:
            if difference := interchange_obstacle(first, member):
                raise UsageError(
                    f"{type(member).__name__} and {type(first).__name__} make no "
                    f"ensemble: {difference}."
                )
        self.input = first.input
        self.outputs = first.outputs
        self.members = tuple(members)
        # As modules they are frozen, and moved, with the whole.
        self.modules_of_members = nn.ModuleList(members)

    def classify(self, batch: Batch) -> torch.Tensor:
        """Return the mean logits [B, C]."""
        return torch.stack([m.classify(batch) for m in self.members]).mean(0)


def interchange_obstacle(one: Model, other: Model) -> str | None:
    """Say why clips and answers of one model mean nothing to another; None if they do.

    Both must be given the same tensors, and mean the same by a class and its logit.
    """
    if one.input != other.input:
        return f"they look at clips otherwise, {one.input} and {other.input}"
    if one.labels != other.labels:
        return "their classes differ"
    if one.outputs != other.outputs:
        return f"their outputs differ, {one.outputs} and {other.outputs}"
    return None
