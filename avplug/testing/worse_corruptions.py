"""Checks of a corruption: each severity spoils more than the one before."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from avplug.core.clip import Clip
from avplug.core.corruption import SEVERITIES
from avplug.testing.checks import NotApplicable, Subject, Violation, left_to, promise
from avplug.testing.clips import clip
from avplug.testing.corruptions import applied
from avplug.testing.robust_corruptions import shape_and_dtype


@runtime_checkable
class MeasuresItself(Protocol):
    """A corruption whose harm is not seen by comparing samples, such as a delay."""

    def distortion(self, clean: Clip, spoilt: Clip) -> tuple[float, float]:
        """Return how badly picture and sound are spoilt; both grow with severity."""


@promise("corruption")
def worse_picture(subject: Subject) -> str:
    """Each severity spoils the picture more than the one before."""
    with left_to(subject, shape_and_dtype):
        return _grows(subject, "frames", 0)


@promise("corruption")
def worse_sound(subject: Subject) -> str:
    """Each severity spoils the sound more than the one before."""
    with left_to(subject, shape_and_dtype):
        return _grows(subject, "audio", 1)


def _grows(subject: Subject, track: str, place: int) -> str:
    component, name = subject.make(), subject.spec.name
    # What depends on other frames, such as an outage, shows in two seconds of them.
    count = 50 if component.whole_clip else 2
    sources = [clip(subject.seed + i, count=count) for i in range(4)]
    tables: dict[str, list[float]] = {}
    for severity in SEVERITIES:
        found: dict[str, list[float]] = {}
        for source in sources:
            spoilt = applied(component, name, source, severity, subject.seed)
            if isinstance(component, MeasuresItself):
                measured = component.distortion(source, spoilt)[place]
                found.setdefault("its own measure", []).append(measured)
                continue
            before, after = getattr(source, track), getattr(spoilt, track)
            for measure, function in _MEASURES.items():
                found.setdefault(measure, []).append(function(before, after))
        for measure, values in found.items():
            tables.setdefault(measure, []).append(float(np.mean(values)))
    if not any(map(any, tables.values())):
        raise NotApplicable(f"it leaves {track} as they are at every severity")
    for measure, values in tables.items():
        if (np.diff([0.0, *values]) > 0).all():
            return f"{measure}: {_row(values)}"
    shown = "; ".join(f"{measure} {_row(values)}" for measure, values in tables.items())
    raise Violation(f"severities 1 to 5 do not grow: {shown}")


def _row(values: list[float]) -> str:
    return " ".join(f"{value:.3g}" for value in values)


def _difference(before: NDArray[Any], after: NDArray[Any]) -> float:
    change = np.asarray(after, np.float64) - before
    return float(np.sqrt(np.mean(np.square(change))))


def _structure(before: NDArray[Any], after: NDArray[Any]) -> float:
    """One minus the mean correlation of small pieces: blind to shifts and gains."""
    if before.ndim == 4:
        pieces = [_tiles(np.asarray(a, np.float64).mean(3)) for a in (before, after)]
    else:
        usable = before.shape[1] // 256 * 256
        pieces = [
            np.asarray(a, np.float64)[:, :usable].reshape(-1, 256)
            for a in (before, after)
        ]
    one, two = (piece - piece.mean(1, keepdims=True) for piece in pieces)
    if np.array_equal(one, two):
        return 0.0
    power = np.sqrt((one**2).sum(1) * (two**2).sum(1))
    return float(1 - np.mean((one * two).sum(1) / np.maximum(power, 1e-12)))


def _tiles(grey: NDArray[np.float64]) -> NDArray[np.float64]:
    count, height, width = grey.shape
    high, wide = height // 8, width // 8
    cut = grey[:, : high * 8, : wide * 8].reshape(count, high, 8, wide, 8)
    return cut.transpose(0, 1, 3, 2, 4).reshape(-1, 64)


_MEASURES = {"difference (RMS)": _difference, "lost structure": _structure}
