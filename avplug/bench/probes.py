"""What is looked at while a method adapts: time, memory, collapse, attention.

None of it changes a prediction. Entropies are in nats.
"""

from __future__ import annotations

import math
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from avplug.core.attention import block_attention
from avplug.core.batch import Batch
from avplug.core.model import Model, ShowsJointAttention

#: Share of the old value in the moving average that collapse is measured against.
_MOMENTUM = 0.9


class Stopwatch:
    """Seconds of several activities, the device's pending work included."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self.seconds: dict[str, float] = {}

    @contextmanager
    def of(self, name: str) -> Iterator[None]:
        """Add the time of the block to an activity."""
        self._settle()
        begin = time.perf_counter()
        yield
        self._settle()
        spent = time.perf_counter() - begin
        self.seconds[name] = self.seconds.get(name, 0.0) + spent

    def _settle(self) -> None:
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)


class Memory:
    """The highest use of memory since it was made, in bytes.

    On CUDA what torch allocated on the device at most. Elsewhere by how much the peak
    resident set of the process grew: 0 where an earlier cell had needed as much, and
    on Windows, which does not tell.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._before = _peak_resident()
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(device)

    def facts(self) -> dict[str, Any]:
        """Return the bytes, and how they were measured."""
        if self._device.type == "cuda":
            peak = torch.cuda.max_memory_allocated(self._device)
            return {"bytes": peak, "measure": "cuda max_memory_allocated"}
        grown = _peak_resident() - self._before
        return {"bytes": grown, "measure": "growth of the peak resident set"}


def _peak_resident() -> int:
    if sys.platform == "win32":
        return 0
    import resource

    # Kilobytes on Linux, bytes on macOS.
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


class CollapseWatch:
    """Whether a method comes to answer with few classes, whatever it is shown.

    Takes the entropy of softmax(mean logits) of each batch, which falls as answers
    become one (ASR, ICLR 2026), and the histogram of the predicted classes.
    """

    def __init__(self) -> None:
        self._best: list[NDArray[np.int64]] = []
        self._entropies: list[float] = []

    def see(self, logits: NDArray[np.float32]) -> None:
        """Take the logits [B, C] of the next batch; rows that are finite."""
        mean = logits.mean(0, dtype=np.float64)
        weights = np.exp(mean - mean.max())
        self._entropies.append(entropy(weights / weights.sum()))
        self._best.append(logits.argmax(1))

    def facts(self) -> dict[str, Any]:
        """Return what a record keeps.

        ``distinct`` classes and ``histogram_entropy`` of all predictions and of those
        in the last quarter of the batches; ``batch_entropy``: its mean in the first and
        in the last quarter, and the lowest ratio to its moving average, with the batch.
        """
        if not self._best:
            return {}
        quarter = -(-len(self._best) // 4)
        last = np.concatenate(self._best[-quarter:])
        ratio, batch = self._lowest()
        return {
            **_histogram(np.concatenate(self._best)),
            "last_quarter": _histogram(last),
            "batch_entropy": {
                "first_quarter": float(np.mean(self._entropies[:quarter])),
                "last_quarter": float(np.mean(self._entropies[-quarter:])),
                "lowest_to_average": ratio,
                "at_batch": batch,
            },
        }

    def _lowest(self) -> tuple[float, int]:
        average = self._entropies[0]
        ratios = []
        for value in self._entropies:
            ratios.append(value / average if average > 0 else 1.0)
            average = _MOMENTUM * average + (1 - _MOMENTUM) * value
        batch = int(np.argmin(ratios))
        return ratios[batch], batch


def _histogram(classes: NDArray[np.int64]) -> dict[str, Any]:
    counts = np.array(list(Counter(classes.tolist()).values()), np.float64)
    return {
        "distinct": len(counts),
        "histogram_entropy": entropy(counts / counts.sum()),
    }


def entropy(probabilities: Sequence[float] | NDArray[np.float64]) -> float:
    """Return -sum p ln p of probabilities [C]; 0 ln 0 is 0."""
    return -math.fsum(p * math.log(p) for p in probabilities if p > 0)


class AttentionWatch:
    """Attention between the senses at the batches 0, n, 2n and so on.

    Args:
        model: Looked at as it is just before the batch.
        every: n; 0 for never.
    """

    def __init__(self, model: Model, every: int) -> None:
        self._model = model
        self._every = every
        self._batches = 0
        self._found: list[dict[str, Any]] = []

    def see(self, batch: Batch) -> None:
        """Look, if it is time."""
        model, number = self._model, self._batches
        self._batches += 1
        due = self._every and number % self._every == 0
        if not (due and isinstance(model, ShowsJointAttention)):
            return
        with torch.no_grad():
            blocks = block_attention(model.joint_attention(model.encode(batch)))
        self._found.append(
            {
                "batch": number,
                "means": blocks.means.tolist(),
                "masses": blocks.masses.tolist(),
            }
        )

    def facts(self) -> dict[str, Any]:
        """Return what a record keeps: unit, and what was seen at which batch."""
        if not self._found:
            return {}
        return {"unit": "block mean x 1e4; rows query, audio first", "at": self._found}
