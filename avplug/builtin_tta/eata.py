"""ETA and EATA: reliable, diverse clips, little forgotten (arXiv 2204.02610)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal
from weakref import WeakKeyDictionary

import torch
from torch.nn import functional as F

from avplug.builtin_tta.anchor import Anchor
from avplug.builtin_tta.entropy import widened
from avplug.builtin_tta.optim import (
    OptimizerName,
    OptimizerOptions,
    number,
    whole_number,
)
from avplug.builtin_tta.selection import Selection
from avplug.builtin_tta.selective import SelectiveAdapter
from avplug.core.adaptation import Prediction, Stream
from avplug.core.batch import Batch
from avplug.core.errors import CapabilityError
from avplug.core.model import Model


class ETA(SelectiveAdapter):
    """Minimises the weighted entropy of selected clips on the normalisation layers.

    Args:
        model: The model; changed in place.
        lr: Learning rate; 1e-4 is what ports to CAV-MAE use.
        optimizer: ``"adam"`` or ``"sgd"``.
        momentum: Of SGD.
        e0_factor: See :class:`~avplug.builtin_tta.selection.Selection`.
        d: See there; ``0.05`` is the paper's for 1000 classes.
        predicts: Whether answers are of before or after the update.

    Raises:
        CapabilityError: The model has no normalisation layers to offer.
        UsageError: An option is unknown or out of range.
    """

    surface = "norm"
    predicts = "pre"

    def __init__(
        self,
        model: Model,
        *,
        lr: float = 1e-4,
        optimizer: OptimizerName = "adam",
        momentum: float = 0.9,
        e0_factor: float = 0.4,
        d: float | Literal["auto"] = "auto",
        predicts: Prediction = "pre",
    ) -> None:
        options = OptimizerOptions(lr, optimizer, momentum)
        super().__init__(model, options, predicts, Selection(e0_factor, d))


@dataclass(frozen=True, slots=True, eq=False)
class _Measured:
    """F, of what, and of which weights."""

    key: tuple[str, int]
    weights: Mapping[str, torch.Tensor]
    importance: dict[str, torch.Tensor]


#: The last F of each model: a run asks for the same one in every cell.
_MEASURED: WeakKeyDictionary[Model, _Measured] = WeakKeyDictionary()


class EATA(ETA):
    """ETA that does not forget clean clips.

    Weights that matter for clean clips are pulled back to where they were: the penalty
    ``alpha * sum_j F_j (theta_j - theta0_j)^2``, with F the mean over batches of clean
    clips of the squared gradient of the cross-entropy with the model's own answers.
    F is of batch means, hence depends on the batch size.

    Args:
        model: The model; changed in place.
        lr: See :class:`ETA`.
        optimizer: See there.
        momentum: See there.
        e0_factor: See there.
        d: See there.
        fisher: False leaves the penalty out and needs no clean clips: ETA.
        fisher_alpha: Strength of the penalty.
        fisher_clips: Clean clips that F is taken from, at most; whole batches.
        predicts: Whether answers are of before or after the update.

    Raises:
        CapabilityError: The model has no normalisation layers to offer.
        UsageError: An option is unknown or out of range.
    """

    def __init__(
        self,
        model: Model,
        *,
        lr: float = 1e-4,
        optimizer: OptimizerName = "adam",
        momentum: float = 0.9,
        e0_factor: float = 0.4,
        d: float | Literal["auto"] = "auto",
        fisher: bool = True,
        fisher_alpha: float = 2000.0,
        fisher_clips: int = 2000,
        predicts: Prediction = "pre",
    ) -> None:
        self._alpha = number("fisher_alpha", fisher_alpha, least=0.0)
        self._clips = whole_number("fisher_clips", fisher_clips, least=1)
        super().__init__(
            model,
            lr=lr,
            optimizer=optimizer,
            momentum=momentum,
            e0_factor=e0_factor,
            d=d,
            predicts=predicts,
        )
        self._anchor: Anchor | None = None
        self._fisher = fisher
        if fisher:
            self.before_step.append(self._pull)

    @classmethod
    def needs(
        cls, declared: tuple[str, ...], options: Mapping[str, Any]
    ) -> tuple[str, ...]:
        """Return what is declared; without the Fisher term no clean clips."""
        free = not cls.settings(options)["fisher"]
        return tuple(n for n in declared if not (free and n == "source-data"))

    @property
    def fisher(self) -> dict[str, torch.Tensor]:
        """F of each parameter that a prediction depends on; empty before ``begin``."""
        return dict(self._anchor.importance) if self._anchor else {}

    def begin(self, stream: Stream) -> None:
        """Measure on clean clips which weights matter.

        Raises:
            CapabilityError: There are no clean clips, or none gives finite gradients.
        """
        if not self._fisher:
            return
        if stream.source is None:
            raise CapabilityError(
                "EATA needs clean clips of a training split, and there is none.",
                "Turn the penalty off with -o eata.fisher=false: that is ETA.",
            )
        self._anchor = Anchor(self._measured(stream, stream.source), self._source)

    def _measured(
        self, stream: Stream, source: Callable[[], Iterable[Batch]]
    ) -> dict[str, torch.Tensor]:
        """Return F, of an earlier stream if model and clean clips are the same."""
        key = (stream.source_key, self._clips)
        known = _MEASURED.get(self.model)
        if known and stream.source_key and known.key == key:
            same = (torch.equal(self._source[n], t) for n, t in known.weights.items())
            if all(same):
                return known.importance
        importance = self._measure(source())
        _MEASURED[self.model] = _Measured(key, self._source, importance)
        return importance

    def _measure(self, source: Iterable[Batch]) -> dict[str, torch.Tensor]:
        batches = clips = 0
        importance: dict[str, torch.Tensor] = {}
        for batch in source:
            clips += self._answer_own(batch)
            if self.gradient_norm().isfinite():
                batches += 1
                for name, parameter in self.parameters.items():
                    if parameter.grad is not None:
                        square = parameter.grad**2
                        importance[name] = importance.get(name, 0) + square
            if clips >= self._clips:
                break
        self._optimizer.zero_grad()
        if not batches:
            raise CapabilityError("No clean batch gives EATA finite gradients.")
        return {name: total / batches for name, total in importance.items()}

    def _answer_own(self, batch: Batch) -> int:
        with torch.enable_grad():
            logits = widened(self.model.classify(batch))
            loss = F.cross_entropy(logits, logits.argmax(-1))
            self._optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
        return len(logits)

    def _pull(self) -> None:
        if self._anchor is None:
            raise CapabilityError(
                "EATA was given a batch before begin(stream) gave it clean clips."
            )
        self._anchor.pull(self.parameters, self._alpha)
