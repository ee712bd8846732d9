"""From a descriptor's lazy target to the class, with every failure explained."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterable
from importlib import import_module
from typing import Any

from avplug.core.components import ComponentSpec
from avplug.core.containment import described
from avplug.core.discovery import is_installed
from avplug.core.errors import (
    AvplugError,
    MissingExtraError,
    PluginError,
    UsageError,
    closest,
)


def load_target(spec: ComponentSpec, provider: str) -> Any:
    """Import what a descriptor names, and check it.

    Args:
        spec: The descriptor.
        provider: Name and version of the distribution, for messages.

    Raises:
        MissingExtraError: A distribution in ``requires`` is not installed.
        PluginError: The target cannot be imported, or breaks the contract.
    """
    who = f"{spec.kind.capitalize()} '{spec.name}' of {provider}"
    missing = [name for name in spec.requires if not is_installed(name)]
    if missing:
        quoted = " ".join(f'"{name}"' for name in missing)
        raise MissingExtraError(
            f"{who} needs {', '.join(missing)}, not installed here.",
            f"Install it with: pip install {quoted}",
        )
    target = _resolve(spec.target, who)
    _check_base(target, spec, who)
    return target


def option_defaults(target: Callable[..., Any]) -> dict[str, Any] | None:
    """Return the options of a constructor with their defaults; None if it takes any."""
    parameters = inspect.signature(target).parameters.values()
    if any(p.kind is p.VAR_KEYWORD for p in parameters):
        return None
    return {p.name: p.default for p in parameters}


def require_options(
    spec: ComponentSpec,
    target: Callable[..., Any],
    options: Collection[str],
    fixed: Iterable[str] = (),
) -> None:
    """Make sure that a component has options of these names.

    Args:
        spec: The descriptor.
        target: What it names, imported.
        options: Names that the user sets.
        fixed: Arguments that the kind prescribes: none of the user's.

    Raises:
        UsageError: There is no such option; the closest one is suggested.
    """
    known = option_defaults(target) if options else None
    for key in options:
        if known is not None and key not in known:
            allowed = sorted(set(known) - {"labels", "model", *fixed})
            raise UsageError(
                f"{spec.kind.capitalize()} '{spec.name}' has no option {key!r}."
                f"{closest(key, allowed)}",
                f"Options: {', '.join(allowed) or 'none'}.",
            )


def _resolve(target: str, who: str) -> Any:
    module_name, _, attribute = target.partition(":")
    try:
        module = import_module(module_name)
    except AvplugError:
        raise
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise PluginError(
            f"{who}: importing {target!r} failed: {described(error)}.",
            "Traceback: repeat it with avplug --debug",
        ) from error
    try:
        return getattr(module, attribute)
    except AttributeError as error:
        raise PluginError(
            f"{who}: module '{module_name}' has no '{attribute}'.",
            f"The target is {target!r}; correct it, or upgrade the plugin.",
        ) from error


def _check_base(target: Any, spec: ComponentSpec, who: str) -> None:
    if not callable(target):
        raise PluginError(
            f"{who}: {spec.target!r} is {target!r:.60}, no class and no callable."
        )
    if not isinstance(target, type):
        return
    if spec.base:
        module, _, name = spec.base.partition(":")
        if not issubclass(target, getattr(import_module(module), name)):
            raise PluginError(
                f"{who}: {spec.target!r} does not derive from {name}.",
                f"Write: class {target.__name__}(avplug.{name})",
            )
    lacking = sorted(getattr(target, "__abstractmethods__", ()))
    if lacking:
        raise PluginError(f"{who}: {spec.target!r} lacks {', '.join(lacking)}.")
