"""``avplug compare``: a run beside what papers print."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from avplug.core.errors import UsageError

if TYPE_CHECKING:
    from avplug.report.published import Beside


def register(app: typer.Typer) -> None:
    """Add the verb to the application."""
    app.command(name="compare")(_compare)


def _compare(
    runs: Annotated[
        list[Path], typer.Argument(metavar="RUN...", help="Folders that runs wrote.")
    ],
    published: Annotated[
        bool,
        typer.Option("--published", help="Beside the numbers that papers print."),
    ] = False,
    paper: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Only those of this paper (avplug list published); repeatable.",
        ),
    ] = None,
    dataset: Annotated[
        str | None,
        typer.Option(
            help="Data set, as papers call it, that the run's clips are taken to be. "
            "By default what its name says."
        ),
    ] = None,
    metric: Annotated[
        list[str] | None,
        typer.Option(
            help="Compare this metric; repeatable. Those of the run if absent."
        ),
    ] = None,
    resamples: Annotated[
        int, typer.Option(min=0, help="Of the bootstrap; 0 for no intervals.")
    ] = 1000,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Set runs beside the numbers of papers, and tell how the protocols differ."""
    if not published:
        raise UsageError(
            "What to compare with is not said.",
            "Give --published for the numbers that papers print.",
        )
    from avplug.cli.console import print_json
    from avplug.report.export import table_json

    found = {
        run: beside_published(
            run, tuple(paper or ()), dataset, tuple(metric or ()), resamples
        )
        for run in runs
    }
    if as_json:
        print_json(
            [
                {
                    "run": str(run),
                    "source": {
                        "name": each.source.name,
                        "title": each.source.title,
                        "paper": each.source.paper,
                    },
                    "dataset": each.dataset,
                    "numbers": table_json(each.numbers)["rows"],
                    "protocol": table_json(each.protocol)["rows"],
                }
                for run, group in found.items()
                for each in group
            ]
        )
        return
    for run, group in found.items():
        _print(run, group)


def beside_published(
    run: Path,
    papers: tuple[str, ...] = (),
    dataset: str | None = None,
    metrics: tuple[str, ...] = (),
    resamples: int = 1000,
) -> list[Beside]:
    """Return a run beside each paper that has numbers of the like.

    Args:
        run: Its folder.
        papers: Names; all if empty.
        dataset: As papers call it; what the run's data set is called if None.
        metrics: Names; those of the run if empty.
        resamples: Of the bootstrap.

    Raises:
        UsageError: The folder holds no run, or no paper has such numbers.
        UnknownNameError: There is no such paper or metric.
    """
    from avplug.core.registry import get_registry
    from avplug.report.published import beside, find_sources
    from avplug.report.write import read_scores

    registry = get_registry()
    sources = find_sources(registry, papers)
    scores = read_scores(run, metrics=metrics, resamples=resamples)
    found = beside(scores.panels, scores.run, sources, dataset)
    if not found:
        models = dict.fromkeys(m for panel in scores.panels for m in panel.models)
        names = dataset or ", ".join(dict.fromkeys(p.dataset for p in scores.panels))
        known = sorted({n.dataset for s in sources for n in s.results.numbers})
        raise UsageError(
            f"No published number stands beside {', '.join(models)} on {names}: data"
            " set, model, method, metric, corruption and severity must be named alike.",
            f"Published: {', '.join(known)}. Show them: avplug published; say which one"
            " the clips are: --dataset NAME.",
        )
    return found


def _print(run: Path, group: list[Beside]) -> None:
    from rich.console import Console

    from avplug.report.terminal import fitted

    console = Console()
    if not console.is_terminal:
        # A file or a pipe has no width: nothing is left out.
        console = Console(width=240)
    console.print(str(run), style="bold", markup=False, highlight=False)
    for each in group:
        for table in (each.numbers, each.protocol):
            console.print(table.title, style="italic", markup=False, highlight=False)
            console.print(fitted(table, console))
            console.print(table.note, style="dim", markup=False, highlight=False)
            console.print()
