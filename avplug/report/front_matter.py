"""The YAML between two lines of dashes that heads a model card.

Every text is double-quoted with escapes, so that nothing in it can be taken for more
than text, by a reader of YAML 1.1 or 1.2. Needs no library.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_SHORT = {'"': r"\"", "\\": r"\\", "\n": r"\n", "\t": r"\t"}


def front_matter(data: Mapping[str, Any]) -> str:
    """Return mappings, lists, texts, numbers, truths and None as front matter.

    Lone surrogates, which no UTF-8 has, become U+FFFD.
    """
    return "\n".join(["---", *_lines(data), "---"]) + "\n"


def _lines(value: Any) -> Iterator[str]:
    """Yield a value as lines; what is within it is indented."""
    if isinstance(value, Mapping) and value:
        for key, item in value.items():
            yield from _under(f"{_text(str(key))}:", item)
    elif isinstance(value, Sequence) and not isinstance(value, str) and value:
        for item in value:
            first, *rest = _lines(item)
            yield f"- {first}"
            yield from (f"  {line}" for line in rest)
    else:
        yield _scalar(value)


def _under(head: str, value: Any) -> Iterator[str]:
    lines = list(_lines(value))
    if isinstance(value, Mapping | list | tuple) and value:
        yield head
        yield from (f"  {line}" for line in lines)
    else:
        yield f"{head} {lines[0]}"


def _scalar(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case int():
            return str(value)
        case float():
            return _number(value)
        case str():
            return _text(value)
    return "{}" if isinstance(value, Mapping) else "[]"


def _number(value: float) -> str:
    if math.isnan(value):
        return ".nan"
    if math.isinf(value):
        return ".inf" if value > 0 else "-.inf"
    digits, exponent, power = repr(value).partition("e")
    # Without a point YAML 1.1 takes it for text.
    return f"{digits if '.' in digits else digits + '.0'}{exponent}{power}"


def _text(value: str) -> str:
    return f'"{"".join(map(_character, value))}"'


def _character(char: str) -> str:
    if char in _SHORT:
        return _SHORT[char]
    if char.isprintable():
        return char
    code = ord(char)
    if 0xD800 <= code <= 0xDFFF:
        return "\N{REPLACEMENT CHARACTER}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
