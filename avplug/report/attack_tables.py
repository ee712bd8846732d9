"""The tables of attacked cells. None shows a score without budget, PSNR and SNR."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from avplug.report.attacked import (
    SENSES,
    AttackedCell,
    AttackPanel,
    averaged,
    brief,
)
from avplug.report.statistics import Draws, Estimate, estimate
from avplug.report.table import Column, Number, Table, Value, plain


def attack_tables(panel: AttackPanel) -> list[Table]:
    """Return the tables of a panel, in their order."""
    return [summary(panel), cells(panel), cost(panel)]


def summary(panel: AttackPanel) -> Table:
    """Return the metric under attacks on A, V and both, a row for each setting.

    Budgets of nothing and of everything only test attacks: they are left out.
    """
    shown = {k: group for k, group in panel.groups.items() if group[0].ordinary}
    means = {key: _means(group) for key, group in shown.items()}
    rows: list[tuple[Value, ...]] = []
    for key, group in shown.items():
        one, mine = group[-1], means[key]
        base = next(
            (
                other
                for other_key, other in means.items()
                if other_key[1:] == key[1:]
                and other_key[0].model == panel.base
                and other_key[0].adaptation == key[0].adaptation
            ),
            None,
        )
        gain = None
        if base is not None and one.method.model != panel.base:
            gain = _improvement(mine, base)
        rows.append(
            (
                *head(panel, one),
                brief(one.threat.only("".join(cell.senses for cell in group))),
                *(_number(mine.get(name)) for name in ("clean", *SENSES, "mean")),
                Number(gain, signed=True) if gain else None,
                _bias(mine),
                *decibels(group),
            )
        )
    name = panel.metric.name
    return Table(
        "attacks",
        f"{panel.metric.title} under attack on {panel.dataset}",
        (
            *head_columns(panel),
            Column("budget", "budget", False),
            Column("clean", f"{name} % before"),
            Column("a", "A"),
            Column("v", "V"),
            Column("av", "AV"),
            Column("mean", "Avg"),
            Column("ri", "RI"),
            Column("bias", "bias"),
            Column("psnr", "PSNR dB"),
            Column("snr", "SNR dB"),
        ),
        tuple(rows),
        "Of all clips that were evaluated, right before or not. A, V, AV: the sound,"
        " the picture, both are attacked; Avg: their mean. RI: (before + Avg) less"
        f" that of {panel.base} (arXiv 2104.02000). bias: |A − V| / before; 1 where one"
        " sense decides alone, which RI rewards. Only rows that read robust may be"
        " called so: a transfer adapts to clips made for other weights, a control does"
        " not look at the model, and no budget left its own. PSNR and"
        " SNR: mean over clips (worst clip). Budgets: V in grey levels of 255, of each"
        " colour where they differ, A in amplitude.",
        group=len(head_columns(panel)),
    )


def cells(panel: AttackPanel) -> Table:
    """Return every attacked cell: success, sizes, and what saving leaves of it."""
    rows: list[tuple[Value, ...]] = []
    for cell in panel.cells:
        facts = cell.facts
        success = cell.success()
        share = None
        if success and success[1]:
            share = f"{100 * success[0] / success[1]:.1f} ({success[0]}/{success[1]})"
        evaluated = int(cell.stored.record["clips"]["evaluated"])
        kept = facts.get("saved")
        outside = facts["outside"] + facts["invalid"]
        rows.append(
            (
                *head(panel, cell),
                cell.senses,
                cell.budget,
                cell.seed,
                Number(estimate(cell.value)),
                f"{facts['right']}/{evaluated}",
                share,
                None if kept is None else plain(100 * kept / evaluated),
                *decibels([cell]),
                _signed(facts["db_x"]["mean"]),
                f"{255 * facts['largest']['video']:.2f}",
                f"{facts['largest']['audio']:.4f}",
                f"OUTSIDE {outside}/{facts['clips']}" if outside else "inside",
            )
        )
    return Table(
        "attacked_cells",
        f"Every attacked cell on {panel.dataset}",
        (
            *head_columns(panel),
            Column("senses", "senses", False),
            Column("budget", "budget", False),
            Column("seed", "seed"),
            Column("value", f"{panel.metric.name} %"),
            Column("right", "right"),
            Column("success", "success %"),
            Column("saved", "saved %"),
            Column("psnr", "PSNR dB"),
            Column("snr", "SNR dB"),
            Column("db_x", "dB_x"),
            Column("largest_video", "max |δ| of 255"),
            Column("largest_audio", "max |δ| amplitude"),
            Column("ball", "ball", False),
        ),
        tuple(rows),
        "right: clips whose best class is a label, of all evaluated. success: of the"
        " clips that were right without the attack, those that no longer are. saved:"
        " top-1 of all clips after rounding to 8 bits and PCM16. dB_x: peak of the"
        " perturbation against that of the sound, mean. OUTSIDE: the perturbation left"
        " its budget or the valid range: its score stands for no budget.",
    )


def cost(panel: AttackPanel) -> Table:
    """Return passes, seconds and losses by setting."""
    rows: list[tuple[Value, ...]] = []
    for cell in panel.cells:
        facts = cell.facts
        clips = max(1, int(facts["clips"]))
        spent = float(cell.stored.record["seconds"].get("attack", 0.0))
        history = [value for value in facts["history"] if value is not None]
        rows.append(
            (
                *head(panel, cell),
                cell.senses,
                cell.budget,
                plain(facts["forwards"] / clips),
                plain(facts["backwards"] / clips),
                plain(spent / clips, 3),
                plain(100 * facts["flat"] / clips),
                plain(history[0], 3) if history else None,
                plain(history[-1], 3) if history else None,
            )
        )
    return Table(
        "attack_cost",
        f"What the attacks cost on {panel.dataset}",
        (
            *head_columns(panel),
            Column("senses", "senses", False),
            Column("budget", "budget", False),
            Column("forwards", "forwards"),
            Column("backwards", "backwards"),
            Column("seconds", "seconds"),
            Column("flat", "flat %"),
            Column("first_loss", "first loss"),
            Column("last_loss", "last loss"),
        ),
        tuple(rows),
        "For each clip. Passes of learning a universal perturbation are not among"
        " them. flat: clips whose first gradient was zero. Losses: mean over clips at"
        " the first and the last step.",
    )


def _means(group: Sequence[AttackedCell]) -> dict[str, Draws]:
    """Return the draws by sense, before the attack, and of the mean of all three."""
    found: dict[str, Draws] = {}
    for senses in SENSES:
        values = [cell.value for cell in group if cell.senses == senses]
        if values:
            found[senses] = np.mean(values, axis=0)
    before = [cell.clean_value for cell in group if cell.clean_value is not None]
    if before:
        found["clean"] = np.mean(before, axis=0)
    if all(senses in found for senses in SENSES):
        found["mean"] = np.mean([found[senses] for senses in SENSES], axis=0)
    return found


def _improvement(mine: dict[str, Draws], base: dict[str, Draws]) -> Estimate | None:
    if not all(key in side for side in (mine, base) for key in ("clean", "mean")):
        return None
    return estimate(mine["clean"] + mine["mean"] - base["clean"] - base["mean"])


def _bias(means: dict[str, Draws]) -> Number | None:
    if not all(key in means for key in ("clean", "a", "v")):
        return None
    bias = np.full_like(means["clean"], np.nan)
    distance = np.abs(means["a"] - means["v"])
    np.divide(distance, means["clean"], out=bias, where=means["clean"] != 0)
    return Number(estimate(bias), 2)


def decibels(group: Iterable[AttackedCell]) -> tuple[str | None, str | None]:
    """Return PSNR and SNR, each the mean with the worst clip."""
    shown: list[str | None] = []
    for kind in ("psnr", "snr"):
        facts = [cell.facts[kind] for cell in group]
        known = [f for f in facts if f["mean"] is not None]
        if known:
            mean = sum(f["mean"] for f in known) / len(known)
            worst = min(f["worst"] for f in known)
            shown.append(f"{_signed(mean)} ({_signed(worst)})")
        else:
            shown.append(None)
    return shown[0], shown[1]


def _signed(value: float | None) -> str | None:
    return None if value is None else str(plain(value))


def _number(draws: Draws | None) -> Number | None:
    found = averaged([draws])
    return Number(found) if found else None


def head_columns(panel: AttackPanel) -> tuple[Column, ...]:
    """Return the columns that name a setting; what all share is left out."""
    columns = {
        "model": "model" if panel.several_models else "",
        "adaptation": "adaptation",
        "attack": "attack",
        "knowledge": "made on",
        "reading": "reads as",
        "clips": "clips" if panel.corrupted else "",
    }
    return tuple(Column(k, title, False) for k, title in columns.items() if title)


def head(panel: AttackPanel, cell: AttackedCell) -> tuple[str, ...]:
    """Return what these columns say of a cell."""
    severity = cell.stored.cell["severity"]
    where = f"{cell.corruption.label} s{severity}" if cell.corruption else "clean"
    values = {
        "model": cell.method.model,
        "adaptation": cell.method.adaptation,
        "attack": cell.attack,
        "knowledge": ", ".join(filter(None, (cell.knowledge, cell.protocol))),
        "reading": cell.reading,
        "clips": where,
    }
    return tuple(values[column.key] for column in head_columns(panel))
