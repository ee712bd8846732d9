"""What the caption of a table or figure says: every choice that changes its numbers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from avplug.bench.store import StoredCell
from avplug.core.senses import ONLY
from avplug.report.attacked import brief, threat_of
from avplug.report.keys import model_name
from avplug.report.labels import canonical
from avplug.report.statistics import LEVEL

#: Characters of a hash that name weights in print.
SHORT = 8


def caption(cells: Sequence[StoredCell], resamples: int | None) -> list[str]:
    """Return what the cells were made with, in sentences; nothing of no cells.

    Data with their subset, weights, dtype, batch size, seeds, profile, reset protocol
    and order of adaptation, budgets, failures, and what intervals stand for.

    Args:
        cells: Those behind the numbers; of streams their segments.
        resamples: Of the bootstrap; 0 for no intervals, None to say nothing of them.
    """
    if not cells:
        return []
    identities = [stored.cell for stored in cells]
    parts = [
        *map(_data, _distinct(cell["dataset"] for cell in identities)),
        *_models(cells),
        _corruptions(identities),
        _adaptation(identities),
        *_defenses(identities),
        _budgets(identities),
        _computation(cells),
        _failures(cells),
        _intervals(resamples),
    ]
    return [f"{part}." for part in parts if part]


def _data(data: Mapping[str, Any]) -> str:
    clips, of = data["clips"], data.get("of", data["clips"])
    share = f"all {clips} clips" if clips == of else f"{clips} of {of} clips"
    missing = f", {data['missing']} more not on disk" if data.get("missing") else ""
    return f"Data: {data['name']}, split {data['split']}, {share}{missing}"


def _models(cells: Iterable[StoredCell]) -> Iterator[str]:
    for cell in {canonical(c.cell["model"]): c for c in cells}.values():
        model = cell.cell["model"]
        weights = model.get("weights")
        named = f"weights {str(weights)[:SHORT]}" if weights else "untrained or unnamed"
        only = ONLY.get(cell.record.get("modalities", ""))
        yield ", ".join(filter(None, (f"Model: {model_name(model)}", only, named)))


def _corruptions(cells: Iterable[Mapping[str, Any]]) -> str:
    about = [cell["corruption"] for cell in cells if cell["corruption"]]
    if not about:
        return ""
    parts = [f"profile {_listed(c.get('profile', 'paper') for c in about)}"]
    senses = [str(c.get("modalities", "av")) for c in about]
    if set(senses) != {"av"}:
        parts.append(f"senses {_listed(senses)}")
    places = [cell["at"] for cell in cells if "at" in cell and cell["corruption"]]
    parts += [f"applied at {_listed(places)}"] if places else []
    return f"Corruptions: {', '.join(parts)}"


def _adaptation(cells: Iterable[Mapping[str, Any]]) -> str:
    names: dict[str, list[str]] = {}
    for method in (c["adaptation"] for c in cells if "order" in c["adaptation"]):
        names.setdefault(_stream(method), []).append(str(method["name"]))
    return "; ".join(
        f"Adaptation of {_listed(methods)}: {settings}"
        for settings, methods in names.items()
    )


def _stream(method: Mapping[str, Any]) -> str:
    parts = (
        f"protocol {method.get('protocol', 'reset')}",
        f"reset {method['reset']}" if "reset" in method else "",
        f"order {method['order']}",
        f"batches of {method['batch_size']}",
        _WHEN.get(str(method.get("predicts")), ""),
    )
    return ", ".join(filter(None, parts))


_WHEN = {"pre": "predicts before the update", "post": "predicts after the update"}


def _defenses(cells: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    names = [cell["defense"]["name"] for cell in cells if cell.get("defense")]
    if names:
        yield f"Defence: {_listed(names)}"


def _budgets(cells: Iterable[Mapping[str, Any]]) -> str:
    threats = [c["attack"]["threat"] for c in cells if c.get("attack")]
    shown = dict.fromkeys(brief(threat_of(dict(threat))) for threat in threats)
    return f"Budgets: {'; '.join(shown)}" if shown else ""


def _computation(cells: Sequence[StoredCell]) -> str:
    sizes = [c.record["run"]["batch_size"] for c in cells if "run" in c.record]
    parts = [
        _listed(c.cell["dtype"] for c in cells),
        f"batch size {_listed(sizes)}" if sizes else "",
        f"seeds {_listed(sorted({int(c.cell['seed']) for c in cells}))}",
    ]
    return f"Computed in {', '.join(filter(None, parts))}"


def _failures(cells: Iterable[StoredCell]) -> str:
    most = max(int(cell.record["clips"]["failed"]) for cell in cells)
    return f"Clips that failed, in no mean: up to {most} of a cell" if most else ""


def _intervals(resamples: int | None) -> str:
    if not resamples:
        return "" if resamples is None else "No intervals"
    return (
        f"Intervals: {100 * LEVEL:.0f} %, percentile bootstrap over clips,"
        f" {resamples} resamples"
    )


def _distinct(items: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return list({canonical(item): item for item in items}.values())


def _listed(values: Iterable[Any]) -> str:
    return ", ".join(map(str, dict.fromkeys(values)))
