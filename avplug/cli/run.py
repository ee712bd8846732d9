"""``avplug run``: the matrix of a configuration, evaluated, stored and reported."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from avplug.cli.selectors import selecting

if TYPE_CHECKING:
    from avplug.bench.config import RunConfig


def register(app: typer.Typer) -> None:
    """Add the verb to the application."""
    app.command(name="run")(selecting(_run))


def _run(
    settings: RunConfig,
    report: Annotated[
        bool, typer.Option(help="Show the tables and write the page at the end.")
    ] = True,
    retry_failed: Annotated[
        bool,
        typer.Option(
            "--retry-failed", help="Evaluate cells of which clips failed again, too."
        ),
    ] = False,
    break_lock: Annotated[
        bool,
        typer.Option(
            "--break-lock",
            help="Take over from a run elsewhere that ended without a word.",
        ),
    ] = False,
) -> None:
    """Evaluate models under corruptions; the same command again goes on."""
    from avplug.bench.runner import run
    from avplug.cli.console import message
    from avplug.cli.fetching import fetch_for
    from avplug.cli.progress import RunProgress
    from avplug.core.errors import InterruptedWorkError
    from avplug.core.registry import get_registry

    try:
        fetch_for(settings, get_registry())
        with RunProgress() as progress:
            summary = run(
                settings,
                get_registry(),
                progress,
                retry_failed=retry_failed,
                break_lock=break_lock,
            )
    except KeyboardInterrupt:
        raise InterruptedWorkError(
            "Interrupted; finished cells are kept.", "The same command again goes on."
        ) from None
    if report:
        from avplug.cli.report import show_report

        show_report(summary.folder)
    message(
        f"{summary.computed} cells computed, {summary.reused} found finished, "
        f"{len(summary.failed)} failed: {summary.folder}"
    )
    if summary.failed:
        raise typer.Exit(1)
