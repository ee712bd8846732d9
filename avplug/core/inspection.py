"""Checks of a loaded plugin that pluggy does not make, each with its own sentence."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from types import FunctionType, MethodType, ModuleType
from typing import Any

from avplug.core.components import ComponentSpec
from avplug.core.errors import PluginError, closest
from avplug.core.hookspecs import HOOK_API_VERSION

#: What a module with hooks must not import: every command would wait for it.
HEAVY = (
    *("torch", "numpy", "scipy", "cv2", "av", "PIL", "soundfile", "transformers"),
    *("matplotlib", "pandas", "pydantic", "sklearn", "mlflow", "ray"),
)

_PREFIX = "avplug_"
_MARK = "avplug_impl"
_FUNCTIONS = (FunctionType, MethodType, staticmethod, classmethod)


def heavy_modules() -> set[str]:
    """Return which of :data:`HEAVY` this process has imported."""
    return {name for name in HEAVY if name in sys.modules}


def needs_newer_host(plugin: object) -> int:
    """Return the plugin API that the plugin needs, or 0 if this one is enough.

    Raises:
        PluginError: The stated version is no integer.
    """
    stated = getattr(plugin, "avplug_api", HOOK_API_VERSION)
    if not isinstance(stated, int) or isinstance(stated, bool):
        raise PluginError(f"states avplug_api = {stated!r}, which is no integer.")
    return stated if stated > HOOK_API_VERSION else 0


def hooks_of(plugin: object, known: Iterable[str]) -> tuple[list[str], list[str]]:
    """Return the hooks that a plugin implements, and warnings on unknown ones.

    Raises:
        PluginError: It is a class, forgot a marker, or wraps a hook.
    """
    if isinstance(plugin, type):
        raise PluginError(
            f"registers the class {plugin.__name__}.",
            f"Register an instance: {plugin.__name__}() (forgot the '()'?)",
        )
    known = set(known)
    hooks: list[str] = []
    notes: list[str] = []
    for name, function, options in _functions(plugin):
        if options is None:
            if name.startswith(_PREFIX):
                raise PluginError(
                    f"defines {name} without @hookimpl.",
                    f"Mark it (from avplug import hookimpl), or rename it: names "
                    f"that begin with '{_PREFIX}' are hooks.",
                )
            continue
        if options.get("wrapper") or options.get("hookwrapper"):
            raise PluginError(
                f"declares {name} as a wrapper.",
                "avplug calls each implementation by itself; return a value instead.",
            )
        hook = options.get("specname") or name
        if not name.startswith(_PREFIX):
            raise PluginError(
                f"marks {function.__qualname__} with @hookimpl.",
                f"Hooks have names that begin with '{_PREFIX}'.",
            )
        hooks.append(hook)
        if hook not in known:
            notes.append(f"avplug has no hook '{hook}'.{closest(hook, sorted(known))}")
    return sorted(hooks), notes


def _functions(plugin: object) -> Iterator[tuple[str, Any, dict[str, Any] | None]]:
    """Yield name, function and marker, without running properties."""
    for name, value in _attributes(plugin).items():
        if isinstance(value, _FUNCTIONS):
            function = getattr(value, "__func__", value)
            mark = getattr(value, _MARK, None) or getattr(function, _MARK, None)
            yield name, function, mark


def _attributes(plugin: object) -> dict[str, Any]:
    if isinstance(plugin, ModuleType):
        return vars(plugin)
    found: dict[str, Any] = {}
    for owner in reversed(type(plugin).__mro__):
        found.update(vars(owner))
    return {**found, **getattr(plugin, "__dict__", {})}


def check_components(
    hook: str, items: Iterable[object], expected: type[ComponentSpec]
) -> tuple[ComponentSpec, ...]:
    """Consume what a registration hook returned; each item a descriptor of its kind.

    Raises:
        PluginError: Something else was returned, or one name twice.
    """
    if isinstance(items, ComponentSpec) or not isinstance(items, Iterable):
        raise PluginError(
            f"returned {type(items).__name__} from {hook}.",
            f"Return a list of {expected.__name__}.",
        )
    specs: list[ComponentSpec] = []
    seen: set[str] = set()
    for item in items:
        if not isinstance(item, expected):
            raise PluginError(
                f"returned {item!r:.80} from {hook}.",
                f"Each item must be a {expected.__name__}.",
            )
        for name in dict.fromkeys((item.name, *item.aliases)):
            if name in seen:
                raise PluginError(f"returned the name '{name}' twice from {hook}.")
            seen.add(name)
        specs.append(item)
    return tuple(specs)
