"""Whether the values of a dataclass are what the annotations of its fields state.

Descriptors are written by others and read by every verb: a value of another type is
refused where it is given, not wherever it is first used.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from functools import cache
from typing import Any

Check = Callable[[Any], bool]

_PLAIN: dict[str, Check] = {
    "Any": lambda value: True,
    "bool": lambda value: isinstance(value, bool),
    "int": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "str": lambda value: isinstance(value, str),
}


def check_fields(value: Any) -> None:
    """Check the fields of a dataclass whose annotations are strings.

    ``str``, ``int``, ``bool``, ``tuple[X, ...]`` (or a list), ``Mapping[str, X]`` and
    names of classes are understood.

    Raises:
        TypeError: A value is of another type.
    """
    kind: type = type(value)
    for name, annotation, check in _checks(kind):
        given = getattr(value, name)
        if not check(given):
            raise TypeError(
                f"{type(value).__name__}({name}=...) is no {annotation}, but of type"
                f" {type(given).__name__}"
            )


@cache
def _checks(kind: type) -> list[tuple[str, str, Check]]:
    return [(f.name, str(f.type), _check(str(f.type))) for f in fields(kind)]


def _check(annotation: str) -> Check:
    outer, _, inner = annotation.removesuffix("]").partition("[")
    if outer == "tuple":
        item = _check(inner.removesuffix(", ..."))
        return lambda value: isinstance(value, tuple | list) and all(map(item, value))
    if outer == "Mapping":
        item = _check(inner.removeprefix("str, "))
        return lambda value: (
            isinstance(value, Mapping)
            and all(isinstance(key, str) for key in value)
            and all(map(item, value.values()))
        )
    return _PLAIN.get(outer) or (
        lambda value: any(kind.__name__ == outer for kind in type(value).__mro__)
    )
