"""The application: global options, the verbs, and how errors become messages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from avplug._version import __version__
from avplug.cli import console, stdout
from avplug.core.errors import AvplugError, UsageError

if TYPE_CHECKING:
    from avplug.core.manager import PluginManager

#: Verbs in the order of ``--help``, and their modules; each has ``register(app)``.
VERBS = {
    "list": "avplug.cli.listing",
    "show": "avplug.cli.show",
    "plugins": "avplug.cli.plugins",
    "new": "avplug.cli.new",
    "check": "avplug.cli.check",
    "install": "avplug.cli.install",
    "uninstall": "avplug.cli.uninstall",
    "run": "avplug.cli.run",
    "plan": "avplug.cli.plan",
    "train": "avplug.cli.train",
    "corrupt": "avplug.cli.corrupt",
    "build": "avplug.cli.build",
    "preview": "avplug.cli.preview",
    "status": "avplug.cli.status",
    "verify": "avplug.cli.verify",
    "report": "avplug.cli.report",
    "compare": "avplug.cli.compare",
    "published": "avplug.cli.published",
    "gate": "avplug.cli.gate",
    "leaderboard": "avplug.cli.leaderboard",
    "export": "avplug.cli.export",
    "weights": "avplug.cli.weights",
    "data": "avplug.cli.data",
    "doctor": "avplug.cli.doctor",
}


class Group(TyperGroup):
    """The group of verbs: an expected error is one message and its exit code."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the verbs in the order of :data:`VERBS`; groups stand among them."""
        return [verb for verb in VERBS if verb in self.commands]

    def invoke(self, ctx: Any) -> Any:
        """Run the verb; with ``--debug`` an error keeps its traceback."""
        debug = console.debugging() if ctx.params.get("debug") else nullcontext()
        with stdout.answering(), debug:
            return self._invoke(ctx)

    def _invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as stop:
            if stop.args:
                console.message(f"avplug: Interrupted {stop}.")
            raise
        except BaseException as error:
            failure = error if isinstance(error, AvplugError) else _blamed(error)
            if failure is None or (ctx.params.get("debug") and failure is error):
                raise
            if ctx.params.get("debug"):
                raise failure from error
            console.error(failure)
            raise typer.Exit(failure.exit_code) from error


def _blamed(error: BaseException) -> AvplugError | None:
    """Return what a plugin did to the verb, SystemExit among it; None if avplug did."""
    from avplug.core.culprits import blamed
    from avplug.core.manager import loaded_plugins

    return blamed(error, loaded_plugins())


def _version(asked: bool) -> None:
    if asked:
        console.print_line(f"avplug {__version__}")
        raise typer.Exit


def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_version, is_eager=True, help="Show the version."
        ),
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show tracebacks of errors.")
    ] = False,
    no_plugins: Annotated[
        bool, typer.Option("--no-plugins", help="Load the built-in plugins only.")
    ] = False,
    plugin: Annotated[
        list[str] | None,
        typer.Option(
            "--plugin", metavar="FILE.py|MODULE", help="Load this, too; repeatable."
        ),
    ] = None,
    strict_plugins: Annotated[
        bool,
        typer.Option(
            "--strict-plugins",
            envvar="AVPLUG_STRICT",
            help="Stop with exit code 4 when any plugin is broken.",
        ),
    ] = False,
) -> None:
    """Does an audio-visual model still work when sound and picture go bad together?"""
    from avplug.core.manager import configure
    from avplug.core.records import PluginSettings

    if no_plugins and plugin:
        raise UsageError("--no-plugins and --plugin exclude each other.", "Drop one.")
    settings = PluginSettings.from_environment(
        no_plugins=no_plugins, extra=tuple(plugin or ())
    )
    configure(settings, _on_loaded(strict_plugins), stdout.claim)


def _on_loaded(strict: bool) -> Callable[[PluginManager], None]:
    def tell(manager: PluginManager) -> None:
        for note in manager.notes:
            console.message(f"avplug: {note}")
        if strict:
            manager.require_sound()
        for record in manager.broken():
            console.message(f"avplug: {record.describe()}")
        for record in manager.records:
            for note in record.remarks:
                console.message(
                    f"avplug: plugin {record.provider} ({record.entry_point}): {note}"
                )

    return tell


def asked_verb(arguments: Sequence[str]) -> str:
    """Return the verb that arguments ask for; "" if it takes all verbs to answer."""
    rest = iter(arguments)
    for argument in rest:
        if argument == "--plugin":
            next(rest, None)
        elif argument in ("-h", "--help"):
            return ""
        elif not argument.startswith("-"):
            return argument if argument in VERBS else ""
    return ""


def build_app(arguments: Sequence[str] = ()) -> typer.Typer:
    """Return the application, with all verbs or with the one that is asked for.

    Typer inspects every option of every verb that it is given: one is enough.
    """
    app = typer.Typer(
        name="avplug",
        cls=Group,
        # Markup would swallow "[frames]" in help texts, and die of "[/etc/x]".
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        pretty_exceptions_show_locals=False,
        no_args_is_help=True,
        add_completion=True,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_options)
    verb = asked_verb(arguments)
    for name in [verb] if verb else VERBS:
        import_module(VERBS[name]).register(app)
    return app
