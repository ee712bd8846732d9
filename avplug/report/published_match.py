"""Which numbers of a run a paper's numbers stand beside.

Names are compared without case and punctuation, so that ``CAV-MAE`` is ``cav-mae``; a
data set's name also fits with the ``-2C`` that AVRobustBench adds. A number counts as a
counterpart if data set, model, method, metric, corruption and severity fit, whatever
else differs: that is told beside it.
"""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import dataclass
from typing import Literal

from avplug.core.published import PublishedNumber
from avplug.report.panel import Condition, Method, Panel, Point, Quantity, mean

#: The corruptions of AVRobustBench, whose mean its tables print.
FIFTEEN = (
    *("gaussian", "impulse", "shot", "speckle", "compression"),
    *("snow", "frost", "spatter", "wind", "rain", "underwater"),
    *("concert", "smoke", "crowd", "interference"),
)

#: Data sets whose names differ by more than punctuation, by the source's name.
_CALLED = {"kinetics2c": "kineticssounds", "music": "mitmusic"}

_METRICS: dict[str, tuple[str, ...]] = {
    "top1": ("top1_acc", "acc_AV"),
    "top1-by-batch": ("top1_acc", "acc_AV"),
    "map": ("mAP",),
    **{f"a2v-r{k}": (f"audio_to_visual_R@{k}",) for k in (1, 5, 10)},
    **{f"v2a-r{k}": (f"visual_to_audio_R@{k}",) for k in (1, 5, 10)},
}
_SHARES: dict[str, Quantity] = {
    "alpha_abs_robustness": "alpha",
    "rho_rel_robustness": "rho",
}
_SENSES: dict[str, Literal["v", "a"]] = {"video": "v", "audio": "a"}


@dataclass(frozen=True, slots=True, eq=False)
class Counterpart:
    """A published number and the run's own.

    Args:
        number: As its source prints it.
        panel: Where the run's is from.
        method: Of the run.
        point: The run's.
        quantity: Which of its numbers it is.
        corruptions: How many it is a mean over; 0 for clean clips.
    """

    number: PublishedNumber
    panel: Panel
    method: Method
    point: Point
    quantity: Quantity
    corruptions: int


def plain_name(name: str) -> str:
    """Return a name without case and punctuation."""
    return "".join(c for c in name.lower() if c.isalnum())


def is_dataset(published: str, own: str) -> bool:
    """Whether a source's data set is the run's, as far as names tell."""
    theirs, mine = plain_name(published), plain_name(own)
    return theirs in (mine, f"{mine}2c") or _CALLED.get(theirs) == mine


def counterparts(
    panel: Panel, number: PublishedNumber, printed: Container[str]
) -> Iterator[Counterpart]:
    """Yield the run's numbers that a published one stands beside.

    Of a model that the source does not name, any of the run's is one.

    Args:
        panel: Of a data set that fits.
        number: As its source prints it.
        printed: Metrics that the source has of the data set.
    """
    quantity = _quantity(panel, number.metric, printed)
    if quantity is None:
        return
    for method in panel.methods:
        if not _is_model(number.model, panel, method):
            continue
        if not _is_method(number.method, method):
            continue
        found = _point(panel, method, number)
        if found:
            yield Counterpart(number, panel, method, found[0], quantity, found[1])


def _quantity(panel: Panel, metric: str, printed: Container[str]) -> Quantity | None:
    names = _METRICS.get(panel.metric.name, ())
    if metric in names:
        return "value"
    # Tables print alpha and rho without saying of which metric: of theirs.
    first = panel.metric.name in ("top1", "map") and names[0] in printed
    return _SHARES.get(metric) if first else None


def _is_model(published: str, panel: Panel, method: Method) -> bool:
    if published == "unknown":
        return True
    cell = next(c for c in panel.cells if c.method == method)
    return plain_name(published) == plain_name(str(cell.stored.cell["model"]["name"]))


def _is_method(published: str, method: Method) -> bool:
    if published in ("none", "source"):
        return method.source
    bare = method.adaptation.partition(" ")[0]
    return plain_name(published) == plain_name(bare)


def _point(
    panel: Panel, method: Method, number: PublishedNumber
) -> tuple[Point, int] | None:
    if number.corruption == "clean":
        point = panel.at(method, None, 0)
        return (point, 0) if point else None
    if not number.severity.isdecimal():
        return None
    severity = int(number.severity)
    points = [
        panel.at(method, condition, severity)
        for condition in _conditions(panel, number.corruption)
    ]
    there = [point for point in points if point]
    found = mean(there)
    return (found, len(there)) if found else None


def _conditions(panel: Panel, corruption: str) -> list[Condition]:
    """Return the run's corruptions that a published name means: one, or a mean's."""
    sense, colon, name = corruption.rpartition(":")
    wanted = _SENSES.get(sense) if colon else "av"
    named: dict[Condition, tuple[str, str]] = {}
    for cell in panel.cells:
        about = cell.stored.cell["corruption"]
        if cell.corruption and about:
            senses = str(about.get("modalities", "av"))
            named.setdefault(cell.corruption, (str(about["name"]), senses))
    known = {c: bare for c, (bare, senses) in named.items() if senses == wanted}
    if name == "mean15":
        return [c for c, bare in known.items() if bare in FIFTEEN]
    if name == "mean":
        return list(known)
    name = name.removesuffix("_noise")
    return [c for c, bare in known.items() if bare.removesuffix("_noise") == name]
