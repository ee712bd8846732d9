"""The plugin manager: discovers, orders, isolates and records plugins.

Plugins are loaded in this order:

1. The built-ins, from a tuple of module names; nothing switches them off.
2. ``--no-plugins`` or ``AVPLUG_NO_PLUGINS=1`` ends it here.
3. Installed distributions with entry points in the group ``avplug``, sorted by name,
   without those that ``AVPLUG_LOAD_PLUGINS`` (only these distributions),
   ``AVPLUG_DISABLE_PLUGINS`` (distributions or entry points) and ``avplug plugins
   disable`` keep out unimported.
4. Files and modules given by ``--plugin``, in the order given.

Each plugin, and each of its hooks, is called by itself: one that raises loses its own
components only, and none of them enters a registry in part. One that hangs while it
is imported is given up after a while.
"""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import redirect_stdout
from typing import Any

import pluggy

from avplug._version import __version__
from avplug.core import deprecation, discovery, hookspecs, inspection
from avplug.core.choosing import left_out, unknown_names
from avplug.core.clashes import mark_clashes, refuse_second_claim
from avplug.core.components import KINDS, ComponentSpec
from avplug.core.containment import Diverted, Traces, at_most, guarded
from avplug.core.discovery import BUILTIN, Candidate
from avplug.core.errors import PluginError
from avplug.core.records import BROKEN, PluginRecord, PluginSettings

#: Modules of the built-in plugins.
BUILTINS = (
    "avplug.builtin_corruptions.hooks",
    "avplug.builtin_models.hooks",
    "avplug.builtin_tta.hooks",
    "avplug.builtin_metrics.hooks",
    "avplug.builtin_datasets.hooks",
    "avplug.builtin_suites.hooks",
    "avplug.builtin_attacks.hooks",
    "avplug.builtin_defenses.hooks",
    "avplug.builtin_published.hooks",
    "avplug.bench.hooks",
)

_log = logging.getLogger("avplug")


class PluginManager(pluggy.PluginManager):
    """All plugins of a process.

    Args:
        settings: Which plugins to load; by default what the environment says.
        builtins: Modules of the built-in plugins.

    Attributes:
        records: One for each plugin found, in load order.
        notes: What is odd about the settings, such as an unknown name.
    """

    def __init__(
        self,
        settings: PluginSettings | None = None,
        builtins: Iterable[str] = BUILTINS,
    ) -> None:
        super().__init__("avplug")
        self.add_hookspecs(hookspecs)
        self.settings = settings or PluginSettings.from_environment()
        self.records: list[PluginRecord] = []
        self.notes: list[str] = []
        self._load_all(builtins)

    def parse_hookimpl_opts(self, plugin: object, name: str) -> Any:
        """Look at ``avplug_*`` only: a module's lazy names stay untouched."""
        if not name.startswith("avplug_"):
            return None
        return super().parse_hookimpl_opts(plugin, name)

    def _load_all(self, builtins: Iterable[str]) -> None:
        settings = self.settings
        for candidate in discovery.builtin(builtins):
            self._load(candidate)
        # Checked before the switch, so that a mistyped file is always told.
        extra = [discovery.explicit(argument) for argument in settings.extra]
        if settings.no_plugins:
            for candidate in extra:
                self._disable(candidate, "plugins are switched off")
        else:
            self._load_installed(discovery.installed())
            for candidate in extra:
                self._load(candidate)
        mark_clashes(self.records)

    def _load_installed(self, candidates: list[Candidate]) -> None:
        for candidate in candidates:
            why = left_out(candidate, self.settings)
            if why is None:
                self._load(candidate)
            else:
                self._disable(candidate, why)
        self.notes += unknown_names(self.settings, candidates)

    def _record(self, candidate: Candidate) -> PluginRecord:
        record = PluginRecord(
            candidate.distribution,
            candidate.version,
            candidate.entry_point,
            candidate.editable,
            hides=candidate.hides,
        )
        self.records.append(record)
        return record

    def _disable(self, candidate: Candidate, why: str) -> None:
        record = self._record(candidate)
        record.state, record.problem = "disabled", f"is disabled: {why}."

    def _load(self, candidate: Candidate) -> None:
        record = self._record(candidate)
        start = time.perf_counter()
        if candidate.distribution == BUILTIN:
            self._try(candidate, record)
        else:
            self._load_guarded(candidate, record)
        record.milliseconds = (time.perf_counter() - start) * 1000

    def _load_guarded(self, candidate: Candidate, record: PluginRecord) -> None:
        # stdout is data: what a plugin prints must not end up in it.
        printed = Diverted()
        light = inspection.heavy_modules()
        limit = self.settings.import_limit
        with redirect_stdout(printed), guarded() as traces:
            self._try(candidate, record, traces, limit)
        record.printed = printed.text
        record.heavy = tuple(sorted(inspection.heavy_modules() - light))
        record.undone = tuple(traces.undone)
        record.threads = tuple(traces.threads)

    def _try(
        self,
        candidate: Candidate,
        record: PluginRecord,
        traces: Traces | None = None,
        limit: float = 0.0,
    ) -> None:
        def stubborn() -> None:
            _log.warning(
                "%s cannot be interrupted: it catches everything. End avplug. %s",
                record.name,
                record.way_out,
            )

        try:
            with at_most(limit, stubborn):
                self._register(candidate.load(), record)
        except KeyboardInterrupt as error:
            if traces is None or traces.interrupted:
                # The user waited in vain for just this one.
                raise KeyboardInterrupt(f"while {record.name} was loaded") from error
            self._fail(record, error)
        except BaseException as error:
            self._fail(record, error)

    def _register(self, plugin: object, record: PluginRecord) -> None:
        module = sys.modules.get(getattr(plugin, "__module__", ""), plugin)
        record.module_file = str(getattr(module, "__file__", None) or "")
        if self.is_registered(plugin):
            first = self.get_name(plugin)
            record.state, record.problem = "disabled", f"is already loaded as {first}."
            return
        version = inspection.needs_newer_host(plugin)
        if version:
            host = f"avplug {__version__} (API {hookspecs.HOOK_API_VERSION})"
            record.state = "incompatible"
            record.problem = f"needs plugin API {version}, this is {host}."
            record.remedy = "Upgrade: pip install -U avplug"
            return
        known = vars(self.hook)
        hooks, record.notes = inspection.hooks_of(plugin, known)
        record.hooks = tuple(hooks)
        for hook in hooks:
            deprecation.warn(hook, record.provider)
        self.register(plugin, record.key)
        self._warn_of_arguments(plugin, record)
        self._collect(plugin, record)

    def _warn_of_arguments(self, plugin: object, record: PluginRecord) -> None:
        """Warn of deprecated arguments that the plugin's implementations name."""
        for caller in self.get_hookcallers(plugin) or ():
            for each in caller.get_hookimpls():
                if each.plugin is plugin:
                    for argument in (*each.argnames, *each.kwargnames):
                        what = f"{caller.name}({argument})"
                        deprecation.warn(what, record.provider)

    def _collect(self, plugin: object, record: PluginRecord) -> None:
        found: list[ComponentSpec] = []
        for hook, spec_type in KINDS.values():
            for implementation in getattr(self.hook, hook).get_hookimpls():
                if implementation.plugin is plugin:
                    record.problem = f"failed in {hook}"
                    items = implementation.function()
                    found += inspection.check_components(hook, items, spec_type)
        refuse_second_claim(record, found, self.records)
        record.components, record.problem = tuple(found), ""

    def _fail(self, record: PluginRecord, error: BaseException) -> None:
        if self.get_plugin(record.key) is not None:
            self.unregister(name=record.key)
        record.fail(error)

    def broken(self) -> list[PluginRecord]:
        """Return the records of failed, clashing and incompatible plugins."""
        return [record for record in self.records if record.state in BROKEN]

    def require_sound(self) -> None:
        """Refuse to go on with broken plugins.

        Raises:
            PluginError: A plugin is failed, in conflict or incompatible.
        """
        broken = self.broken()
        if broken:
            lines = "".join(f"\n  {record.describe()}" for record in broken)
            raise PluginError(
                f"{len(broken)} of {len(self.records)} plugins are broken:{lines}",
                "\nShow them: avplug plugins",
            )

    def notify(self, hook: str, event: object) -> None:
        """Tell each plugin of an event; one that raises is logged and passed over."""
        order = {record.key: i for i, record in enumerate(self.records)}
        implementations = getattr(self.hook, hook).get_hookimpls()
        for each in sorted(
            implementations, key=lambda impl: order.get(impl.plugin_name, len(order))
        ):
            wanted = (*each.argnames, *each.kwargnames)
            try:
                each.function(**({"event": event} if "event" in wanted else {}))
            except KeyboardInterrupt:
                raise
            except BaseException:
                _log.exception("plugin %s failed in %s", each.plugin_name, hook)


_settings: PluginSettings | None = None
_loading: Callable[[], None] | None = None
_loaded: Callable[[PluginManager], None] | None = None
_manager: PluginManager | None = None


def configure(
    settings: PluginSettings | None = None,
    loaded: Callable[[PluginManager], None] | None = None,
    loading: Callable[[], None] | None = None,
) -> None:
    """Say how the next ``get_plugin_manager`` loads, and forget what was loaded.

    Args:
        settings: Which plugins; None reads the environment at that time.
        loaded: Called once with the new manager, for messages and strictness.
        loading: Called before any plugin is imported.
    """
    global _settings, _loading, _loaded, _manager
    _settings, _loading, _loaded, _manager = settings, loading, loaded, None


def get_plugin_manager() -> PluginManager:
    """Return the plugin manager of this process; plugins load at the first call."""
    global _manager
    if _manager is None:
        if _loading is not None:
            _loading()
        manager = PluginManager(_settings)
        if _loaded is not None:
            _loaded(manager)
        _manager = manager
    return _manager


def loaded_plugins() -> list[PluginRecord]:
    """Return what is known of the plugins of this process; nothing before they load."""
    return [] if _manager is None else list(_manager.records)
