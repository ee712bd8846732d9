"""The tables of ICLR'25 (arXiv 2502.11858): trainings with their cost, transfers."""

from __future__ import annotations

from collections.abc import Sequence

from avplug.bench.threats import describe
from avplug.report.attack_tables import decibels
from avplug.report.attacked import SENSES, AttackedCell
from avplug.report.labels import canonical
from avplug.report.paper_source import (
    Layout,
    Source,
    attacks_of,
    mean_of,
    shown,
    spread,
    successes,
    threats_of,
    training_of,
    values,
)
from avplug.report.table import Column, Table, Value


def by_success(source: Source, layout: Layout) -> list[Table]:
    """Return a table of networks by attacks for each budget and attacked senses."""
    tables = []
    trained = [c for c in source.find() if training_of(c) in layout.rows]
    for threat, example in threats_of(trained).items():
        for senses in SENSES:
            cells = source.find(threat=threat, senses=senses)
            if any(training_of(cell) in layout.rows for cell in cells):
                tables.append(_success_table(source, layout, example, senses, cells))
    return tables


def _success_table(
    source: Source,
    layout: Layout,
    example: AttackedCell,
    senses: str,
    cells: Sequence[AttackedCell],
) -> Table:
    attacks = attacks_of(source, layout)
    rows: list[tuple[Value, ...]] = []
    for training, name in layout.rows.items():
        mine = [cell for cell in cells if training_of(cell) == training]
        if not mine:
            continue
        row: list[Value] = [name, shown(source.clean(training))]
        for attack in attacks:
            met = [cell for cell in mine if cell.attack == attack]
            row += [shown(values(met)), shown(successes(met))]
        costs = [c for c in source.costs if c["name"] == training]
        for key, digits in (("seconds", 1), ("forwards", 0), ("backwards", 0)):
            found = spread((int(c["seed"]), float(c[key])) for c in costs)
            row.append(found.shown(digits=digits) if found else None)
        rows.append((*row, *decibels(mine)))
    heads = [
        Column(f"{attack}-{what}", f"{attack} {words}")
        for attack in attacks
        for what, words in (("accuracy", "%"), ("success", "success %"))
    ]
    return Table(
        "",
        f"{layout.title}; {describe(example.threat.only(senses))};"
        f" {source.panel.metric.title} on {source.panel.dataset}",
        (
            Column("network", "network", False),
            Column("clean", "clean"),
            *heads,
            Column("seconds", "s/epoch"),
            Column("forwards", "forwards/epoch"),
            Column("backwards", "backwards/epoch"),
            Column("psnr", "PSNR dB"),
            Column("snr", "SNR dB"),
        ),
        tuple(rows),
        "Accuracy under attack is of all clips, success of those that were right"
        " before. forwards, backwards: passes of one clip that crafting took in an"
        " epoch of the training; one over an excerpt counts whole, the seconds tell."
        " Seconds are of the machine that trained. White-box attacks.",
    )


def by_transfer(source: Source, layout: Layout) -> list[Table]:
    """Return a matrix for each attack, budget and attacked senses that was crossed."""
    tables = []
    made = [cell for cell in source.cells if _origin(cell) in layout.rows]
    crossed = [cell for cell in made if cell.about.get("surrogates")]
    settings = dict.fromkeys((c.attack, *_setting(c)) for c in crossed)
    for attack, senses, threat in settings:
        cells = [
            c for c in made if (c.attack, *_setting(c)) == (attack, senses, threat)
        ]
        tables.append(_matrix(source, layout, cells))
    return tables


def _setting(cell: AttackedCell) -> tuple[str, str]:
    return cell.senses, canonical(cell.about["threat"])


def _origin(cell: AttackedCell) -> str:
    """Return the training of the one network that an attack was made on; "" of more."""
    surrogates = cell.about.get("surrogates")
    if not surrogates:
        return training_of(cell)
    if len(surrogates) > 1:
        return ""
    return str(surrogates[0].get("training", {}).get("name", ""))


def _matrix(source: Source, layout: Layout, cells: Sequence[AttackedCell]) -> Table:
    names = [name for name in layout.rows if any(training_of(c) == name for c in cells)]
    rows: list[tuple[Value, ...]] = []
    for origin in names:
        mine = [cell for cell in cells if _origin(cell) == origin]
        met = [
            successes(cell for cell in mine if training_of(cell) == victim)
            for victim in names
        ]
        others = [s for s, victim in zip(met, names, strict=True) if victim != origin]
        black = mean_of(others)
        row = (layout.rows[origin], *map(shown, met), shown(black))
        rows.append((*row, *decibels(mine)))
    example = cells[0]
    return Table(
        "",
        f"{layout.title}; {example.attack}, {example.budget}; success % on"
        f" {source.panel.dataset}",
        (
            Column("origin", "made on", False),
            *(Column(f"on-{name}", layout.rows[name]) for name in names),
            Column("black", "black-box"),
            Column("psnr", "PSNR dB"),
            Column("snr", "SNR dB"),
        ),
        tuple(rows),
        "Of the clips that the network of the column had right, those that it has no"
        " more. On the diagonal the attack is white-box; black-box: the mean of the"
        " others in the row. Networks of one seed attack each other.",
    )
