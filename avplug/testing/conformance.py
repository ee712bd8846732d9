"""Checks a whole plugin: its distribution statically, each component by behaviour."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from avplug.core import discovery
from avplug.core.errors import UnknownNameError, UsageError, closest
from avplug.core.manager import PluginManager
from avplug.core.records import PluginSettings
from avplug.testing.checks import Outcome, checks_of
from avplug.testing.isolation import WorkerDiedError, WorkerHungError, answers
from avplug.testing.projects import installed_from, not_installed
from avplug.testing.static import of_loading, of_metadata


@dataclass(frozen=True, slots=True)
class Plugin:
    """A plugin to check.

    Args:
        argument: What the user called it.
        name: Its provider.
        distributions: Those to load; none for a file or module.
        extra: Files and modules to load.
    """

    argument: str
    name: str
    distributions: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()

    @property
    def builtin(self) -> bool:
        """Whether it is avplug itself."""
        return self.name == discovery.BUILTIN

    def job(self, **more: Any) -> dict[str, Any]:
        """Return a job for the worker."""
        return {
            "name": self.name,
            "builtin": self.builtin,
            "distributions": list(self.distributions),
            "extra": list(self.extra),
            **more,
        }


def find(argument: str) -> Plugin:
    """Return the plugin that a distribution, entry point, file or folder names.

    Nothing of it is imported.

    Raises:
        UnknownNameError: Nothing of this name is installed.
        UsageError: There is no such file, or a folder that is not installed.
    """
    name = discovery.normalise(argument)
    if name == discovery.BUILTIN:
        return Plugin(argument, name)
    if argument.endswith(".py"):
        return Plugin(
            argument, discovery.explicit(argument).distribution, (), (argument,)
        )
    installed = discovery.installed()
    for candidate in installed:
        if name in (candidate.distribution, discovery.normalise(candidate.entry_point)):
            own = candidate.distribution
            return Plugin(argument, own, (own,))
    if Path(argument).is_dir():
        own = installed_from(Path(argument))
        return Plugin(argument, own, (own,))
    if Path(argument).is_file():
        raise not_installed(Path(argument))
    names = sorted({candidate.distribution for candidate in installed})
    raise UnknownNameError(
        f"No installed plugin is called {argument!r}.{closest(argument, names)}",
        f"Installed: {', '.join(names) or 'none'}. A file is given as FILE.py.",
    )


def installed() -> list[Plugin]:
    """Return all plugins of installed distributions."""
    names = dict.fromkeys(each.distribution for each in discovery.installed())
    return [Plugin(name, name, (name,)) for name in names]


def check(
    plugin: Plugin,
    *,
    select: str = "",
    seed: int = 0,
    options: Mapping[str, Mapping[str, Any]] | None = None,
    limit: float = 60.0,
) -> Iterator[Outcome]:
    """Yield what comes of each check, as it comes.

    Args:
        plugin: From :func:`find`.
        select: Words that must all appear in ``component check``; globs are possible.
        seed: Of everything random in the checks.
        options: Constructor's options by component name.
        limit: Seconds that loading, and each check, may take.

    Raises:
        UsageError: A component has no option that is given for it.
    """
    known = options or {}
    for outcome in _all(plugin, _chosen(select), seed, known, limit):
        if _chosen(select)(outcome.component, outcome.check):
            yield replace(outcome, repeat=_command(plugin, outcome, seed, known))


def _command(
    plugin: Plugin, outcome: Outcome, seed: int, options: Mapping[str, Any]
) -> str:
    words = ["avplug", "check", plugin.argument]
    words += ["-k", f"{outcome.component} {outcome.check}", "--seed", str(seed)]
    name = outcome.component.partition(":")[2]
    for key, value in options.get(name, {}).items():
        words += ["-o", f"{name}.{key}={value}"]
    return shlex.join(words)


def _chosen(select: str) -> Callable[[str, str], bool]:
    words = select.split()

    def chosen(component: str, check: str) -> bool:
        fields = component, check
        return all(
            any(word in field or fnmatchcase(field, word) for field in fields)
            for word in words
        )

    return chosen


def _all(
    plugin: Plugin,
    chosen: Callable[[str, str], bool],
    seed: int,
    options: Mapping[str, Mapping[str, Any]],
    limit: float,
) -> Iterator[Outcome]:
    if plugin.distributions:
        yield from of_metadata(discovery.metadata(plugin.name))
    try:
        (answer,) = answers(plugin.job(task="load"), limit)
    except (WorkerHungError, WorkerDiedError) as error:
        yield Outcome("static/loads", plugin.name, "fail", f"while it loads: {error}")
        return
    report = answer["report"]
    yield from of_loading(plugin.name, report, _taken(plugin), bool(plugin.extra))
    specs = [spec for record in report["records"] for spec in record["components"]]
    wanted = [
        (label, each)
        for spec in specs
        for label in [f"{spec['kind']}:{spec['name']}"]
        for each in ("static/target", *(c.id for c in checks_of(spec["kind"])))
        if chosen(label, each)
    ]
    yield from _behaviour(
        plugin.job(task="check", seed=seed, options=options), wanted, limit
    )


def _taken(plugin: Plugin) -> dict[tuple[str, str], str]:
    """Return what avplug itself provides; it is enough to keep clear of that."""
    if plugin.builtin:
        return {}
    manager = PluginManager(PluginSettings(no_plugins=True))
    return {
        (spec.kind, name): record.distribution
        for record in manager.records
        for spec in record.components
        for name in (spec.name, *spec.aliases)
    }


def _behaviour(
    job: Mapping[str, Any], wanted: Sequence[tuple[str, str]], limit: float
) -> Iterator[Outcome]:
    """Yield outcomes; what hangs or ends the worker costs its own check only.

    Raises:
        UsageError: A component has no option that is given for it.
    """
    left = list(wanted)
    while left:
        current, seconds = left[0], limit
        try:
            for answer in answers({**job, "checks": left}, seconds):
                if "start" in answer:
                    current = tuple(answer["start"])
                elif "refused" in answer:
                    raise UsageError(*answer["refused"])
                elif "outcome" in answer:
                    outcome = Outcome(**answer["outcome"])
                    left.remove((outcome.component, outcome.check))
                    yield outcome
            # What is left has no target to be run on: its outcome is told.
            return
        except WorkerHungError:
            problem = f"took more than {limit:g} s"
        except WorkerDiedError as error:
            problem = str(error)
        component, check_id = current
        yield Outcome(check_id, component, "fail", problem)
        if check_id == "static/target":
            left = [pair for pair in left if pair[0] != component]
        else:
            left.remove((component, check_id))
