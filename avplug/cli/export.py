"""``avplug export``: results in the form in which others publish them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from avplug.core.errors import UsageError


def register(app: typer.Typer) -> None:
    """Add the verb to the application."""
    app.command(name="export")(_export)


def _export(
    runs: Annotated[
        list[Path], typer.Argument(metavar="RUN...", help="Folders that runs wrote.")
    ],
    out: Annotated[Path, typer.Option(help="A new folder.")],
    hub: Annotated[
        bool,
        typer.Option(
            "--hf", help="As a Hugging Face model card with a model-index, and files."
        ),
    ] = False,
    with_predictions: Annotated[
        bool,
        typer.Option(
            "--with-predictions", help="Copy the cells with all predictions, too."
        ),
    ] = False,
    source_url: Annotated[
        str, typer.Option(help="Where the results come from, for the card.")
    ] = "",
    metric: Annotated[
        list[str] | None,
        typer.Option(help="This metric; repeatable. Those of the run if absent."),
    ] = None,
    resamples: Annotated[
        int, typer.Option(min=0, help="Of the bootstrap; 0 for no intervals.")
    ] = 1000,
) -> None:
    """Write results as a folder to publish. Nothing is sent anywhere."""
    from avplug.cli.console import message
    from avplug.report.hub import export_hub
    from avplug.report.write import read_scores

    if not hub:
        raise UsageError("Say what to export to.", "--hf: a Hugging Face model card.")
    scores = read_scores(*runs, metrics=tuple(metric or ()), resamples=resamples)
    copied = runs if with_predictions else ()
    card = export_hub(scores, out, runs=copied, source=source_url)
    message(f"Model card: {card}")
    message("Commands and settings in it may hold paths of this machine.")
