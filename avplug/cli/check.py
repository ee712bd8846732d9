"""``avplug check``: does a plugin keep the promises of its kinds?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from avplug.cli import console

if TYPE_CHECKING:
    from avplug.testing.checks import Outcome


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("check")(check)


def describe(plugin: str, outcome: Outcome) -> dict[str, Any]:
    """Return an outcome as plain data; the keys are stable."""
    return {
        "plugin": plugin,
        "component": outcome.component,
        "check": outcome.check,
        "state": outcome.state,
        "message": outcome.message,
        "seconds": round(outcome.seconds, 3),
        "repeat": outcome.repeat,
    }


def check(
    plugin: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[DIST|FOLDER|FILE.py]...",
            help="Default: all that are installed.",
        ),
    ] = None,
    select: Annotated[
        str,
        typer.Option("-k", metavar="WORDS", help="Only checks with all these words."),
    ] = "",
    seed: Annotated[int, typer.Option(min=0, help="Of all that checks draw.")] = 0,
    option: Annotated[
        list[str] | None,
        typer.Option("-o", help="Of a component: -o tent.steps=3."),
    ] = None,
    limit: Annotated[
        float,
        typer.Option(min=0.1, metavar="SECONDS", help="That one check may take."),
    ] = 60.0,
    json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Try what plugins promise, each in a process of its own; exit code 1 if not."""
    from avplug.bench.config_files import parse_options
    from avplug.core.errors import UsageError
    from avplug.testing import conformance

    options = parse_options(tuple(option or ()))
    found = [conformance.find(name) for name in plugin or ()]
    found = found if plugin else conformance.installed()
    if not found:
        raise UsageError("No plugin is installed.", "Name a file: avplug check FILE.py")
    rows: list[dict[str, Any]] = []
    for each in found:
        for outcome in conformance.check(
            each, select=select, seed=seed, options=options, limit=limit
        ):
            rows.append(describe(each.name, outcome))
            if not json:
                _show(rows[-1])
    if not rows:
        raise UsageError(f"No check has all the words {select!r}.")
    _refuse_idle(options, {row["component"].partition(":")[2] for row in rows})
    if json:
        console.print_json(rows)
    else:
        console.print_line(_summary(rows))
    if any(row["state"] == "fail" for row in rows):
        raise typer.Exit(1)


def _refuse_idle(options: Mapping[str, Any], checked: set[str]) -> None:
    """Refuse options of what was not checked: they were given for a reason.

    Raises:
        UsageError: There are some.
    """
    from avplug.core.errors import UsageError, closest

    names = sorted(checked - {""})
    for idle in set(options) - checked:
        raise UsageError(
            f"Options are given for {idle!r}, which was not checked."
            f"{closest(idle, names)}",
            f"Checked: {', '.join(names) or 'no component'}.",
        )


def _show(row: dict[str, Any]) -> None:
    text = f"{row['state']:4}  {row['component']}  {row['check']}"
    console.print_line(f"{text}  {row['message']}".rstrip())
    if row["state"] == "fail":
        console.print_line(f"      again: {row['repeat']}")


def _summary(rows: Iterable[dict[str, Any]]) -> str:
    counts = Counter(row["state"] for row in rows)
    words = {"pass": "passed", "fail": "failed", "skip": "skipped"}
    return ", ".join(f"{counts[s]} {word}" for s, word in words.items() if counts[s])
