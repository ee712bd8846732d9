"""How many clips at a time: where the number is free, as many as pay."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import torch

from avplug.bench.compute import compute_of, device_of
from avplug.bench.plan import Cell, Plan
from avplug.core.batch import Batch
from avplug.core.model import Model

#: Twice the clips at a time must bring so much more clips a second.
_GAIN = 1.05
_MOST = 512


def automatic(plan: Plan, cells: Sequence[Cell]) -> bool:
    """Return whether a run leaves the batch size of these cells to the hardware.

    Only on an accelerator, where a larger batch pays, and for cells whose answers do
    not depend on batch mates: never for adaptation or an attack. Elsewhere the batch
    size stays what the run says, and with it the last bit of every answer.
    """
    free = all(
        not cell.treatment.adapter.stateful
        and cell.attack is None
        and device_of(cell.model.model).type == "cuda"
        for cell in cells
    )
    return plan.config.auto_batch_size and free


def largest_paying(plan: Plan, cells: Sequence[Cell]) -> int:
    """Return the batch size that suits the most demanding model of a group."""
    return min(
        paying(plan.config.batch_size, len(plan.clips), _timer(cell.model.model, plan))
        for cell in cells
    )


def paying(least: int, clips: int, seconds: Callable[[int], float]) -> int:
    """Double a batch size for as long as that brings more clips a second.

    Args:
        least: To begin with.
        clips: That there are: no batch need be larger.
        seconds: What a batch of so many clips takes; may raise
            ``torch.OutOfMemoryError``.
    """
    size = least
    try:
        rate = size / seconds(size)
        while 2 * size <= min(_MOST, max(clips, least)):
            faster = 2 * size / seconds(2 * size)
            if faster < _GAIN * rate:
                break
            size, rate = 2 * size, faster
    except torch.OutOfMemoryError:
        torch.cuda.empty_cache()
    return size


class Parts:
    """Answers batches in parts that fit into the hardware's memory.

    Args:
        size: Clips at a time, halved for good when they do not fit; None for whole
            batches, which have to.
    """

    def __init__(self, size: int | None) -> None:
        self._size = size
        self._halved = 0

    def run(self, step: Callable[[Batch], torch.Tensor], batch: Batch) -> torch.Tensor:
        """Return the logits [B, C] of a batch.

        Raises:
            torch.OutOfMemoryError: Not even one clip fits.
        """
        if self._size is None:
            return step(batch)
        rows = torch.arange(len(batch), device=batch.waveform.device)
        while True:
            try:
                parts = torch.split(rows, self._size)
                if len(parts) == 1:
                    return step(batch)
                return torch.cat([step(batch.rows(part)) for part in parts])
            except torch.OutOfMemoryError:
                if self._size == 1:
                    raise
                torch.cuda.empty_cache()
                self._size //= 2
                self._halved += 1

    def facts(self) -> dict[str, int]:
        """Return the size at the end and how often it was halved; empty without one."""
        return {"size": self._size, "halved": self._halved} if self._size else {}


def _timer(model: Model, plan: Plan) -> Callable[[int], float]:
    device = device_of(model)
    spec = model.input

    def seconds(size: int) -> float:
        batch = Batch(
            torch.zeros(size, len(spec.picks), 3, spec.size, spec.size, device=device),
            torch.zeros(size, spec.samples, device=device),
            torch.full((size,), spec.samples, device=device),
        )
        best = float("inf")
        with torch.no_grad(), compute_of(plan.config).autocast(device):
            # The first pass sets up what the others use.
            for _ in range(3):
                torch.cuda.synchronize(device)
                begin = time.perf_counter()
                model.classify(batch)
                torch.cuda.synchronize(device)
                best = min(best, time.perf_counter() - begin)
        return best

    return seconds
