"""How a result was made: every choice that changes a number, out of the cells."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from avplug.report.labels import canonical, flatten
from avplug.report.scores import Scores

_SINGLE = ("dtype", "at", "schema")


@dataclass(frozen=True, slots=True)
class Facts:
    """Keys and values under a heading."""

    heading: str
    values: tuple[tuple[str, str], ...]


def protocol(scores: Scores) -> list[Facts]:
    """Return data sets, models, methods, corruptions, versions and hardware."""
    cells = [stored.cell for stored in scores.cells]
    found: list[Facts] = [_computation(scores)]
    for part, title in (
        ("dataset", "Data set"),
        ("model", "Model"),
        ("adaptation", "Adaptation"),
        ("attack", "Attack"),
        ("defense", "Defence"),
    ):
        for data in _distinct(cell.get(part) for cell in cells):
            found.append(Facts(f"{title} {data['name']}", _pairs(data)))
    corruptions = [Facts("Corruptions", _corruptions(cells))]
    found += [facts for facts in corruptions if facts.values]
    for versions in _distinct(cell.get("versions") for cell in cells):
        found.append(Facts("Versions", _pairs(versions)))
    for environment in _environments(scores):
        found.append(Facts("Environment", _pairs(environment)))
    if "config" in scores.run:
        found.append(Facts("Configuration", _pairs(scores.run["config"])))
    return found


def in_short(scores: Scores) -> str:
    """Return what a reader must know first, in one line."""
    cells = [stored.cell for stored in scores.cells]
    data = [
        f"{d['name']} {d['split']}, {_share(d)} clips, {d['classes']} classes"
        for d in _distinct(cell["dataset"] for cell in cells)
    ]
    profiles = _listed(c["corruption"]["profile"] for c in cells if c["corruption"])
    machines = [
        ", ".join(
            f"{key} {environment[key]}"
            for key in ("avplug", "torch", "device")
            if key in environment
        )
        for environment in _environments(scores)
    ]
    parts = [
        *data,
        f"profile {profiles}" if profiles else "",
        _streams(cells),
        f"seed {_listed(cell['seed'] for cell in cells)}",
        _listed(cell["dtype"] for cell in cells),
        *dict.fromkeys(machines),
        f"{scores.finished} of {scores.planned} cells",
    ]
    return " · ".join(part for part in parts if part)


def conventions(scores: Scores) -> list[str]:
    """Return how the numbers of the report are computed, in sentences."""
    lines = [
        "Metrics are computed from stored predictions; every clip counts once, whatever"
        " batch it was in.",
        "α = 1 − (A_clean − A)/100 and ρ = A/A_clean, where A_clean is the score of the"
        " source model on clean clips, also for adapted methods.",
        "Means give equal weight to seeds, then corruptions, then severities 1 to 5.",
        "Clips that could not be read or evaluated are counted as failed and are in no"
        " denominator.",
        "A stream through several corruptions is one cell; its predictions count under"
        " the corruption and severity that the clip was shown with.",
    ]
    if scores.resamples:
        lines.append(
            f"Intervals: 95 % percentile bootstrap, {scores.resamples} resamples of the"
            " clips, the same for every cell of a data set, so that α, ρ and gains are"
            " paired by clip. They say nothing on other training runs or seeds."
        )
    return lines


def _streams(cells: Iterable[Mapping[str, Any]]) -> str:
    """How streams of adaptation were made; "" if nothing adapts."""
    methods = [c["adaptation"] for c in cells if "order" in c["adaptation"]]
    return _listed(
        f"protocol {m.get('protocol', 'reset')}, {m['order']}, batches of "
        f"{m['batch_size']}"
        for m in methods
    )


def _share(dataset: Mapping[str, Any]) -> str:
    """How many clips, and of how many where a limit left some out."""
    clips, everything = dataset["clips"], dataset.get("of", dataset["clips"])
    share = f"{clips}" if clips == everything else f"{clips} of {everything}"
    missing = dataset.get("missing", 0)
    return f"{share} ({missing} more are not on disk)" if missing else share


def _computation(scores: Scores) -> Facts:
    cells = [stored.cell for stored in scores.cells]
    finished = sorted(str(s.record.get("finished", "")) for s in scores.cells)
    seconds = sum(float(s.record["seconds"]["total"]) for s in scores.cells)
    values = [
        ("cells", f"{scores.finished} finished of {scores.planned} planned"),
        ("seeds", _listed(cell["seed"] for cell in cells)),
        *((key, _listed(c[key] for c in cells if key in c)) for key in _SINGLE),
        ("seconds of evaluation", f"{seconds:.0f}"),
        ("last cell finished", finished[-1] if finished else ""),
        ("energy", _energy(scores)),
        ("most memory of a cell", _memory(scores)),
        ("command", str(scores.run.get("command", ""))),
    ]
    return Facts("Run", tuple((k, v) for k, v in values if v))


def _energy(scores: Scores) -> str:
    """Return the joules of all cells by processor; "" where none was counted."""
    sums: dict[str, float] = {}
    counted = 0
    records = {stored.folder: stored.record for stored in scores.cells}
    for record in records.values():
        joules = record.get("energy", {}).get("joules") or {}
        counted += bool(joules)
        for name, value in joules.items():
            sums[name] = sums.get(name, 0.0) + float(value)
    shown = ", ".join(f"{name} {value:.0f} J" for name, value in sums.items())
    return f"{shown}, counted in {counted} of {len(records)} cells" if sums else ""


def _memory(scores: Scores) -> str:
    found = [s.record["memory"] for s in scores.cells if "memory" in s.record]
    if not found:
        return ""
    most = max(found, key=lambda memory: memory["bytes"])
    return f"{most['bytes'] / 1e6:.0f} MB, {most['measure']}"


def _environments(scores: Scores) -> list[dict[str, Any]]:
    """Return what the cells were made with; most share one."""
    named = {canonical(s.record.get("environment")): s for s in scores.cells}
    return _distinct(stored.environment() for stored in named.values())


def _corruptions(cells: Iterable[Mapping[str, Any]]) -> tuple[tuple[str, str], ...]:
    rows = []
    for data in _distinct(cell["corruption"] for cell in cells):
        rest = {k: v for k, v in data.items() if k != "name"}
        settings = ", ".join(f"{k} {v}" for k, v in flatten(rest).items())
        rows.append((str(data["name"]), settings))
    return tuple(rows)


def _distinct(items: Iterable[Any]) -> list[dict[str, Any]]:
    return list({canonical(item): item for item in items if item}.values())


def _listed(values: Iterable[Any]) -> str:
    return ", ".join(map(str, dict.fromkeys(values)))


def _pairs(data: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    return tuple(flatten(data).items())
