"""Which cells belong together: methods, corruptions and clean references.

Everything in a cell's identity that is neither its condition (corruption, severity,
place in a stream, seed) nor its treatment (adaptation, attack, defence) nor what was
only looked at besides makes its subject: data set, model, dtype and whatever a later
schema adds. A method is a subject under a treatment.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from avplug.bench.store import StoredCell
from avplug.report.labels import canonical, distinguish
from avplug.report.panel import Condition, Method

_CONDITION = (
    "schema",
    "corruption",
    "severity",
    "segment",
    "seed",
    "probes",
    "versions",
)
_TREATMENT = ("adaptation", "attack", "defense")


def methods(cells: list[StoredCell]) -> dict[str, Method]:
    """Return the method of each cell by its id, with labels that tell them apart."""
    subjects = {_subject(c): _without(c, _CONDITION + _TREATMENT) for c in cells}
    models = [model_name(subject["model"]) for subject in subjects.values()]
    subject = _named(subjects, models)
    treatments = {_treatment(c): _only(c, _TREATMENT) for c in cells}
    names = [_treatment_name(treatment) for treatment in treatments.values()]
    treatment = _named(treatments, names)
    return {
        c.id: Method(subject[_subject(c)], treatment[_treatment(c)], is_source(c))
        for c in cells
    }


def conditions(cells: list[StoredCell]) -> dict[str, Condition | None]:
    """Return the corruption of each cell by its id; None for clean clips."""
    corruptions = {
        canonical(c.cell["corruption"]): c.cell["corruption"]
        for c in cells
        if c.cell["corruption"]
    }
    label = _named(corruptions, [str(c["name"]) for c in corruptions.values()])
    found: dict[str, Condition | None] = {}
    for cell in cells:
        corruption = cell.cell["corruption"]
        found[cell.id] = None
        if corruption:
            category = str(corruption.get("category", "other"))
            found[cell.id] = Condition(label[canonical(corruption)], category)
    return found


def clean_references(cells: list[StoredCell]) -> dict[str, StoredCell | None]:
    """Return, by a cell's id, the clean cell of its source model.

    The one of the same seed if there is one, else the first: a seed does not change
    the answers of a source model.
    """
    exact: dict[tuple[str, int], StoredCell] = {}
    first: dict[str, StoredCell] = {}
    for cell in cells:
        if cell.cell["severity"] == 0 and is_source(cell):
            exact[_subject(cell), cell.cell["seed"]] = cell
            first.setdefault(_subject(cell), cell)
    return {
        c.id: exact.get((_subject(c), c.cell["seed"])) or first.get(_subject(c))
        for c in cells
    }


def is_source(cell: StoredCell) -> bool:
    """Whether the cell shows the model as it is, without treatment."""
    treated = any(cell.cell.get(key) for key in ("attack", "defense"))
    return cell.cell["adaptation"]["name"] == "source" and not treated


def _named(settings: dict[str, dict[str, Any]], names: list[str]) -> dict[str, str]:
    labels = distinguish(names, list(settings.values()))
    return dict(zip(settings, labels, strict=True))


def model_name(model: dict[str, Any]) -> str:
    """Return how a model's identity is called: ``name``, or ``name:variant``.

    One whose training has a name is called by that and the training's seed.
    """
    if training := model.get("training"):
        return f"{training['name']} #{training['seed']}"
    variant = model.get("variant")
    return f"{model['name']}:{variant}" if variant else str(model["name"])


def _treatment_name(treatment: dict[str, Any]) -> str:
    return " + ".join(str(part["name"]) for part in treatment.values() if part)


def _without(cell: StoredCell, keys: Iterable[str]) -> dict[str, Any]:
    return {k: v for k, v in cell.cell.items() if k not in keys}


def _only(cell: StoredCell, keys: Iterable[str]) -> dict[str, Any]:
    return {k: cell.cell[k] for k in keys if k in cell.cell}


def _subject(cell: StoredCell) -> str:
    return canonical(_without(cell, _CONDITION + _TREATMENT))


def _treatment(cell: StoredCell) -> str:
    return canonical(_only(cell, _TREATMENT))
