"""In what a run and a paper's numbers differ, out of the run's own record."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from avplug.bench.store import StoredCell
from avplug.core.published import PublishedProtocol
from avplug.report.published_match import FIFTEEN, Counterpart, plain_name

_SAME, _OTHER, _OPEN = "same", "differs", "not known"
_SENSES = {"av": "both", "v": "the picture", "a": "the sound"}


@dataclass(frozen=True, slots=True)
class Aspect:
    """One choice that may change a number.

    Args:
        name: What is chosen.
        published: As the source says.
        own: As the run's record says.
        finding: ``"same"``, ``"differs"`` or ``"not known"``.
    """

    name: str
    published: str
    own: str
    finding: str


def aspects(
    protocol: PublishedProtocol, pairs: Sequence[Counterpart], run: Mapping[str, Any]
) -> list[Aspect]:
    """Compare what a source says of its protocol with the cells behind a comparison.

    Args:
        protocol: Of the source, on this data set.
        pairs: At least one.
        run: ``run.json``.
    """
    cells = _cells(pairs)
    return [
        *of_clips(protocol, cells),
        *_weights(protocol, pairs, cells, run),
        *_corruptions(protocol, pairs, cells, run),
        *_averaging(protocol, pairs, cells),
        *_adaptations(protocol, pairs, cells),
    ]


def _cells(pairs: Sequence[Counterpart]) -> list[StoredCell]:
    methods = {(id(pair.panel), pair.method) for pair in pairs}
    cells = {
        cell.stored.id: cell.stored
        for pair in pairs
        for cell in pair.panel.cells
        if (id(pair.panel), cell.method) in methods
    }
    return list(cells.values())


def of_clips(
    protocol: PublishedProtocol, cells: Sequence[StoredCell]
) -> Iterable[Aspect]:
    """Yield how many clips and classes there were, and whether by the same list."""
    evaluated = [int(cell.record["clips"]["evaluated"]) for cell in cells]
    failed = max(int(cell.record["clips"]["failed"]) for cell in cells)
    missing = max(int(cell.cell["dataset"].get("missing", 0)) for cell in cells)
    own = span(evaluated)
    own += f", {failed} failed" if failed else ""
    own += f", {missing} not on disk" if missing else ""
    same = set(evaluated) == {protocol.clips}
    yield aspect("clips", protocol.clips or "", own, same)
    classes = dict.fromkeys(int(cell.cell["dataset"]["classes"]) for cell in cells)
    same = list(classes) == [protocol.classes]
    yield aspect("classes", protocol.classes or "", span(classes), same)
    if protocol.clip_list:
        ids = sorted(map(str, cells[0].predictions().ids))
        digest = hashlib.sha256("\n".join(ids).encode()).hexdigest()
        # Ids may be written otherwise: only an equal hash proves something.
        words = "the same ids" if digest == protocol.clip_list else "another list"
        listed = f"SHA-256 {protocol.clip_list[:12]}…"
        same = digest == protocol.clip_list
        yield aspect("list of clips", listed, f"{words} ({digest[:12]}…)", same)


def _weights(
    protocol: PublishedProtocol,
    pairs: Sequence[Counterpart],
    cells: list[StoredCell],
    run: Mapping[str, Any],
) -> Iterable[Aspect]:
    asked = [str(name) for name in (run.get("config") or {}).get("weights", ())]
    for model in dict.fromkeys(str(cell.cell["model"]["name"]) for cell in cells):
        mine = [c.cell["model"] for c in cells if c.cell["model"]["name"] == model]
        names = (name for name in protocol.weights if _alike(name, model))
        stated = protocol.weights.get(next(names, ""), "")
        digests = dict.fromkeys(str(about.get("weights", "")) for about in mine)
        variants = dict.fromkeys(str(about.get("variant") or "") for about in mine)
        shown = [f"SHA-256 {digest[:12]}…" for digest in digests if digest]
        own = ", ".join([*asked, *filter(None, variants), *shown]) or "none"
        same = bool(stated) and any(stated in name for name in asked)
        yield aspect(f"weights of {model}", stated, own, same)
    if any(pair.number.model == "unknown" for pair in pairs):
        models = dict.fromkeys(pair.method.model for pair in pairs)
        yield Aspect("model", "not named", ", ".join(models), _OPEN)


def _corruptions(
    protocol: PublishedProtocol,
    pairs: Sequence[Counterpart],
    cells: list[StoredCell],
    run: Mapping[str, Any],
) -> Iterable[Aspect]:
    about = [cell.cell["corruption"] for cell in cells if cell.cell["corruption"]]
    if not about:
        return
    means = [p.corruptions for p in pairs if p.number.corruption == "mean15"]
    if means:
        own = f"{span(means)} of {len(FIFTEEN)}"
        yield aspect("corruptions in the mean", "15", own, set(means) == {15})
    severities = sorted({int(c.cell["severity"]) for c in cells} - {0})
    shown = ", ".join(map(str, severities))
    stated = protocol.severity
    same = stated in severities
    yield aspect("severity", stated or "", shown, same)
    senses = dict.fromkeys(str(row.get("modalities", "av")) for row in about)
    yield aspect(
        "corrupted senses",
        _SENSES.get(protocol.senses, ""),
        ", ".join(_SENSES.get(s, s) for s in senses),
        list(senses) == [protocol.senses],
    )
    own = "; ".join(dict.fromkeys(_made(row, run) for row in about))
    yield aspect("made by", protocol.corruptions, own, False)
    own = "; ".join(dict.fromkeys(map(_prepared, cells)))
    yield aspect("preparation", protocol.preparation, own, False)


def _made(about: Mapping[str, Any], run: Mapping[str, Any]) -> str:
    if "premade" in about:
        return f"somebody before the run: files {about['premade']}, as they are on disk"
    recorded = (run.get("config") or {}).get("recordings")
    sounds = "recordings of the user" if recorded else "sounds of its own"
    provider, profile = (about.get(k, "not stated") for k in ("provider", "profile"))
    return f"{provider}, profile {profile}, {sounds}"


def _prepared(cell: StoredCell) -> str:
    wanted = cell.cell["model"].get("input", {})
    picks, grid = wanted.get("picks"), wanted.get("grid")
    frames = f"frames {', '.join(map(str, picks))} of {grid}, " if picks else ""
    size = f"size {wanted['size']}, " if "size" in wanted else ""
    return f"{frames}{size}corrupted at {cell.cell.get('at', 'model-input')}"


def _averaging(
    protocol: PublishedProtocol, pairs: Sequence[Counterpart], cells: list[StoredCell]
) -> Iterable[Aspect]:
    sizes = dict.fromkeys(str(c.record.get("run", {}).get("batch_size")) for c in cells)
    batched = [pair.panel.metric.name == "top1-by-batch" for pair in pairs]
    kinds = []
    if not all(batched):
        kinds.append("each clip once")
    if any(batched):
        kinds.append(f"mean of batches of {', '.join(sizes)}")
    batch = f" of {protocol.evaluation_batch}" if protocol.evaluation_batch else ""
    stated = {"batches": f"mean of batches{batch}", "clips": "each clip once"}
    same = protocol.averaging == "clips" and not any(batched)
    if protocol.averaging == "batches":
        same = all(batched) and list(sizes) == [str(protocol.evaluation_batch)]
    said = stated.get(protocol.averaging, "")
    yield aspect("averaging", said, "; ".join(kinds), same)
    seeds = sorted({int(cell.cell["seed"]) for cell in cells})
    many = f"mean of {len(seeds)} seeds" if len(seeds) > 1 else f"seed {seeds[0]}"
    yield aspect("runs", protocol.runs, many, False)


def _adaptations(
    protocol: PublishedProtocol, pairs: Sequence[Counterpart], cells: list[StoredCell]
) -> Iterable[Aspect]:
    names = dict.fromkeys(p.number.method for p in pairs if not p.method.source)
    for name in names:
        mine = [
            cell.cell["adaptation"]
            for cell in cells
            if _alike(str(cell.cell["adaptation"]["name"]), name)
        ]

        def values(key: str, mine: list[Any] = mine) -> str:
            return ", ".join(dict.fromkeys(str(row.get(key, "")) for row in mine))

        rates = dict.fromkeys(row.get("options", {}).get("lr") for row in mine)
        rate = protocol.rates.get(name)
        size = protocol.batch_size
        yield aspect(
            f"{name}: batch size",
            size or "",
            values("batch_size"),
            values("batch_size") == str(size),
        )
        yield aspect(
            f"{name}: learning rate",
            f"{rate:g}" if rate else "",
            ", ".join("default of avplug" if r is None else f"{r:g}" for r in rates),
            set(rates) == {rate},
        )
        yield aspect(
            f"{name}: forgets",
            protocol.reset,
            values("protocol") or "reset",
            (values("protocol") or "reset") == protocol.reset,
        )
        order = values("order")
        yield aspect(
            f"{name}: order", protocol.order, order, plain_name(order) == protocol.order
        )
        asked = {"pre": "before the update", "post": "after the update"}
        when = values("predicts")
        yield aspect(f"{name}: answers", "", asked.get(when, when), False)


def aspect(name: str, published: object, own: str, same: bool) -> Aspect:
    """Return an aspect; what the source does not say (empty) is not known."""
    known = str(published)
    return Aspect(name, known or "not stated", own, _finding(known, same))


def _finding(published: str, same: bool) -> str:
    if not published:
        return _OPEN
    return _SAME if same else _OTHER


def _alike(first: str, second: str) -> bool:
    return plain_name(first) == plain_name(second)


def span(values: Iterable[int]) -> str:
    """Return the one value, or the smallest and the largest."""
    low, *rest = sorted(set(values))
    return f"{low} to {rest[-1]}" if rest else f"{low}"
