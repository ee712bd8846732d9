"""HTML and SVG built so that text from data can never become markup."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import TypeAlias

_VOID = {"meta", "br", "hr", "col", "img"}


class Markup(str):
    """Text that is markup already; plain ``str`` is escaped."""

    __slots__ = ()


Child: TypeAlias = "str | Iterable[Child] | None"
Attribute: TypeAlias = "str | int | float | bool | None"


def tag(name: str, /, *children: Child, **attributes: Attribute) -> Markup:
    """Return an element; children and attribute values are escaped.

    Args:
        name: Of the element.
        children: Text, markup, iterables of them; None is left out.
        attributes: ``class_`` and ``aria_label`` become ``class`` and ``aria-label``;
            True gives a bare attribute, False and None none.
    """
    start = name + "".join(_attribute(k, v) for k, v in attributes.items())
    if name in _VOID:
        return Markup(f"<{start}>")
    return Markup(f"<{start}>{join(children)}</{name}>")


def join(children: Child) -> Markup:
    """Return children one after the other as markup."""
    if children is None:
        return Markup("")
    if isinstance(children, Markup):
        return children
    if isinstance(children, str):
        return Markup(escape(children, quote=False))
    return Markup("".join(join(child) for child in children))


def _attribute(name: str, value: Attribute) -> str:
    if value is None or value is False:
        return ""
    name = name.rstrip("_").replace("_", "-")
    if value is True:
        return f" {name}"
    shown = (
        f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else value
    )
    return f' {name}="{escape(str(shown))}"'
