"""READ: confidence-aware, balanced adaptation of the joint attention (ICLR 2024)."""

from __future__ import annotations

import math
from typing import Any

import torch

from avplug.builtin_tta.balance import Balance, balance_of, check_balance
from avplug.builtin_tta.entropy import widened
from avplug.builtin_tta.joint import JointAdapter
from avplug.builtin_tta.optim import OptimizerName, OptimizerOptions, number
from avplug.core.adaptation import Prediction
from avplug.core.model import Model


class READ(JointAdapter):
    """Minimises ``mean(p ln(e gamma / p)) - balance``, p the likeliest class's share.

    The first term raises confidence above ``gamma`` and lowers it below; with the
    published gamma it is ``mean(-p ln p)``. The second spreads a batch's answers over
    the classes. OpenReview TPZRq4FALB.

    Args:
        model: The model; changed in place.
        lr: Learning rate.
        optimizer: ``"adam"`` or ``"sgd"``.
        momentum: Of SGD.
        gamma: Confidence above which it is raised, below which it is lowered.
        balance: See :func:`~avplug.builtin_tta.balance.balance_of`.
        predicts: Whether answers are of before or after the update.

    Raises:
        CapabilityError: The model has no joint attention, or cannot run it apart.
        UsageError: An option is unknown or out of range.
    """

    predicts = "post"
    noted = ("confidence_loss", "balance")

    def __init__(
        self,
        model: Model,
        *,
        lr: float = 1e-4,
        optimizer: OptimizerName = "adam",
        momentum: float = 0.9,
        gamma: float = math.exp(-1),
        balance: Balance = "double",
        predicts: Prediction = "post",
    ) -> None:
        self._log_gamma = math.log(number("gamma", gamma, above=0.0))
        self._balance = check_balance(balance)
        super().__init__(model, OptimizerOptions(lr, optimizer, momentum), predicts)

    def adapt(self, inputs: Any) -> torch.Tensor:
        """Step down the confidence loss, up the balance."""
        logits = self.predict(inputs)
        probabilities = widened(logits).softmax(-1)
        sure = probabilities.amax(-1)
        confidence = (sure * (1 + self._log_gamma - sure.log())).mean()
        balance = balance_of(probabilities, self._balance)
        if self.descend(confidence - balance):
            self.note(confidence_loss=confidence, balance=balance)
        return logits
