"""What ``avplug check`` asks of every plugin, as tests."""

from __future__ import annotations

import avplug_tta_tsa

from avplug.testing import parametrize_with_checks


@parametrize_with_checks(avplug_tta_tsa)
def test_conformance(check):
    check()
