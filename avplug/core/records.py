"""What is known of each plugin: where it comes from, what it gave, what went wrong."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from threading import Thread
from typing import Literal

from avplug.core.components import ComponentSpec
from avplug.core.containment import FILTERS, TookTooLong, described
from avplug.core.errors import AvplugError, UsageError
from avplug.core.preferences import switched_off

State = Literal["ok", "disabled", "failed", "conflict", "incompatible"]

#: Seconds that a plugin may take to import. Generous: a cold disk is no fault.
IMPORT_LIMIT = 20.0

#: States that ``--strict-plugins`` refuses.
BROKEN: tuple[State, ...] = ("failed", "conflict", "incompatible")


@dataclass(frozen=True, slots=True)
class PluginSettings:
    """Which plugins to load; given to worker processes, which then load the same.

    Args:
        no_plugins: Built-ins only.
        load: Only these distributions; None stands for all.
        disable: Not these distributions or entry points.
        extra: Files and modules that are no installed distribution.
        switched_off: As ``disable``, by ``avplug plugins disable``.
        import_limit: Seconds that a plugin may take to import; 0 for any number.
    """

    no_plugins: bool = False
    load: tuple[str, ...] | None = None
    disable: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()
    switched_off: tuple[str, ...] = ()
    import_limit: float = IMPORT_LIMIT

    @classmethod
    def from_environment(
        cls,
        *,
        no_plugins: bool = False,
        extra: tuple[str, ...] = (),
        environ: Mapping[str, str] | None = None,
    ) -> PluginSettings:
        """Return what the variables and the user's folder say, with the options added.

        Raises:
            UsageError: ``AVPLUG_PLUGIN_TIMEOUT`` is no number.
        """
        env = os.environ if environ is None else environ
        off = env.get("AVPLUG_NO_PLUGINS", "").lower() not in ("", "0", "false", "no")
        load = env.get("AVPLUG_LOAD_PLUGINS")
        return cls(
            no_plugins=no_plugins or off,
            load=None if load is None else _names(load),
            disable=_names(env.get("AVPLUG_DISABLE_PLUGINS", "")),
            extra=_once(extra),
            switched_off=switched_off(env),
            import_limit=_seconds(env.get("AVPLUG_PLUGIN_TIMEOUT")),
        )


def _seconds(text: str | None) -> float:
    try:
        return IMPORT_LIMIT if text is None else max(0.0, float(text))
    except ValueError as error:
        raise UsageError(
            f"AVPLUG_PLUGIN_TIMEOUT is {text!r}, no number of seconds.",
            "0 lets plugins take as long as they like.",
        ) from error


def _once(arguments: Iterable[str]) -> tuple[str, ...]:
    """Return files and modules without those that name a file a second time."""
    first: dict[str, str] = {}
    for each in arguments:
        path = os.path.realpath(each) if each.endswith(".py") else each
        first.setdefault(path, each)
    return tuple(first.values())


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


@dataclass(slots=True)
class PluginRecord:
    """One plugin: provenance, contribution and state.

    Args:
        distribution: Normalised name of the provider.
        version: Of the distribution, "" where it has none.
        entry_point: Entry-point name, module name or file.
        editable: Whether the distribution is installed editable; None if not known.
        state: ``ok``, ``disabled``, ``failed``, ``conflict`` or ``incompatible``.
        module_file: File of its module, "" before the import.
        hooks: Names of the hooks that it implements.
        components: What it provides; empty unless all its hooks succeeded.
        milliseconds: Wall time of import and registration.
        problem: One sentence on why the state is not ``ok``.
        remedy: What to do about it.
        notes: Warnings that change no state.
        hides: Other versions of the distribution that are on the path, and not used.
        printed: What it wrote to stdout while it loaded, which went to stderr.
        heavy: Large libraries that it was the first to import, while it loaded.
        undone: What it changed for the whole process while it loaded, put back.
        threads: Started while it loaded; they keep a process from ending.
        error: What it raised.
    """

    distribution: str
    version: str
    entry_point: str
    editable: bool | None = None
    state: State = "ok"
    module_file: str = ""
    hooks: tuple[str, ...] = ()
    components: tuple[ComponentSpec, ...] = ()
    milliseconds: float = 0.0
    problem: str = ""
    remedy: str = ""
    notes: list[str] = field(default_factory=list)
    hides: tuple[str, ...] = ()
    printed: str = ""
    heavy: tuple[str, ...] = ()
    undone: tuple[str, ...] = ()
    threads: tuple[Thread, ...] = ()
    error: BaseException | None = None

    @property
    def provider(self) -> str:
        """Name and version of the distribution."""
        return f"{self.distribution} {self.version}".rstrip()

    @property
    def remarks(self) -> list[str]:
        """What a user should know of a plugin whose state may be ``ok``."""
        told = list(self.notes)
        if self.state == "ok" and not (self.hooks or self.version or told):
            told.append("has no hook of avplug: it brings nothing.")
        if self.hides:
            told.append(f"hides version {', '.join(self.hides)} of itself on the path.")
        if self.printed.strip():
            told.append("prints while it loads; that went to stderr.")
        # A file is loaded by who names it alone, and may hold its classes.
        if self.heavy and self.version:
            told.append(
                f"imports {', '.join(self.heavy)} while it loads"
                f" ({self.milliseconds:.0f} ms), which every command waits for."
            )
        # Large libraries bring filters of their own.
        undone = [each for each in self.undone if not (self.heavy and each == FILTERS)]
        if undone:
            told.append(f"changes {', '.join(undone)} while it loads; that was undone.")
        if self.threads:
            told.append("starts a thread while it loads that nobody ends.")
        return told

    @property
    def name(self) -> str:
        """Distribution, version and entry point, as messages name a plugin."""
        return f"plugin {self.provider} ({self.entry_point})"

    @property
    def way_out(self) -> str:
        """How a user leaves the plugin out."""
        if self.version:
            return f"Leave it out: avplug plugins disable {self.distribution}"
        return f"Leave it out: drop --plugin {self.entry_point}"

    @property
    def key(self) -> str:
        """Name under which pluggy knows the plugin."""
        return f"{self.distribution}:{self.entry_point}"

    def fail(self, error: BaseException) -> None:
        """Note that an exception ended the loading, and what to do about it."""
        self.state, self.error = "failed", error
        if isinstance(error, TookTooLong):
            self.problem = f"was not imported within {error} s."
            self.remedy = self.way_out
        elif isinstance(error, AvplugError):
            self.problem, self.remedy = error.message, error.hint
        else:
            # Where it had come to is there already, if it had come to a hook.
            where = self.problem or "failed to load"
            self.problem = f"{where}: {described(error)}."
            self.remedy = "Traceback: avplug --debug plugins"

    def describe(self) -> str:
        """Return the problem as one line that names the plugin."""
        return f"{self.name} {self.problem} {self.remedy}".rstrip()
