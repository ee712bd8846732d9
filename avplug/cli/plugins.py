"""``avplug plugins``: every plugin that was found, how it fares, and its switch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from avplug.cli import console

if TYPE_CHECKING:
    from collections.abc import Iterable

    from avplug.core.manager import PluginManager
    from avplug.core.records import PluginRecord


def register(app: typer.Typer) -> None:
    """Add the verb, and what can be done to a plugin without importing any."""
    group = typer.Typer(invoke_without_command=True, rich_markup_mode=None)
    group.callback()(plugins)
    group.command("show")(show)
    group.command("disable")(disable)
    group.command("enable")(enable)
    app.add_typer(group, name="plugins")


def select(
    manager: PluginManager, *, failed: bool = False, hook: str | None = None
) -> list[PluginRecord]:
    """Return what is known of the plugins, in load order.

    Args:
        manager: That has loaded them.
        failed: Only those that are broken.
        hook: Only those that implement this one.

    Raises:
        UnknownNameError: There is no such hook.
    """
    from avplug.core.errors import UnknownNameError, closest
    from avplug.core.records import BROKEN

    known = sorted(vars(manager.hook))
    if hook is not None and hook not in known:
        raise UnknownNameError(
            f"avplug has no hook {hook!r}.{closest(hook, known)}",
            f"Hooks: {', '.join(known)}.",
        )
    return [
        record
        for record in manager.records
        if (not failed or record.state in BROKEN)
        and (hook is None or hook in record.hooks)
    ]


def describe(record: PluginRecord) -> dict[str, Any]:
    """Return what is known of a plugin as plain data; the keys are stable."""
    return {
        "distribution": record.distribution,
        "version": record.version,
        "entry_point": record.entry_point,
        "state": record.state,
        "problem": f"{record.problem} {record.remedy}".strip(),
        "notes": record.remarks,
        "hooks": list(record.hooks),
        "components": [f"{spec.kind}:{spec.name}" for spec in record.components],
        "module_file": record.module_file,
        "editable": record.editable,
        "milliseconds": round(record.milliseconds, 1),
    }


def requirements(records: Iterable[PluginRecord]) -> list[str]:
    """Return what installs these plugins again, as pip freeze has it.

    What belongs to no distribution, a file or a module, is a comment.
    """
    from avplug.core.discovery import editable_folder

    lines = []
    for record in records:
        if not record.version:
            lines.append(f"# {record.entry_point}: of no distribution")
        elif record.editable:
            lines.append(f"# {record.distribution}=={record.version}, editable:")
            lines.append(f"-e {editable_folder(record.distribution)}")
        else:
            lines.append(f"{record.distribution}=={record.version}")
    return list(dict.fromkeys(lines))


def plugins(
    ctx: typer.Context,
    failed: Annotated[
        bool, typer.Option("--failed", help="Only those that are broken.")
    ] = False,
    hook: Annotated[
        str | None,
        typer.Option(metavar="HOOK", help="Only those with this hook."),
    ] = None,
    timing: Annotated[
        bool, typer.Option("--timing", help="What each costs to load, dearest first.")
    ] = False,
    freeze: Annotated[
        bool, typer.Option("--requirements", help="As pip freeze, for pip install -r.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Show all plugins, and what went wrong."""
    if ctx.invoked_subcommand is not None:
        return
    from avplug.core.manager import get_plugin_manager

    records = select(get_plugin_manager(), failed=failed, hook=hook)
    if freeze:
        _show_requirements(requirements(records), json)
        return
    rows = [describe(record) for record in records]
    if timing:
        rows.sort(key=lambda row: -row["milliseconds"])
    if json:
        console.print_json(rows)
    elif timing:
        _show_timing(rows)
    else:
        _show(rows)
    if ctx.find_root().params.get("debug"):
        _show_tracebacks(records)


def _show_requirements(lines: list[str], json: bool) -> None:
    if json:
        console.print_json(lines)
        return
    for line in lines:
        console.print_line(line)


def _show(rows: list[dict[str, Any]]) -> None:
    console.print_table(
        ("DISTRIBUTION", "VERSION", "ENTRY POINT", "STATE", "COMPONENTS", "NOTE"),
        [
            (
                row["distribution"],
                row["version"],
                row["entry_point"],
                row["state"],
                len(row["components"]),
                " ".join(filter(None, (row["problem"], *row["notes"]))),
            )
            for row in rows
        ],
    )


def _show_timing(rows: list[dict[str, Any]]) -> None:
    console.print_table(
        ("MS", "DISTRIBUTION", "VERSION", "ENTRY POINT", "STATE"),
        [
            (
                f"{row['milliseconds']:.1f}",
                row["distribution"],
                row["version"],
                row["entry_point"],
                row["state"],
            )
            for row in rows
        ],
    )


def _show_tracebacks(records: Iterable[PluginRecord]) -> None:
    from traceback import format_exception

    for record in records:
        if record.error is not None:
            console.message(f"\n{record.provider} ({record.entry_point}):")
            console.message("".join(format_exception(record.error)).rstrip())


def details(manager: PluginManager, name: str) -> list[dict[str, Any]]:
    """Return all that is known of the plugins of a name, and of their distribution.

    Args:
        manager: That has loaded them.
        name: Of a distribution, an entry point, a file or a module.

    Raises:
        UnknownNameError: There is no such plugin.
    """
    from avplug.core.discovery import metadata, normalise, version_of
    from avplug.core.errors import UnknownNameError, closest

    records = [
        record
        for record in manager.records
        if normalise(name) in (record.distribution, normalise(record.entry_point))
    ]
    if not records:
        names = sorted({record.distribution for record in manager.records})
        raise UnknownNameError(
            f"There is no plugin {name!r}.{closest(name, names)}",
            f"Plugins: {', '.join(names)}.",
        )
    rows = []
    for record in records:
        about = describe(record)
        if record.version and version_of(record.distribution):
            stated = metadata(record.distribution)
            about["summary"] = stated.summary
            about["license"] = stated.license
            about["requires"] = list(stated.requires)
        rows.append(about)
    return rows


def show(
    name: Annotated[
        str, typer.Argument(help="Distribution, entry point, FILE.py or module.")
    ],
    json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Show all that is known of one plugin, and of its distribution."""
    from avplug.core.manager import get_plugin_manager

    rows = details(get_plugin_manager(), name)
    if json:
        console.print_json(rows)
        return
    for number, row in enumerate(rows):
        if number:
            console.print_line()
        console.print_table(
            ("FIELD", "VALUE"),
            [
                (key, each)
                for key, value in row.items()
                for each in (value if isinstance(value, list) else [value])
                if each not in ("", None)
            ],
        )


Names = Annotated[
    list[str], typer.Argument(help="Distributions, as avplug plugins shows them.")
]


def disable(names: Names) -> None:
    """Leave plugins out from now on, without importing them."""
    from avplug.core.preferences import switch_off, switched_off

    chosen = [_installed(name) for name in names]
    file = switch_off((*switched_off(), *chosen))
    console.message(f"Disabled {', '.join(chosen)}: {file}")


def enable(names: Names) -> None:
    """Load plugins again that were disabled."""
    from avplug.core.discovery import normalise
    from avplug.core.preferences import switch_off, switched_off

    off = {normalise(name) for name in switched_off()}
    chosen = [_switched_off(name, off) for name in names]
    file = switch_off(tuple(off.difference(chosen)))
    console.message(f"Enabled {', '.join(chosen)}: {file}")


def _switched_off(name: str, off: set[str]) -> str:
    """Return what a name means among those disabled; it may be installed no more."""
    from avplug.core.discovery import installed, normalise
    from avplug.core.errors import UnknownNameError, closest

    wanted = normalise(name)
    if wanted in off:
        return wanted
    for candidate in installed():
        if wanted == normalise(candidate.entry_point) and candidate.distribution in off:
            return candidate.distribution
    raise UnknownNameError(
        f"Plugin {name!r} is not disabled.{closest(name, sorted(off))}",
        f"Disabled: {', '.join(sorted(off)) or 'none'}.",
    )


def _installed(name: str) -> str:
    """Return the distribution that a name means; nothing is imported."""
    from avplug.core.discovery import BUILTIN, installed, normalise
    from avplug.core.errors import UnknownNameError, UsageError, closest

    wanted = normalise(name)
    if wanted == BUILTIN:
        raise UsageError("What avplug brings itself cannot be disabled.")
    found = installed()
    for candidate in found:
        if wanted in (candidate.distribution, normalise(candidate.entry_point)):
            return candidate.distribution
    names = sorted({candidate.distribution for candidate in found})
    raise UnknownNameError(
        f"No installed plugin is called {name!r}.{closest(name, names)}",
        f"Installed: {', '.join(names) or 'none'}.",
    )
