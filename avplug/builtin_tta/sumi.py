"""SuMi: smoothing and mutual information for multimodal streams (arXiv 2503.02616)."""

from __future__ import annotations

import math
from typing import Literal

import torch

from avplug.builtin_tta.balance import balance_of
from avplug.builtin_tta.entropy import entropy, widened
from avplug.builtin_tta.gradient import GradientAdapter
from avplug.builtin_tta.optim import OptimizerName, OptimizerOptions, number
from avplug.builtin_tta.rows import rows_where
from avplug.core.adaptation import Prediction, Stream
from avplug.core.batch import Batch
from avplug.core.errors import CapabilityError, UsageError, closest
from avplug.core.model import ClassifiesEachSense, Model, PerSense

Profile = Literal["paper", "released"]

#: Least entropy of the single senses, in nats.
_LEAST = {"paper": math.exp(-1), "released": math.e / 10}


def most_entropy(profile: Profile, classes: int) -> float:
    """Return the limit of reliable entropies in nats."""
    # The public code keeps EATA's constant for 1000 classes.
    return 0.4 * math.log(classes) if profile == "paper" else math.log(1000) / 2 - 1


class SuMi(GradientAdapter):
    """Brings both senses alone and together into line, on smooth, reliable clips.

    Learns from clips whose features lie in the middle of the batch, whose joint answer
    is sure and whose answers from one sense are not; the window of the middle grows
    until, a third through the stream, all are in it. Half through the stream weights
    and alignment end, in the public code as in this one: the loss becomes the product
    of mean entropy and mean weight. READ's balance is subtracted.

    Encoders run once for the three answers. The length of the stream must be known:
    ``begin`` tells it; batches beyond it count as the last.

    Args:
        model: The model; changed in place.
        lr: Learning rate.
        optimizer: ``"adam"`` or ``"sgd"``.
        momentum: Of SGD.
        profile: Thresholds. ``"paper"``: entropies of single senses from 1/e on, joint
            ones up to ``.4 ln C``. ``"released"``: from e/10 on, up to
            ``ln(1000)/2 - 1`` for any C.
        padded: Answer from one sense with zero tokens in place of the other, pooled
            with the rest, as the public code does. None: as ``profile``.
        alignment: Weight of the alignment, lambda.
        video_weight: Weight of the picture's entropy beside the sound's, mu.
        predicts: Whether answers are of before or after the update.

    Raises:
        CapabilityError: The model cannot answer from one sense, or lacks the surface.
        UsageError: An option is unknown or out of range.
    """

    surface = ("norm", "norm_unimodal")
    predicts = "post"
    counted = (*GradientAdapter.counted, "selected", "unselected_batches")

    def __init__(
        self,
        model: Model,
        *,
        lr: float = 1e-4,
        optimizer: OptimizerName = "adam",
        momentum: float = 0.9,
        profile: Profile = "paper",
        padded: bool | None = None,
        alignment: float = 5.0,
        video_weight: float = 1.0,
        predicts: Prediction = "post",
    ) -> None:
        if not isinstance(model, ClassifiesEachSense):
            raise CapabilityError(
                f"{type(model).__name__} cannot answer from one sense alone:"
                " it has no unimodal and features."
            )
        if profile not in _LEAST:
            raise UsageError(
                f"Unknown profile {profile!r}.{closest(str(profile), _LEAST)}",
                f"Profiles: {', '.join(_LEAST)}.",
            )
        self._profile = profile
        self._padded = profile == "released" if padded is None else padded
        self._alignment = number("alignment", alignment, least=0.0)
        self._video_weight = number("video_weight", video_weight, least=0.0)
        super().__init__(model, OptimizerOptions(lr, optimizer, momentum), predicts)
        self._senses: ClassifiesEachSense = model
        self._length: int | None = None
        self._seen = 0

    def begin(self, stream: Stream) -> None:
        """Learn how many batches will come."""
        self._length = stream.batches

    def adapt(self, inputs: Batch) -> torch.Tensor:
        """Step down entropy and misalignment, up the balance."""
        if self._length is None:
            raise CapabilityError(
                "SuMi was given a batch before begin(stream) told how many will come."
            )
        progress = min(self._seen / self._length, 1.0)
        self._seen += 1
        self._counts["forwards"] += 1
        tokens = self._senses.encode(inputs)
        logits = self._senses.fuse(tokens)
        alone = self._senses.unimodal(tokens, padded=self._padded)
        entropies = entropy(logits.detach())
        single = self._single_entropies(alone)
        most = most_entropy(self._profile, logits.shape[1])
        features = self._senses.features(tokens)
        kept = (
            central(torch.cat([features.audio, features.video], -1), progress)
            & (single >= _LEAST[self._profile])
            & (entropies <= most)
        )
        # One answer from the device for both.
        flags, sound = torch.stack([kept, (entropies + single).isfinite()]).tolist()
        if not all(sound):
            self._counts["nonfinite"] += 1
            return logits
        self._counts["selected"] += sum(flags)
        if any(flags):
            rows = rows_where(flags, logits.device)
            chosen = PerSense(alone.audio[rows], alone.video[rows])
            self.descend(self._loss(logits[rows], chosen, most, progress))
        else:
            self._counts["unselected_batches"] += 1
        return logits

    def _loss(
        self, logits: torch.Tensor, alone: PerSense, most: float, progress: float
    ) -> torch.Tensor:
        entropies = entropy(logits)
        weights = (most - entropies.detach()).exp()
        if progress < 0.5:
            aligned = entropies + self._alignment * misalignment(logits, alone)
            loss = (weights * aligned).mean()
        else:
            loss = entropies.mean() * weights.mean()
        return loss - balance_of(widened(logits).softmax(-1), "double")

    def _single_entropies(self, alone: PerSense) -> torch.Tensor:
        heard, seen = entropy(alone.audio.detach()), entropy(alone.video.detach())
        mean: torch.Tensor = heard + self._video_weight * seen
        return mean / (1 + self._video_weight)

    def forget(self) -> None:
        """Restore the source model; forget optimiser and place in the stream."""
        super().forget()
        self._seen = 0


@torch.no_grad()
def central(features: torch.Tensor, progress: float) -> torch.Tensor:
    """Return which clips lie in the middle of their batch, bool [B].

    Args:
        features: [B, D]; each dimension has a window around the middle of its range.
        progress: Share of the stream that has passed, in 0..1. The window grows from
            half of the range, and so does the share of dimensions, from .6, in which a
            clip must lie in it.
    """
    low, high = features.aminmax(dim=0)
    spread = high - low
    slack = 1.5 * progress * spread / 2
    inside = (features >= low + spread / 4 - slack) & (
        features <= low + 3 * spread / 4 + slack
    )
    return inside.sum(1) >= features.shape[1] * (0.6 + 0.4 * progress)


def misalignment(together: torch.Tensor, alone: PerSense) -> torch.Tensor:
    """Return in nats [B] how far each sense's answer is from the others' mean.

    ``KL((p_v + p_m)/2 || p_a) + KL((p_a + p_m)/2 || p_v)``; the paper calls it mutual
    information.

    Args:
        together: Logits [B, C] of both senses.
        alone: Logits [B, C] of each.
    """
    both, heard, seen = (
        widened(x).log_softmax(-1) for x in (together, alone.audio, alone.video)
    )

    def divergence(first: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        mixed = torch.logaddexp(first, both) - math.log(2)
        return (mixed.exp() * (mixed - target)).sum(-1)

    return divergence(seen, heard) + divergence(heard, seen)
