"""What attacks count and check alike."""

from __future__ import annotations

import torch

from avplug.builtin_attacks.slopes import Slope
from avplug.core.attack import Attacked
from avplug.core.batch import Batch
from avplug.core.errors import UsageError


class Tally:
    """Work done on a batch, and the course of its losses.

    Args:
        clips: In the batch.
        steps: Rows of the history.

    Attributes:
        forwards: Passes of one clip through the model.
        backwards: The same of backward passes.
    """

    def __init__(self, clips: int, steps: int) -> None:
        self.clips = clips
        self.forwards = 0
        self.backwards = 0
        self._history = torch.full((steps, clips), torch.nan)
        self._flat = torch.zeros(clips, dtype=torch.bool)
        self._row = 0

    def note(self, active: torch.Tensor, at: Slope) -> None:
        """Add one step of the clips ``active``, int64 [b]."""
        self.forwards += len(active)
        self.backwards += len(active)
        if self._row == 0:
            steep = torch.stack(
                [g.flatten(1).abs().amax(1) > 0 for g in at.gradients.values()]
            )
            self._flat[active.cpu()] = ~steep.any(0).cpu()
        self._history[self._row, active.cpu()] = at.losses.float().cpu()
        self._row += 1

    def result(self, batch: Batch) -> Attacked:
        """Return the attacked batch with the counts."""
        history = self._history[: self._row]
        return Attacked(batch, self.forwards, self.backwards, history, self._flat)


def unattacked(batch: Batch) -> Attacked:
    """Return the batch as it is: the threat model allows nothing."""
    return Tally(len(batch), 0).result(batch)


def at_least_one(name: str, value: object) -> None:
    """Make sure that an option is a whole number, 1 or more.

    Raises:
        UsageError: It is not.
    """
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise UsageError(f"Option {name} is {value!r}: 1 or more are needed.")
