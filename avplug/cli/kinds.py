"""Kinds of components as users write them: singular, plural, or short."""

from __future__ import annotations

from collections.abc import Iterable

from avplug.core.components import KINDS
from avplug.core.errors import UnknownNameError, closest

_WORDS = {
    **{kind: kind for kind in KINDS},
    **{f"{kind}s": kind for kind in KINDS},
    "tta": "adaptation",
}


def parse_kind(word: str, kinds: Iterable[str] = KINDS) -> str:
    """Return the kind that a word means.

    Args:
        word: Singular, plural or short.
        kinds: Those to choose from, for who mistypes one.

    Raises:
        UnknownNameError: It means none.
    """
    kind = _WORDS.get(word.lower())
    if kind is None:
        raise UnknownNameError(
            f"Unknown kind {word!r}.{closest(word, _WORDS)}",
            f"Kinds: {', '.join(kinds)}.",
        )
    return kind
