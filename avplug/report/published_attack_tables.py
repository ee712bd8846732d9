"""A run's attacked networks beside those that papers print.

As :mod:`avplug.report.published` does it for corruptions: nothing is judged, and what
differs is listed. Of attacks a number says nothing without its budget, so the run's own
comes with the budget, PSNR and SNR, which the papers do not print.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from avplug.core.published import PublishedProtocol
from avplug.report.attack_tables import decibels
from avplug.report.attacked import AttackedCell, AttackPanel
from avplug.report.published_attack_protocol import attack_aspects
from avplug.report.published_attacks import AttackCounterpart, attack_counterparts
from avplug.report.published_match import is_dataset
from avplug.report.published_networks import name_of, seed_of
from avplug.report.published_sides import Beside, dataset_of, protocol_table
from avplug.report.published_sources import Source
from avplug.report.table import Column, Table, Value, plain

_QUANTITIES = {
    "acc_AV": "top-1 % before",
    "acc_A": "top-1 % before",
    "acc_V": "top-1 % before",
    "acc_xA": "top-1 %, A attacked",
    "acc_xV": "top-1 %, V attacked",
    "acc_xAV": "top-1 %, AV attacked",
    "attack_success_rate": "success %",
}


def beside_attacks(
    panels: Sequence[AttackPanel],
    run: Mapping[str, Any],
    sources: Sequence[Source],
    dataset: str | None = None,
) -> list[Beside]:
    """Set a run's attacked networks beside those of papers, where there are such.

    Args:
        panels: Of the run.
        run: ``run.json``.
        sources: The papers.
        dataset: See :func:`avplug.report.published.beside`.
    """
    found = []
    for source in sources:
        results = source.results
        for name in dict.fromkeys(number.dataset for number in results.numbers):
            numbers = [number for number in results.numbers if number.dataset == name]
            protocol = results.protocols.get(name, PublishedProtocol())
            pairs = [
                pair
                for panel in panels
                if is_dataset(name, dataset or dataset_of(panel))
                for pair in attack_counterparts(panel, numbers, protocol.attacks)
            ]
            if pairs:
                found.append(_beside(source, name, protocol, pairs, run))
    return found


def _beside(
    source: Source,
    dataset: str,
    protocol: PublishedProtocol,
    pairs: list[AttackCounterpart],
    run: Mapping[str, Any],
) -> Beside:
    numbers = Table(
        "published_attacks",
        f"{source.title}: {dataset}, attacked networks beside this run",
        (
            Column("model", "model", False),
            Column("method", "method", False),
            Column("corruption", "attack", False),
            Column("severity", "budget", False),
            Column("quantity", "quantity", False),
            Column("published", "published"),
            Column("own", "this run"),
            Column("difference", "difference"),
            Column("psnr", "PSNR dB"),
            Column("snr", "SNR dB"),
            Column("place", "place", False),
            Column("own_place", "in this run", False),
            Column("note", "note", False),
        ),
        tuple(_row(pair) for pair in pairs),
        f"Source: {source.words}. Difference: this run minus the published number. It"
        " says nothing by itself: see how the protocols differ. This run: mean over"
        " trainings, with the standard deviation of several; PSNR and SNR: mean over"
        " clips (worst clip), which the source does not print.",
        group=2,
    )
    differing = protocol_table(
        "published_attacks_protocol",
        f"{source.title}: {dataset}, how the protocols of attacks differ",
        attack_aspects(dataset, protocol, pairs, run),
        "A network that is described in words is not compared.",
    )
    return Beside(source, dataset, numbers, differing)


def _row(pair: AttackCounterpart) -> tuple[Value, ...]:
    number, signed = pair.number, pair.number.metric == "RI"
    sizes = decibels(pair.cells) if pair.attacked else (None, None)
    return (
        number.model,
        number.method,
        number.corruption,
        number.severity,
        _QUANTITIES.get(number.metric, number.metric),
        plain(number.value, 2, signed),
        pair.own.shown(signed),
        plain(pair.own.mean - number.value, 1, signed=True),
        *sizes,
        number.place,
        _own_place(pair),
        number.note,
    )


def _own_place(pair: AttackCounterpart) -> str:
    """Return where in the run a number is from: networks, attacks and budgets."""
    seeds: dict[str, set[int]] = {}
    for cell in pair.cells:
        seed, mine = seed_of(cell), seeds.setdefault(name_of(cell), set())
        mine |= set() if seed is None else {seed}
    networks = ", ".join(
        f"{name} #{', '.join(map(str, sorted(known)))}" if known else name
        for name, known in seeds.items()
    )
    if not pair.attacked:
        return f"{networks}; no attack"
    attacks = _joined(cell.attack for cell in pair.cells)
    known = _joined(_unusual(cell) for cell in pair.cells)
    budgets = " | ".join(dict.fromkeys(cell.budget for cell in pair.cells))
    return "; ".join(filter(None, (networks, attacks, known, budgets)))


def _unusual(cell: AttackedCell) -> str:
    return "" if cell.knowledge == "white-box" else cell.knowledge


def _joined(values: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(filter(None, values)))
