"""What ``avplug check`` asks of every plugin, as tests."""

from __future__ import annotations

import avplug_mosaic

from avplug.testing import parametrize_with_checks


@parametrize_with_checks(avplug_mosaic)
def test_conformance(check):
    check()
