"""The suites that come with avplug, named without importing them."""

from __future__ import annotations

from collections.abc import Iterable

from avplug.core.components import SuiteSpec
from avplug.core.hookspecs import hookimpl


@hookimpl
def avplug_suites() -> Iterable[SuiteSpec]:
    """Return the built-in suites."""
    return (
        SuiteSpec(
            "tta",
            "avplug.builtin_suites.tta:configuration",
            "Every adaptation method x 15 corruptions, severity 5, three seeds",
            paper="arXiv:2506.00358",
        ),
    )
