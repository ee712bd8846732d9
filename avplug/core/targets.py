"""From a descriptor's lazy target to the class, with every failure explained."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from avplug.core.components import ComponentSpec
from avplug.core.containment import described
from avplug.core.discovery import is_installed
from avplug.core.errors import AvplugError, MissingExtraError, PluginError


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
