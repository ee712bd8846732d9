"""The promises that avplug asks of every model."""

from __future__ import annotations

import avplug_videollama

from avplug.testing import parametrize_with_checks


@parametrize_with_checks(avplug_videollama)
def test_conformance(check):
    check()
