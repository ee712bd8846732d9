"""``avplug plugins``: every plugin that was found, and how it fares."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from avplug.cli import console

if TYPE_CHECKING:
    from avplug.core.manager import PluginManager
    from avplug.core.records import PluginRecord


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("plugins")(plugins)


def records(manager: PluginManager) -> list[dict[str, Any]]:
    """Return what is known of each plugin, in load order; the keys are stable."""
    return [_describe(record) for record in manager.records]


def _describe(record: PluginRecord) -> dict[str, Any]:
    return {
        "distribution": record.distribution,
        "version": record.version,
        "entry_point": record.entry_point,
        "state": record.state,
        "problem": f"{record.problem} {record.remedy}".strip(),
        "notes": list(record.notes),
        "hooks": list(record.hooks),
        "components": [f"{spec.kind}:{spec.name}" for spec in record.components],
        "module_file": record.module_file,
        "editable": record.editable,
        "milliseconds": round(record.milliseconds, 1),
    }


def plugins(
    ctx: typer.Context,
    json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Show all plugins, and what went wrong."""
    from avplug.core.manager import get_plugin_manager

    manager = get_plugin_manager()
    rows = records(manager)
    if json:
        console.print_json(rows)
    else:
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
    if ctx.find_root().params.get("debug"):
        _show_tracebacks(manager)


def _show_tracebacks(manager: PluginManager) -> None:
    from traceback import format_exception

    for record in manager.records:
        if record.error is not None:
            console.message(f"\n{record.provider} ({record.entry_point}):")
            console.message("".join(format_exception(record.error)).rstrip())
