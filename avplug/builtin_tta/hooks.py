"""The adaptation methods that come with avplug, named without importing them."""

from __future__ import annotations

from collections.abc import Iterable

from avplug.core.components import AdaptationSpec
from avplug.core.hookspecs import hookimpl


@hookimpl
def avplug_adaptations() -> Iterable[AdaptationSpec]:
    """Return the built-in test-time adaptation methods."""
    return (
        AdaptationSpec(
            "source",
            "avplug.builtin_tta.source:Source",
            "No adaptation: the model as it was trained",
            stateful=False,
        ),
        AdaptationSpec(
            "tent",
            "avplug.builtin_tta.tent:Tent",
            "TENT: entropy minimisation on the normalisation layers",
            paper="arXiv:2006.10726",
            needs=("norm", "gradient"),
        ),
        AdaptationSpec(
            "av2c",
            "avplug.builtin_tta.av2c:AV2C",
            "AV2C: weighted entropy of reliable, diverse clips on the joint attention",
            paper="arXiv:2506.00358",
            needs=("fusion_attention", "encode"),
        ),
    )
