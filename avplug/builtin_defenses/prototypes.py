"""PCL: prototype conformity loss (arXiv 1904.00887)."""

from __future__ import annotations

import torch
from torch import nn

from avplug.builtin_defenses.similarity import with_features
from avplug.core.batch import Batch
from avplug.core.defense import Defense, Moment, Training, task_loss
from avplug.core.errors import CapabilityError
from avplug.core.model import Model


class Prototypes(nn.Module):
    """A learnable centre of each class to be near, and one to be far from.

    Two sets, as in the public code, so that pulling and pushing do not fight over one.

    Args:
        classes: Number of classes.
        width: Of a feature.
    """

    def __init__(self, classes: int, width: int) -> None:
        super().__init__()
        self.near = nn.Parameter(torch.randn(classes, width))
        self.far = nn.Parameter(torch.randn(classes, width))

    def forward(
        self, features: torch.Tensor, labels: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the pull to the own class's centre, and the push from the others'.

        Means over the batch of squared distances, the push summed over the classes.

        Args:
            features: [B, width].
            labels: int64 [B].
        """
        pull = (features - self.near[labels]).square().sum(1).mean()
        distances = torch.cdist(features, self.far).square()
        others = 1 - nn.functional.one_hot(labels, len(self.far)).to(distances)
        return pull, (distances * others).sum(1).mean()


class PCL(Defense):
    """Draws both senses' features to the prototype of their class.

    Args:
        pull: Weight of the squared distance to the own class's prototype.
        push: Weight of the squared distances to the others, which grow; 1e-4 in the
            public code.
    """

    def __init__(self, *, pull: float = 1.0, push: float = 1e-4) -> None:
        self._pull = pull
        self._push = push

    def begin(self, model: Model, training: Training) -> None:
        """Make prototypes for both senses; see :meth:`Defense.begin`."""
        halves = with_features(model)
        batch, labels = next(iter(training.clean()))
        if labels.ndim == 2:
            raise CapabilityError("PCL is not defined for clips with several labels.")
        with torch.no_grad():
            widths = halves.features(halves.encode(batch))
        self.companion = nn.ModuleDict(
            {
                "audio": Prototypes(training.classes, widths.audio.shape[1]),
                "video": Prototypes(training.classes, widths.video.shape[1]),
            }
        ).to(batch.frames.device)

    def objective(
        self, model: Model, batch: Batch, labels: torch.Tensor, moment: Moment
    ) -> torch.Tensor:
        """Return the training loss; see :meth:`Defense.objective`."""
        assert isinstance(self.companion, nn.ModuleDict)
        halves = with_features(model)
        tokens = halves.encode(batch)
        features = halves.features(tokens)
        loss = task_loss(halves.fuse(tokens), labels)
        for name, own in (("audio", features.audio), ("video", features.video)):
            pull, push = self.companion[name](own, labels)
            loss = loss + self._pull * pull - self._push * push
        return loss
