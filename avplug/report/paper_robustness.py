"""The tables of CVPR'21 (arXiv 2104.02000): attacks, fusions and defences by sense."""

from __future__ import annotations

import statistics
from collections.abc import Mapping

from avplug.bench.threats import describe
from avplug.core.attack import Budget
from avplug.report.attack_tables import decibels
from avplug.report.attacked import SENSES, AttackedCell
from avplug.report.labels import canonical
from avplug.report.paper_source import (
    Layout,
    Source,
    Spread,
    attacks_of,
    combined,
    mean_of,
    shown,
    threats_of,
    training_of,
    values,
)
from avplug.report.table import Column, Table, Value


def by_attacks(source: Source, layout: Layout) -> list[Table]:
    """Return the table of attacks by attacked senses and their budgets."""
    main = next(iter(layout.rows))
    cells = source.find(training=main)
    columns = {(c.senses, canonical(c.about["threat"])): c for c in cells}
    order = sorted(columns, key=lambda key: (SENSES.index(key[0]), _size(columns[key])))
    if not order:
        return []
    rows: list[tuple[Value, ...]] = []
    for attack in attacks_of(source, layout):
        mine = {
            k: [c for c in cells if c.attack == attack and _key(c) == k] for k in order
        }
        met = [cell for group in mine.values() for cell in group]
        found = {key: values(group) for key, group in mine.items()}
        strongest = {key[0]: found[key] for key in order if key[0] != "av"}
        weakest = next((found[key] for key in order if key[0] == "av"), None)
        average = mean_of([*strongest.values(), weakest])
        rows.append(
            (attack, *map(shown, found.values()), shown(average), *decibels(met))
        )
    before = ", ".join(
        f"{name} {clean}"
        for training, name in layout.rows.items()
        if (clean := source.clean(training))
    )
    budgets = "; ".join(dict.fromkeys(_allowed(columns[key]) for key in order))
    return [
        Table(
            "",
            f"{layout.title}; {source.panel.metric.title}, {layout.rows[main]}, on"
            f" {source.panel.dataset}",
            (
                Column("attack", "attack", False),
                *(
                    Column(f"{senses}-{i}", f"{senses.upper()} {_short(columns[key])}")
                    for i, key in enumerate(order)
                    for senses in [key[0]]
                ),
                Column("mean", "Avg"),
                Column("psnr", "PSNR dB"),
                Column("snr", "SNR dB"),
            ),
            tuple(rows),
            f"Before any attack: {before}. Avg: of A and V within their largest budget"
            f" and AV within its smallest. PSNR, SNR: over all columns. {budgets}.",
        )
    ]


def _key(cell: AttackedCell) -> tuple[str, str]:
    return cell.senses, canonical(cell.about["threat"])


def _size(cell: AttackedCell) -> float:
    allowed = cell.threat.only(cell.senses)
    return sum(b.epsilon for b in (allowed.video, allowed.audio) if b)


def _allowed(cell: AttackedCell) -> str:
    return describe(cell.threat.only(cell.senses))


def _short(cell: AttackedCell) -> str:
    """Return the budget of the attacked senses in a column's title."""
    allowed = cell.threat.only(cell.senses)
    return " + ".join(_epsilon(b) for b in (allowed.audio, allowed.video) if b)


def _epsilon(budget: Budget) -> str:
    if budget.unit != "pixel":
        return f"{budget.epsilon:.3g} {budget.norm}"
    mean = statistics.fmean(budget.scale) * budget.epsilon * 255
    return f"{mean:.2g}/255 {budget.norm}"


def by_senses(source: Source, layout: Layout) -> list[Table]:
    """Return a table of networks by senses for each attack and budget."""
    tables = []
    for attack in attacks_of(source, layout):
        met = [c for c in source.find(attack=attack) if training_of(c) in layout.rows]
        for threat, example in threats_of(met).items():
            rows = _network_rows(source, layout, attack, threat)
            if len(rows) > 1:
                tables.append(_senses_table(source, layout, example, rows))
    return tables


def _network_rows(
    source: Source, layout: Layout, attack: str, threat: str
) -> list[tuple[Value, ...]]:
    base = _scores(source, layout.base, attack, threat)
    rows: list[tuple[Value, ...]] = []
    for training, name in layout.rows.items():
        cells = source.find(training=training, attack=attack, threat=threat)
        mine = _scores(source, training, attack, threat)
        if not cells or any(mine[key] is None for key in SENSES):
            continue
        gain = combined(
            [mine["clean"], mine["mean"], base["clean"], base["mean"]], [1, 1, -1, -1]
        )
        ri = None if training == layout.base or gain is None else gain.shown(True)
        four = mean_of([mine["clean"], *(mine[key] for key in SENSES)])
        numbers = [mine[key] for key in ("clean", *SENSES, "mean")]
        row = (name, *map(shown, numbers), ri, shown(four), _bias(mine))
        rows.append((*row, *decibels(cells)))
    return rows


def _scores(
    source: Source, training: str, attack: str, threat: str
) -> dict[str, Spread | None]:
    found: dict[str, Spread | None] = {"clean": source.clean(training)}
    for senses in SENSES:
        cells = source.find(training=training, attack=attack, threat=threat)
        found[senses] = values(cell for cell in cells if cell.senses == senses)
    return {**found, "mean": mean_of([found[senses] for senses in SENSES])}


def _bias(scores: Mapping[str, Spread | None]) -> str | None:
    """Return |A - V| / clean, which RI does not see."""
    a, v, clean = (scores[key] for key in ("a", "v", "clean"))
    if a is None or v is None or clean is None or not clean.mean:
        return None
    return f"{abs(a.mean - v.mean) / clean.mean:.2f}"


def _senses_table(
    source: Source,
    layout: Layout,
    example: AttackedCell,
    rows: list[tuple[Value, ...]],
) -> Table:
    return Table(
        "",
        f"{layout.title}; {example.attack}, {describe(example.threat)};"
        f" {source.panel.metric.title} on {source.panel.dataset}",
        (
            Column("network", "network", False),
            Column("clean", "clean"),
            *(Column(senses, f"✗{senses.upper()}") for senses in SENSES),
            Column("mean", "Avg"),
            Column("ri", "RI"),
            Column("mean4", "Avg with clean"),
            Column("bias", "bias"),
            Column("psnr", "PSNR dB"),
            Column("snr", "SNR dB"),
        ),
        tuple(rows),
        "✗A, ✗V, ✗AV: the sound, the picture, both are attacked. Avg: their mean; Avg"
        " with clean: of all four, as Table 2 of CVPR'21 has it. RI: (clean + Avg) less"
        f" that of {layout.rows.get(layout.base, layout.base)}. bias: |✗A − ✗V| /"
        " clean, which RI does not see. White-box attacks.",
    )
