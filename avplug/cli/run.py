"""``avplug run``: the matrix of a configuration, evaluated, stored and reported."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from avplug.cli.selectors import selecting
from avplug.core.errors import UsageError

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
    emit_script: Annotated[
        str | None,
        typer.Option(
            metavar="slurm|bash|FILE",
            help="Run nothing: print a job script that does, or write it to a file.",
        ),
    ] = None,
) -> None:
    """Evaluate models under corruptions; the same command again goes on."""
    if emit_script:
        _emit(settings, emit_script)
        return
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


def _emit(settings: RunConfig, where: str) -> None:
    """Print a job script of a flavour, or write one for Slurm to a file."""
    from avplug.bench.job_script import job_script
    from avplug.cli.console import message, print_line
    from avplug.core.manager import get_plugin_manager

    plugins, folder = get_plugin_manager().settings, Path.cwd()
    if where in ("slurm", "bash"):
        flavour: Literal["slurm", "bash"] = "bash" if where == "bash" else "slurm"
        print_line(job_script(settings, flavour, plugins, folder).rstrip())
        return
    script = job_script(settings, "slurm", plugins, folder)
    try:
        Path(where).write_text(script, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"Cannot write {where}: {error.strerror}.") from error
    message(f"Wrote {where}. Submit it with: sbatch {where}")
