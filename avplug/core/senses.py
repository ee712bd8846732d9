"""Which senses a model uses, and what it cannot offer where it lacks one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from avplug.core.components import MODALITIES
from avplug.core.errors import UsageError

if TYPE_CHECKING:
    from avplug.core.components import ModelSpec
    from avplug.core.model import Model

#: Capabilities that say something of each sense, or of how both are joined.
_OF_BOTH = frozenset(
    {"norm_unimodal", "fusion_attention", "unimodal", "late-fusion", "time", "localise"}
)

#: What is said of a model that leaves out a sense.
ONLY = {"a": "only hears", "v": "only sees"}
#: The signals by their letters.
SIGNALS = {"a": "sound", "v": "picture"}


def lacking_signal(modalities: str) -> str:
    """Return what a model of one sense gets nothing from: ``sound`` or ``picture``."""
    (sense,) = {*SIGNALS} - {*modalities}
    return SIGNALS[sense]


def modalities_of(spec: ModelSpec, model: Model) -> str:
    """Return the senses that a model's answer depends on: ``av``, ``a`` or ``v``.

    What the model says of itself, else what its descriptor says.

    Raises:
        UsageError: The model says something else.
    """
    own = model.modalities
    if own is None:
        return spec.modalities
    if own not in MODALITIES:
        raise UsageError(
            f"{type(model).__name__}.modalities of model '{spec.name}' is {own!r:.80}.",
            f"Possible: {', '.join(MODALITIES)}; None for what its descriptor says.",
        )
    return own


def capabilities_of(spec: ModelSpec, model: Model) -> tuple[str, ...]:
    """Return what methods may ask a model for.

    What its descriptor claims, without what needs two senses of a model of one.

    Raises:
        UsageError: As :func:`modalities_of`.
    """
    both = modalities_of(spec, model) == "av"
    return tuple(name for name in spec.capabilities if both or name not in _OF_BOTH)
