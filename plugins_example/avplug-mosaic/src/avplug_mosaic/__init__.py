"""An avplug plugin: picture and sound lose their resolution together."""

from __future__ import annotations

from collections.abc import Sequence

from avplug import CorruptionSpec, hookimpl


@hookimpl
def avplug_corruptions() -> Sequence[CorruptionSpec]:
    """Return the descriptor; the class itself is imported when it is used."""
    return [
        CorruptionSpec(
            "mosaic",
            "avplug_mosaic.mosaic:Mosaic",
            "Square blocks of one colour, held samples",
            category="digital",
            profiles=("paper",),
        )
    ]
