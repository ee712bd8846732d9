"""An avplug plugin: TSA, test-time adaptation of the sense that needs it."""

from __future__ import annotations

from collections.abc import Sequence

from avplug import AdaptationSpec, hookimpl


@hookimpl
def avplug_adaptations() -> Sequence[AdaptationSpec]:
    """Return the descriptor; torch is imported when the method is used.

    ``encode`` means that a model's encoders and its fusion can be run apart. The plan
    skips a model without it, and says why.
    """
    return [
        AdaptationSpec(
            "tsa",
            "avplug_tta_tsa.tsa:TSA",
            "TSA: a router picks the sense whose tokens are adapted",
            paper="https://openreview.net/forum?id=6EZMWeV5sH",
            needs=("encode",),
        )
    ]
