"""``avplug compare``: two methods clip by clip, or a run beside what papers print."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from avplug.core.errors import UsageError

if TYPE_CHECKING:
    from avplug.report.comparison import Comparison
    from avplug.report.published_sides import Beside
    from avplug.report.table import Table


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
    method: Annotated[
        list[str] | None,
        typer.Option(
            metavar="MODEL/ADAPTATION",
            help="Compare these: both of one run, or one of each; * and ? match.",
        ),
    ] = None,
    intersect: Annotated[
        bool,
        typer.Option("--intersect", help="Leave out clips that one of the two lacks."),
    ] = False,
    correction: Annotated[
        str, typer.Option(help="Of p over the corruptions: holm, bh or none.")
    ] = "holm",
    min_effect: Annotated[
        float, typer.Option(min=0.0, help="Points below which a difference is none.")
    ] = 0.0,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Compare two methods on the same clips, or runs with what papers print.

    The second of two runs is compared with the first; of one run two methods are.
    """
    from avplug.cli.console import print_json
    from avplug.report.export import table_json

    if not published:
        chosen, metrics = tuple(method or ()), tuple(metric or ())
        pairs = pairwise(runs, chosen, metrics, resamples, intersect, correction)
        _print_pairs(pairs, min_effect, as_json)
        return
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


def pairwise(
    runs: list[Path],
    methods: tuple[str, ...] = (),
    metrics: tuple[str, ...] = (),
    resamples: int = 1000,
    intersect: bool = False,
    correction: str = "holm",
) -> list[Comparison]:
    """Compare two methods under each metric.

    Args:
        runs: One folder or two.
        methods: See :func:`avplug.report.sides.find_sides`.
        metrics: Names; those of the first run if empty.
        resamples: Of the paired bootstrap.
        intersect: Leave out clips that one of the two lacks.
        correction: Over the corruptions, a name in ``CORRECTIONS``.

    Raises:
        UsageError: They cannot be compared.
        UnknownNameError: There is no such metric.
    """
    from avplug.bench.store import Store
    from avplug.core.registry import get_registry
    from avplug.report.comparison import CORRECTIONS, compare
    from avplug.report.metrics import find_metrics
    from avplug.report.sides import find_sides

    if len(runs) > 2:
        raise UsageError(
            f"{len(runs)} runs are given; two are compared.",
            "With --published each is set beside the papers.",
        )
    if correction not in CORRECTIONS:
        raise UsageError(
            f"There is no correction {correction!r}.",
            f"Corrections: {', '.join(CORRECTIONS)}.",
        )
    first, second = find_sides(runs, methods)
    names = metrics or tuple(Store(runs[0]).run.get("metrics", ()))
    return [
        compare(
            first,
            second,
            each,
            resamples=resamples,
            intersect=intersect,
            correction=correction,
        )
        for each in find_metrics(get_registry(), names)
    ]


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
    from avplug.cli.published import find_papers
    from avplug.report.published import beside
    from avplug.report.published_attack_tables import beside_attacks
    from avplug.report.write import read_scores

    sources = find_papers(papers)
    scores = read_scores(run, metrics=metrics, resamples=resamples)
    found = beside(scores.panels, scores.run, sources, dataset)
    found += beside_attacks(scores.attacks, scores.run, sources, dataset)
    if not found:
        methods = [cell.method for panel in scores.panels for cell in panel.cells]
        methods += [cell.method for panel in scores.attacks for cell in panel.cells]
        models = dict.fromkeys(each.model.partition(" #")[0] for each in methods)
        own = [panel.dataset for panel in scores.panels]
        own += [panel.dataset for panel in scores.attacks]
        names = dataset or ", ".join(dict.fromkeys(own))
        known = sorted({n.dataset for s in sources for n in s.results.numbers})
        raise UsageError(
            f"No published number stands beside {', '.join(models)} on {names}: data"
            " set, model, method, metric, corruption and severity must be named alike;"
            " of attacks data set, network, defence, attack, senses and budget.",
            f"Published: {', '.join(known)}. Show them: avplug published; say which one"
            " the clips are: --dataset NAME.",
        )
    return found


def _print_pairs(pairs: list[Comparison], min_effect: float, as_json: bool) -> None:
    from avplug.cli.console import message, print_json
    from avplug.report.comparison_table import (
        comparison_json,
        comparison_table,
        sentence,
    )

    if as_json:
        print_json([comparison_json(pair, min_effect) for pair in pairs])
        return
    for pair in pairs:
        _print_tables([comparison_table(pair, min_effect)])
        message(sentence(pair, min_effect))


def _print(run: Path, group: list[Beside]) -> None:
    from avplug.cli.console import print_line

    print_line(str(run))
    for each in group:
        _print_tables([each.numbers, each.protocol])


def _print_tables(tables: Sequence[Table]) -> None:
    from avplug.cli.console import rich_console
    from avplug.report.terminal import fitted

    console = rich_console(width=240)
    for table in tables:
        console.print(table.title, style="italic", markup=False, highlight=False)
        console.print(fitted(table, console))
        console.print(table.note, style="dim", markup=False, highlight=False)
        console.print()
