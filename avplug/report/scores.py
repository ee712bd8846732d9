"""Scores of a store: every cell, and its averages, with paired resamples.

The clean reference A_clean of alpha and rho is the clean cell of the *source* model, as
in AVRobustBench: an adapted method is measured against the model that it started from,
so what adaptation costs on clean clips shows. Seeds are averaged first, then
corruptions, then severities 1 to 5, each with equal weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from avplug.bench.store import Store, StoredCell
from avplug.core.errors import PluginError, UsageError
from avplug.core.metric import task_of
from avplug.core.senses import ONLY, lacking_signal
from avplug.report import keys
from avplug.report.attacked import AttackPanel, attack_panel
from avplug.report.denominators import denominators
from avplug.report.labels import canonical, distinguish
from avplug.report.measure import Measured, fault_note, measure
from avplug.report.metrics import NamedMetric
from avplug.report.panel import Panel, Point, ScoredCell
from avplug.report.paper_tables import paper_tables
from avplug.report.published_sides import Beside
from avplug.report.runs import Runs
from avplug.report.statistics import (
    RESAMPLES,
    Bootstrap,
    Draws,
    absolute_robustness,
    relative_robustness,
)
from avplug.report.table import Table


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """Everything that a report tells of a store, or of several.

    Args:
        run: ``run.json``, of several runs the parts of all.
        panels: One for each data set and metric that suit each other.
        cells: Finished cells, in the order of the plan; of streams their segments.
        resamples: Of the bootstrap.
        notes: What a reader must know, such as an undefined alpha.
        attacks: The same of attacked cells, which are in no panel.
        papers: Tables in a paper's own form, which the run's suite states.
        published: Numbers that papers print, beside the run's.
    """

    run: dict[str, Any]
    panels: tuple[Panel, ...]
    cells: tuple[StoredCell, ...]
    resamples: int
    notes: tuple[str, ...] = ()
    attacks: tuple[AttackPanel, ...] = ()
    papers: tuple[Table, ...] = ()
    published: tuple[Beside, ...] = ()

    @property
    def planned(self) -> int:
        """How many cells the plan has."""
        return len(self.run.get("cells", []))

    @property
    def finished(self) -> int:
        """How many cells are finished, of however many segments."""
        return len({stored.folder for stored in self.cells})


def score(
    store: Store | Runs,
    metrics: Sequence[NamedMetric],
    resamples: int = RESAMPLES,
    base: str | None = None,
) -> Scores:
    """Compute every metric for every finished cell that it suits.

    Args:
        store: Read only. Cells of several runs that share a data set share a panel.
        metrics: One that does not suit a data set's task gives a note. So does one
            that raises: it has no number for that cell, and no panel without any.
        resamples: Of the bootstrap; 0 for no intervals.
        base: Label of the model that improvements under attack are relative to; the
            first of the run if None.

    Raises:
        UsageError: There is no such model, the store holds no run, or no metric suits
            what it holds.
        PluginError: Those that suit it raised on every cell.
    """
    runs = store if isinstance(store, Runs) else Runs([store])
    run = runs.run
    cells = [segment for cell in runs.cells() for segment in cell.segments()]
    groups: dict[str, list[StoredCell]] = {}
    for cell in cells:
        groups.setdefault(canonical(cell.cell["dataset"]), []).append(cell)
    datasets = [group[0].cell["dataset"] for group in groups.values()]
    labels = distinguish([str(data["name"]) for data in datasets], datasets)
    panels: list[Panel] = []
    attacks: list[AttackPanel] = []
    notes = runs.notes()
    broken = False
    for label, data, group in zip(labels, datasets, groups.values(), strict=True):
        task = task_of(bool(data["multi_label"]), data.get("tasks", {}))
        suited = [m for m in metrics if m.suits(task)]
        notes += [
            f"{m.name} is defined for {m.task} data, which {label} is not."
            for m in metrics
            if m not in suited
        ]
        bootstrap = Bootstrap(_clip_ids(group), resamples, groups=runs.groups(group))
        measured = measure(group, suited, bootstrap)
        faults = {m.name: fault_note(measured, m, group, label) for m in suited}
        notes += filter(None, faults.values())
        plain = [cell for cell in group if not cell.cell.get("attack")]
        found = _panels(label, plain, suited, measured)
        panels += found
        made = (attack_panel(label, group, m, measured, base) for m in suited)
        attacks += [panel for panel in made if panel]
        broken = broken or any(faults.values())
        notes += _notes(label, plain) + _batches(label, plain, suited)
        notes += denominators(label, group)
        notes += [
            f"A mean on {label} is over what is finished. {line}."
            for panel in found[:1]
            for line in panel.unfinished(panel.methods)
        ]
    if cells and not (panels or attacks):
        kind = PluginError if broken else UsageError
        raise kind(" ".join(notes), "Metrics: avplug list metric")
    layouts = (run.get("config") or {}).get("tables", ())
    costs = run.get("trainings", ())
    papers = [t for panel in attacks for t in paper_tables(panel, layouts, costs)]
    everything = tuple(panels), tuple(cells), resamples, tuple(notes), tuple(attacks)
    return Scores(run, *everything, tuple(papers))


def _panels(
    dataset: str,
    cells: list[StoredCell],
    metrics: Sequence[NamedMetric],
    measured: Measured,
) -> list[Panel]:
    raw = measured.draws
    methods, conditions = keys.methods(cells), keys.conditions(cells)
    clean = keys.clean_references(cells)
    panels = []
    for metric in metrics:
        if all((metric.name, cell.id) in measured.faults for cell in cells):
            continue
        scored = []
        for cell in cells:
            reference = clean[cell.id]
            compared = reference if metric.keeps_share else None
            point = _point(
                raw[metric.name, cell.id],
                raw[metric.name, compared.id] if compared else None,
            )
            severity, seed = int(cell.cell["severity"]), int(cell.cell["seed"])
            method, condition = methods[cell.id], conditions[cell.id]
            scored.append(ScoredCell(cell, method, condition, severity, seed, point))
        corruptions = dict.fromkeys(c for c in conditions.values() if c is not None)
        severities = sorted({cell.severity for cell in scored if cell.severity})
        panels.append(
            Panel(
                dataset,
                metric,
                tuple(dict.fromkeys(methods.values())),
                tuple(corruptions),
                tuple(severities),
                tuple(scored),
            )
        )
    return panels


def _point(value: Draws, clean: Draws | None) -> Point:
    reference = np.full_like(value, np.nan) if clean is None else clean
    return Point(
        value,
        absolute_robustness(value, reference),
        relative_robustness(value, reference),
    )


def _clip_ids(cells: list[StoredCell]) -> set[str]:
    """Every clip of the data set: of one cell where none failed, else of all."""
    whole = [c for c in cells if not c.record["clips"]["failed"]]
    return {str(i) for c in whole[:1] or cells for i in c.predictions().ids}


def _batches(
    dataset: str, cells: list[StoredCell], metrics: Sequence[NamedMetric]
) -> list[str]:
    """Say of what size the batches are, of a metric that is a mean of them."""
    if not any(metric.name == "top1-by-batch" for metric in metrics):
        return []
    sizes = sorted(
        {str(c.record["run"]["batch_size"]) for c in cells if "run" in c.record}
    )
    return [
        f"top1-by-batch on {dataset} is the mean of the accuracies of batches of"
        f" {', '.join(sizes)} clips, as public scripts average; a short last batch"
        " counts as much as a full one."
    ]


def _notes(dataset: str, cells: list[StoredCell]) -> list[str]:
    methods, clean = keys.methods(cells), keys.clean_references(cells)
    lacking = dict.fromkeys(methods[c.id].model for c in cells if not clean[c.id])
    limited = {methods[c.id].model: c.record.get("modalities") for c in cells}
    return [
        f"{model} on {dataset}: the source model's clean cell is not finished, so"
        " alpha and rho are undefined."
        for model in lacking
    ] + [
        f"{model} {ONLY[senses]}: corruptions of the {lacking_signal(senses)} alone are"
        " left out, since they change none of its answers."
        for model, senses in limited.items()
        if senses in ONLY
    ]
