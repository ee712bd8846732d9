"""The reference page of the names that ``import avplug`` offers."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from enum import Enum
from importlib import import_module
from typing import Any, get_origin


def api() -> str:
    """Return every public name with its signature and docstring."""
    import avplug

    parts = [
        "# Python API\n",
        "The names of `import avplug`, which plugins are written with. They are "
        "imported on first use. [Changes](../changelog.md) tells what a release "
        "changed of them.\n",
    ]
    for home, names in avplug._HOMES.items():
        module = import_module(home)
        summary = (inspect.getdoc(module) or "").splitlines()[0]
        parts.append(f"## {home}\n\n{summary}\n")
        parts += [_entry(name, getattr(avplug, name)) for name in names]
    return "\n".join(parts)


def _entry(name: str, value: Any) -> str:
    heading = f"### {name}\n"
    if isinstance(value, type):
        blocks = [(f"class {_class(name, value)}", value), *_members(value)]
        return "\n".join([heading, *(_block(*block) for block in blocks)])
    if inspect.isfunction(value):
        return f"{heading}\n{_block(f'{name}{_signature(value)}', value)}"
    return f"{heading}\n```text\n{name}{_plain(value)}\n```\n"


def _plain(value: Any) -> str:
    """Return what a constant, or an alias of a type, is equal to."""
    if isinstance(value, str | int):
        return f" = {value!r}"
    if get_origin(value) is None:
        return ""
    return f" = {value!r}".replace("typing.", "").replace("collections.abc.", "")


def _class(name: str, value: type) -> str:
    if issubclass(value, Enum):
        # Python's releases disagree on what an enumeration's call takes.
        return f"{name}({' | '.join(repr(member.value) for member in value)})"
    # A protocol is not called, it is met.
    called = not getattr(value, "_is_protocol", False)
    return name + (_signature(value) if called else "")


class _Bare:
    """An annotation that is shown without quotes."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text


def _signature(value: Any) -> str:
    found = inspect.signature(value)
    plain = [
        each.replace(annotation=_bare(each.annotation))
        for each in found.parameters.values()
    ]
    returns = _bare(found.return_annotation)
    return str(found.replace(parameters=plain, return_annotation=returns))


def _bare(annotation: Any) -> Any:
    return _Bare(annotation) if isinstance(annotation, str) else annotation


def _members(owner: type) -> Iterator[tuple[str, Any]]:
    """Yield the public methods and properties that a class defines and describes.

    What a protocol's objects are called with is what it is about.
    """
    protocol = getattr(owner, "_is_protocol", False)
    for name, member in vars(owner).items():
        if name.startswith("_") and not (protocol and name == "__call__"):
            continue
        plain = getattr(member, "__func__", member)
        if isinstance(plain, property) and plain.__doc__:
            yield f"{owner.__name__}.{name}", plain
        elif inspect.isfunction(plain) and plain.__doc__:
            yield f"{owner.__name__}.{name}{_signature(plain)}", plain


def _block(title: str, value: Any) -> str:
    text = inspect.getdoc(value) or ""
    return f"```text\n{title}\n\n{text}".rstrip() + "\n```\n"
