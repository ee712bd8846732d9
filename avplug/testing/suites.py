"""Checks of a suite: a configuration that a run can read."""

from __future__ import annotations

from collections.abc import Mapping

from avplug.bench.config import from_data
from avplug.core.errors import UsageError
from avplug.testing.checks import Subject, Violation, promise, require


@promise("suite")
def configuration(subject: Subject) -> str:
    """Its target returns a mapping whose keys and values a run's configuration has."""
    told = subject.make()
    require(isinstance(told, Mapping), f"it returned {type(told).__name__}")
    try:
        from_data(dict(told), f"suite {subject.spec.name}")
    except UsageError as error:
        raise Violation(str(error)) from error
    return ", ".join(sorted(told))
