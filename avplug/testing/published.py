"""Checks of published results: numbers that can be read, with where they stand."""

from __future__ import annotations

import math

from avplug.core.published import PublishedResults
from avplug.testing.checks import Subject, promise, require


@promise("published")
def numbers(subject: Subject) -> str:
    """Its target returns results: finite numbers, each with its place in the source."""
    told = subject.make()
    kind = type(told).__name__
    require(isinstance(told, PublishedResults), f"it is {kind}, no PublishedResults")
    for number in told.numbers:
        place = f"{number.place!r}, {number.dataset!r}, {number.model!r}"
        require(math.isfinite(number.value), f"{place}: the value is {number.value}")
        require(number.place.strip(), f"{place}: it does not say where it stands")
        require(number.metric.strip(), f"{place}: it does not say what it measures")
    return f"{len(told.numbers)} numbers"
