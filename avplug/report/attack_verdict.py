"""The result of an attacked run in words."""

from __future__ import annotations

from avplug.report.attacked import AttackedCell, AttackPanel
from avplug.report.panel import Panel
from avplug.report.scores import Scores
from avplug.report.table import plain
from avplug.report.verdict import Verdict, verdict


def verdict_of(scores: Scores, panel: Panel) -> Verdict:
    """Return what a panel says; where nothing is corrupted, what its attacks say."""
    if not panel.severities:
        for attacks in scores.attacks:
            if (attacks.dataset, attacks.metric) == (panel.dataset, panel.metric):
                found = _verdict(attacks)
                if found:
                    return found
    return verdict(panel)


def _verdict(panel: AttackPanel) -> Verdict | None:
    """Speak of the strongest attack on both senses; None without a robust score."""
    robust = [c for c in panel.cells if c.ordinary and c.reading == "robust"]
    both = [c for c in robust if c.senses == "av"] or robust
    if not both:
        return None
    models = list(dict.fromkeys(cell.method.model for cell in both))
    worst = [_worst([c for c in both if c.method.model == m], panel) for m in models]
    first, *others = worst
    return Verdict(_sentence(first), tuple(_sentence(cell) for cell in others))


def _worst(cells: list[AttackedCell], panel: AttackPanel) -> AttackedCell:
    sign = 1 if panel.metric.metric.higher_is_better else -1
    return min(cells, key=lambda cell: sign * float(cell.value[0]))


def _sentence(cell: AttackedCell) -> str:
    before = ""
    if cell.clean_value is not None:
        before = f" of {plain(float(cell.clean_value[0]))} %"
    name = cell.method.model
    if not cell.method.source:
        name += f" with {cell.method.adaptation}"
    psnr, snr = (cell.facts[kind]["mean"] for kind in ("psnr", "snr"))
    sizes = [
        f"{name} {plain(value)} dB"
        for name, value in (("PSNR", psnr), ("SNR", snr))
        if value is not None
    ]
    return (
        f"{cell.attack} leaves {name} {plain(float(cell.value[0]))} %{before} within"
        f" {cell.budget} ({', '.join(sizes)})."
    )
