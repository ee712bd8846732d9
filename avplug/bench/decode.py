"""Plain data to frozen dataclasses: every fault is told, nothing is coerced."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping
from typing import Any, Literal, TypeVar, get_args, get_origin

from avplug.core.errors import UsageError, closest

T = TypeVar("T")


def decode(kind: type[T], data: Mapping[str, Any], origin: str) -> T:
    """Return ``kind`` made of ``data``.

    Unknown keys and wrong types are refused, all in one error with dotted paths.
    ``True`` is no int, an int is a float, a list becomes a tuple, and a string is
    never a sequence.

    Args:
        kind: A dataclass whose fields are scalars, tuples, mappings, ``Literal`` or
            such with None.
        data: As read from TOML, YAML or JSON.
        origin: Where the data is from; begins every message.

    Raises:
        UsageError: Something does not fit.
    """
    faults: list[str] = []
    hints = typing.get_type_hints(kind)
    fields = {f.name for f in dataclasses.fields(kind)}  # type: ignore[arg-type]
    values = {}
    for key, value in data.items():
        if key not in fields:
            suggestion = closest(key, fields) or f" Keys: {', '.join(sorted(fields))}."
            faults.append(f"{key} is unknown.{suggestion}")
            continue
        try:
            values[key] = _value(hints[key], value, key)
        except _FaultError as fault:
            faults.append(str(fault))
    if faults:
        raise UsageError("\n".join(f"{origin}: {fault}" for fault in faults))
    return kind(**values)


class _FaultError(Exception):
    pass


_NAMES = {str: "text", int: "a whole number", float: "a number", bool: "true or false"}


def _value(kind: Any, value: Any, path: str) -> Any:
    origin = get_origin(kind)
    if origin in (types.UnionType, typing.Union):
        if value is None:
            return None
        (kind,) = [k for k in get_args(kind) if k is not types.NoneType]
        return _value(kind, value, path)
    if origin is Literal:
        if value not in get_args(kind):
            choices = ", ".join(map(repr, get_args(kind)))
            raise _FaultError(f"{path} is {value!r}; allowed: {choices}.")
        return value
    if origin is tuple:
        if not isinstance(value, list | tuple):
            raise _FaultError(f"{path} is {value!r}; write a list: [{value!r}].")
        item = get_args(kind)[0]
        return tuple(_value(item, v, f"{path}[{i}]") for i, v in enumerate(value))
    if origin is not None and issubclass(origin, Mapping):
        if not isinstance(value, Mapping):
            raise _FaultError(f"{path} is {value!r}; write a table of keys and values.")
        item = get_args(kind)[1]
        return {k: _value(item, v, f"{path}.{k}") for k, v in value.items()}
    if kind is Any:
        return value
    if kind is float and type(value) is int:
        return float(value)
    if type(value) is not kind:
        raise _FaultError(f"{path} is {value!r}; expected {_NAMES[kind]}.")
    return value
