"""Methods that change the joint attention only: the encoders run once."""

from __future__ import annotations

from typing import Any

import torch

from avplug.builtin_tta.gradient import GradientAdapter
from avplug.builtin_tta.optim import OptimizerOptions
from avplug.core.adaptation import Prediction
from avplug.core.batch import Batch
from avplug.core.errors import CapabilityError
from avplug.core.model import (
    EncodesThenFuses,
    JointAttention,
    KnowsKeyBias,
    Model,
    ShowsJointAttention,
)


class JointAdapter(GradientAdapter):
    """Adapts query, key and value of the joint attention.

    A batch is encoded once and without gradients; each prediction then costs a joint
    block. The bias of the keys shifts all scores of a query alike, which softmax does
    not see: its gradient is zero but for rounding, that Adam would blow up to whole
    steps. It is therefore left alone where the model says where it is.

    Raises:
        CapabilityError: The model has no joint attention, or cannot run it apart.
    """

    surface = "fusion_attention"
    #: Whether the loss sees scores before the softmax, hence the keys' bias.
    reads_scores = False

    def __init__(
        self, model: Model, options: OptimizerOptions, predicts: Prediction
    ) -> None:
        if not isinstance(model, EncodesThenFuses):
            raise CapabilityError(
                f"{type(model).__name__} cannot run its joint block apart:"
                " it has no encode and fuse."
            )
        super().__init__(model, options, predicts)
        self._halves: EncodesThenFuses = model
        if isinstance(model, KnowsKeyBias) and not self.reads_scores:
            self._still = model.key_bias()
            self.before_step.append(self._hold_key_bias)

    def inputs(self, batch: Batch) -> Any:
        """Return the tokens of both encoders."""
        with torch.no_grad():
            return self._halves.encode(batch)

    def predict(self, inputs: Any) -> torch.Tensor:
        """Return logits [B, C] of tokens."""
        self._counts["forwards"] += 1
        return self._halves.fuse(inputs)

    def _hold_key_bias(self) -> None:
        for name, rows in self._still.items():
            gradient = self.parameters[name].grad
            assert gradient is not None
            gradient[rows] = 0


class AttentionAdapter(JointAdapter):
    """Adapts the joint attention by looking at it.

    Raises:
        CapabilityError: The model has no joint attention, or does not show it.
    """

    def __init__(
        self, model: Model, options: OptimizerOptions, predicts: Prediction
    ) -> None:
        if not isinstance(model, ShowsJointAttention):
            raise CapabilityError(
                f"{type(model).__name__} does not show its joint attention:"
                " it has no joint_attention."
            )
        super().__init__(model, options, predicts)
        self._shown: ShowsJointAttention = model

    def look(self, inputs: Any) -> JointAttention:
        """Return logits and the attention behind them; counts as a prediction."""
        self._counts["forwards"] += 1
        return self._shown.joint_attention(inputs)
