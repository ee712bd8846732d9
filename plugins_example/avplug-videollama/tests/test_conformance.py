"""The promises that avplug asks of every model."""

from __future__ import annotations

import avplug_videollama

from avplug.testing import parametrize_with_checks

(SPEC,) = avplug_videollama.avplug_models()
DEAF = SPEC.variants["tiny-videollama3"]


@parametrize_with_checks(avplug_videollama)
def test_conformance(check):
    check()


@parametrize_with_checks(avplug_videollama, options={"videollama": DEAF})
def test_conformance_of_the_model_that_does_not_hear(check):
    check()
