"""For authors of plugins: the checks of ``avplug check`` as tests of their own.

Example::

    # tests/test_conformance.py
    import avplug_fog
    from avplug.testing import parametrize_with_checks

    @parametrize_with_checks(avplug_fog)
    def test_conformance(check):
        check()
"""

from __future__ import annotations

from avplug.testing.authors import parametrize_with_checks
from avplug.testing.checks import (
    Check,
    NotApplicable,
    Outcome,
    Subject,
    Violation,
    checks_of,
    run_check,
)

__all__ = [
    "Check",
    "NotApplicable",
    "Outcome",
    "Subject",
    "Violation",
    "checks_of",
    "parametrize_with_checks",
    "run_check",
]
