"""``avplug show``: all that is known of one component."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from avplug.cli import console
from avplug.core.components import KINDS, ModelSpec
from avplug.core.errors import AvplugError, UnknownNameError, closest

if TYPE_CHECKING:
    import inspect

    from avplug.core.registry import Entry


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("show")(show)


def describe(entry: Entry) -> dict[str, Any]:
    """Return all that a component states, and its constructor's parameters.

    The parameters need the component itself. If it cannot be imported,
    ``parameters_error`` says why.
    """
    about: dict[str, Any] = {
        "kind": entry.spec.kind,
        "qualified": entry.qualified,
        "provider": entry.provider,
        "version": entry.version,
        "conflict": entry.conflict,
    }
    about |= _fields(entry.spec)
    try:
        target = entry.load()
    except AvplugError as error:
        return {**about, "parameters": None, "parameters_error": str(error)}
    return {**about, "description": _description(target), **_parameters(target)}


def _fields(value: Any) -> dict[str, Any]:
    return {field.name: _value(getattr(value, field.name)) for field in fields(value)}


def _value(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_value(item) for item in value]
    return _fields(value) if is_dataclass(value) else value


def _description(target: Any) -> str:
    import inspect

    return inspect.getdoc(target) or ""


def _parameters(target: Any) -> dict[str, Any]:
    import inspect

    try:
        signature = inspect.signature(target)
    except (TypeError, ValueError) as error:
        return {"parameters": None, "parameters_error": str(error)}
    return {"parameters": [_parameter(p) for p in signature.parameters.values()]}


def _parameter(parameter: inspect.Parameter) -> dict[str, Any]:
    stars = {"VAR_POSITIONAL": "*", "VAR_KEYWORD": "**"}.get(parameter.kind.name, "")
    name = stars + parameter.name
    if parameter.default is not parameter.empty:
        return {"name": name, "default": _shown(parameter.default)}
    return {"name": name, "required": not stars}


def _shown(default: Any) -> Any:
    plain = default is None or isinstance(default, str | int | float | tuple | list)
    return default if plain else repr(default)


def find(kind: str, name: str) -> Entry:
    """Return the component that a user names; a model may be ``name:variant``.

    Raises:
        UnknownNameError: There is none, or it has no such variant.
    """
    from avplug.core.registry import get_registry

    bare, _, variant = name.partition(":") if kind == "model" else (name, "", "")
    entry = get_registry().get(kind, bare)
    variants = entry.spec.variants if isinstance(entry.spec, ModelSpec) else {}
    if variant and variant not in variants:
        raise UnknownNameError(
            f"Model '{bare}' has no variant {variant!r}.{closest(variant, variants)}",
            f"Variants: {', '.join(variants) or 'none'}.",
        )
    return entry


def show(
    kind: Annotated[str, typer.Argument(help=f"One of: {', '.join(KINDS)}.")],
    name: Annotated[str, typer.Argument(help="Its name, or DISTRIBUTION/NAME.")],
    json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Show all that is known of one component."""
    from avplug.cli.kinds import parse_kind

    about = describe(find(parse_kind(kind), name))
    if json:
        console.print_json(about)
        return
    description = about.pop("description", "")
    console.print_table(
        ("FIELD", "VALUE"),
        [row for key, value in about.items() for row in _rows(key, value)],
    )
    if description:
        console.print_line()
        console.print_line(description)


def _rows(key: str, value: Any) -> list[tuple[str, str]]:
    if value is None or value in ("", [], {}):
        return []
    if key == "parameters":
        return [(f"parameter {p['name']}", _default(p)) for p in value]
    if isinstance(value, dict):
        return [(f"{key} {name}", _text(item)) for name, item in value.items()]
    if isinstance(value, list) and isinstance(value[0], dict):
        return [(key, _text(item)) for item in value]
    return [(key, _text(value))]


def _default(parameter: dict[str, Any]) -> str:
    if "default" in parameter:
        return repr(parameter["default"])
    return "(required)" if parameter["required"] else "(any)"


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{k}={_text(v)}" for k, v in value.items() if v != "")
    if isinstance(value, list | tuple):
        return ", ".join(map(_text, value))
    return str(value)
