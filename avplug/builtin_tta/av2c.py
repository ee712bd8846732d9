"""AV2C: entropy minimisation on the joint attention (AVRobustBench, arXiv 2506.00358).

The paper states what is adapted (query, key and value of the joint block), the loss
(entropy, weighted towards low entropies) and the selection (unlike a moving average of
past predictions). It publishes neither code nor constants: learning rate, thresholds,
form of the weights and prediction before the update are choices of this module, taken
from EATA (arXiv 2204.02610).
"""

from __future__ import annotations

from typing import Literal

from avplug.builtin_tta.joint import JointAdapter
from avplug.builtin_tta.optim import OptimizerName, OptimizerOptions
from avplug.builtin_tta.selection import Selection
from avplug.builtin_tta.selective import SelectiveAdapter
from avplug.core.adaptation import Prediction
from avplug.core.model import Model


class AV2C(SelectiveAdapter, JointAdapter):
    """Minimises the weighted entropy of reliable, diverse clips; batches of 16.

    The encoders run once and without gradients, so that a batch costs about a tenth
    more than a prediction. A batch of which nothing is selected changes nothing.

    Args:
        model: The model; changed in place.
        lr: Learning rate.
        optimizer: ``"adam"`` or ``"sgd"``.
        momentum: Of SGD.
        e0_factor: See :class:`~avplug.builtin_tta.selection.Selection`.
        d: See there; ``0.05`` is EATA's for 1000 classes.
        predicts: Whether answers are of before or after the update.

    Raises:
        CapabilityError: The model has no joint attention, or cannot run it apart.
        UsageError: An option is unknown or out of range.
    """

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
