"""ExFMem: features rebuilt from an external memory of clean ones (arXiv 2104.02000).

The memory of a sense is a dictionary D whose columns are features of training clips. A
feature f is coded sparsely, h = argmin 1/2 |Dh - f|^2 + lambda |h|_1, by ISTA, and
what the model fuses is a blend of Dh and f. The steps are unrolled: gradients, those
of an attacker too, pass through all of them.

The public code stops when the codes of a whole batch move less than a threshold, so
that a clip's answer depends on its neighbours (by 15 to 17 % of the rebuilt feature).
Here every clip takes the same number of steps.
"""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import nn

from avplug.builtin_defenses.similarity import cosine, with_features
from avplug.core.batch import Batch
from avplug.core.defense import Defense, Moment, Training, task_loss
from avplug.core.errors import CapabilityError, UsageError
from avplug.core.model import FusesFeatures, Model, PerSense, ShowsTime, Surface


def shrink(values: torch.Tensor, by: torch.Tensor | float) -> torch.Tensor:
    """Return values moved towards 0 by as much, and no further."""
    return values.sign() * (values.abs() - by).clamp(min=0)


class Memory(nn.Module):
    """One sense's dictionary, and the rebuilding of features from it.

    Args:
        width: Of a feature.
        columns: Features that are remembered.
        steps: Of ISTA.
        sparsity: lambda, relative to the norms of the features.
    """

    columns: torch.Tensor
    rate: torch.Tensor

    def __init__(self, width: int, columns: int, steps: int, sparsity: float) -> None:
        super().__init__()
        self.register_buffer("columns", torch.zeros(width, columns))
        self.register_buffer("rate", torch.zeros(()))
        self.steps = steps
        self.sparsity = sparsity

    def fill(self, features: torch.Tensor) -> None:
        """Remember features [columns, width].

        The step length is the longest that converges: the inverse of the largest
        eigenvalue of D^T D, less five per cent.
        """
        self.columns.copy_(features.T)
        largest = torch.linalg.matrix_norm(self.columns.double(), 2) ** 2
        self.rate.copy_(1 / (1.05 * largest))

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Return Dh for features [B, width]."""
        return self.code(features) @ self.columns.T

    def code(self, features: torch.Tensor) -> torch.Tensor:
        """Return h, [B, columns], of features [B, width]."""
        gram = self.columns.T @ self.columns
        aim = features @ self.columns
        code = torch.zeros_like(aim)
        for _ in range(self.steps):
            moved = code - self.rate * (code @ gram - aim)
            code = shrink(moved, self.rate * self.sparsity)
        return code


class Remembering(Model):
    """A late-fusion model whose features pass through memories.

    Args:
        model: The model; its names get the prefix ``model.``.
        columns: Features remembered of each sense.
        steps: Of ISTA.
        sparsity: lambda.
        blend: Share of the rebuilt feature; the rest is the feature itself.

    Raises:
        CapabilityError: The model's answer does not follow from one vector a sense.
    """

    def __init__(
        self, model: Model, columns: int, steps: int, sparsity: float, blend: float
    ) -> None:
        if not isinstance(model, FusesFeatures):
            raise CapabilityError(
                f"{type(model).__name__} does not fuse one vector of each sense: there"
                " is no place for a feature memory."
            )
        super().__init__(model.labels, **model.config)
        self.model = model
        self.input = model.input
        self.outputs = model.outputs
        self.modalities = model.modalities
        width = model.feature_width
        self.audio_memory = Memory(width, columns, steps, sparsity)
        self.video_memory = Memory(width, columns, steps, sparsity)
        self._blend = blend

    @property
    def _inner(self) -> FusesFeatures:
        return cast("FusesFeatures", self.model)

    @property
    def feature_width(self) -> int:
        """Width of each sense's features."""
        return self._inner.feature_width

    def classify(self, batch: Batch) -> torch.Tensor:
        """Return logits [B, C]."""
        return self.fuse(self.encode(batch))

    def forward(self, frames: torch.Tensor, waveform: torch.Tensor) -> torch.Tensor:
        """Return logits [B, C]; every sample counts as sound."""
        lengths = torch.full((len(waveform),), waveform.shape[1])
        return self.classify(Batch(frames, waveform, lengths.to(waveform.device)))

    def encode(self, batch: Batch) -> Any:
        """Return what the inner model's encoders say."""
        return self._inner.encode(batch)

    def features(self, tokens: Any) -> PerSense:
        """Return features [B, D] blended with what the memories make of them."""
        own = self._inner.features(tokens)
        return PerSense(
            self._blended(own.audio, self.audio_memory),
            self._blended(own.video, self.video_memory),
        )

    def _blended(self, own: torch.Tensor, memory: Memory) -> torch.Tensor:
        rebuilt: torch.Tensor = memory(own)
        return self._blend * rebuilt + (1 - self._blend) * own

    def fuse(self, tokens: Any) -> torch.Tensor:
        """Return logits [B, C] of what :meth:`encode` returned."""
        return self.fuse_features(self.features(tokens))

    def fuse_features(self, features: PerSense) -> torch.Tensor:
        """Return logits [B, C] of features [B, D]."""
        return self._inner.fuse_features(features)

    def unimodal(self, tokens: Any, *, padded: bool = False) -> PerSense:
        """Return logits [B, C] from each sense, the other's features being 0."""
        if padded:
            raise CapabilityError("A late-fusion model has no tokens to pad with.")
        own = self.features(tokens)
        deaf = PerSense(torch.zeros_like(own.audio), own.video)
        blind = PerSense(own.audio, torch.zeros_like(own.video))
        return PerSense(self.fuse_features(blind), self.fuse_features(deaf))

    def parameters_for(self, surface: Surface) -> dict[str, nn.Parameter]:
        """Return the named parameters of a surface of the inner model."""
        inner = self.model.parameters_for(surface)
        return {f"model.{name}": parameter for name, parameter in inner.items()}


class RememberingOverTime(Remembering):
    """The same of a model whose features can be followed through a clip."""

    def sequences(self, tokens: Any) -> PerSense:
        """Return features over time, [B, moments, D], before the memories."""
        return cast("ShowsTime", self.model).sequences(tokens)


class ExFMem(Defense):
    """Puts memories behind the encoders and trains through them.

    Give it the weights of an earlier training (``--init``), whose features it then
    remembers; the paper starts from MinSim's.

    Args:
        columns: Features remembered of each sense, evenly over the training clips;
            the paper has 1024, and 288 for MUSIC.
        steps: Of ISTA.
        sparsity: lambda; 0.1 in the paper's code.
        blend: Share of the rebuilt feature; 0.6 for Kinetics in a comment of the code.
        minsim: Weight of the cosine between the blended features in the loss; with 1
            both defences work together, as in the paper's best rows.

    Raises:
        UsageError: An option is out of its range.
    """

    def __init__(
        self,
        *,
        columns: int = 1024,
        steps: int = 100,
        sparsity: float = 0.1,
        blend: float = 0.5,
        minsim: float = 1.0,
    ) -> None:
        for name, value in (("columns", columns), ("steps", steps)):
            if not isinstance(value, int) or value < 1:
                raise UsageError(f"Option {name} is {value!r}: 1 or more are needed.")
        if not 0 <= blend <= 1:
            raise UsageError(f"Option blend is {blend}; it is a share, 0 to 1.")
        self._columns = columns
        self._steps = steps
        self._sparsity = sparsity
        self._blend = blend
        self._minsim = minsim

    def wrap(self, model: Model) -> Model:
        """Return the model with empty memories; see :meth:`Defense.wrap`."""
        kind = RememberingOverTime if isinstance(model, ShowsTime) else Remembering
        return kind(model, self._columns, self._steps, self._sparsity, self._blend)

    def begin(self, model: Model, training: Training) -> None:
        """Fill the memories with features of the training clips, in eval mode.

        Raises:
            UsageError: There are fewer clips than columns.
        """
        assert isinstance(model, Remembering)
        inner = with_features(model.model)
        heard, seen = [], []
        was_training = model.training
        model.eval()
        with torch.no_grad():
            for batch, _ in training.clean():
                own = inner.features(inner.encode(batch))
                heard.append(own.audio)
                seen.append(own.video)
        model.train(was_training)
        for memory, found in (
            (model.audio_memory, torch.cat(heard)),
            (model.video_memory, torch.cat(seen)),
        ):
            if len(found) < self._columns:
                raise UsageError(
                    f"{self._columns} features shall be remembered of"
                    f" {len(found)} training clips.",
                    f"Set -o exfmem.columns={len(found)} or fewer.",
                )
            places = torch.linspace(0, len(found) - 1, self._columns).round().long()
            memory.fill(found[places.to(found.device)])

    def objective(
        self, model: Model, batch: Batch, labels: torch.Tensor, moment: Moment
    ) -> torch.Tensor:
        """Return the training loss; see :meth:`Defense.objective`."""
        assert isinstance(model, Remembering)
        blended = model.features(model.encode(batch))
        loss = task_loss(model.fuse_features(blended), labels)
        return loss + self._minsim * cosine(blended).mean()
