"""Checks of attacks that hold one cell against another: who must be stronger."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from avplug.report.attack_check import Check, State, verdict, words
from avplug.report.attacked import AttackedCell, AttackPanel

#: Points by which a stronger attack may leave more clips right: AutoAttack's.
TOLERANCE = 0.2

#: Options of which more means a stronger attack.
_EFFORT = ("steps", "restarts", "queries", "draws", "epochs")


def steps_beat_one(panel: AttackPanel) -> Iterator[Check]:
    """Attacks of many steps are at least as strong as one step."""
    for one, other in _pairs(panel, _place):
        if _name(one) == "fgsm" and _iterative(other):
            yield _stronger("steps-beat-one", other, one)


def both_beat_each(panel: AttackPanel) -> Iterator[Check]:
    """Attacks on both senses are at least as strong as on either."""

    def place(cell: AttackedCell) -> Any:
        return cell.group, cell.seed

    for one, other in _pairs(panel, place):
        if other.senses == "av" and one.senses != "av" and other.ordinary:
            yield _stronger("both-beat-each", other, one)


def white_box_beats_transfer(panel: AttackPanel) -> Iterator[Check]:
    """An attack that knows the model is at least as strong as one that does not."""

    def place(cell: AttackedCell) -> Any:
        return _place(cell), cell.attack

    for one, other in _pairs(panel, place):
        if other.knowledge == "white-box" and one.knowledge.startswith("from "):
            yield _stronger("white-box-beats-transfer", other, one)


def transfer_beats_noise(panel: AttackPanel) -> Iterator[Check]:
    """Every attack is at least as strong as noise of its size."""
    for one, other in _pairs(panel, _place):
        if one.knowledge == "noise" and other.knowledge != "noise" and one.ordinary:
            search = other.knowledge == "black-box"
            yield _stronger(
                "transfer-beats-noise",
                other,
                one,
                "A search needs more queries." if search else "",
                "note" if search else "failed",
            )


def more_is_stronger(panel: AttackPanel) -> Iterator[Check]:
    """More steps or restarts never help less."""
    for one, other in _pairs(panel, _place):
        if one.knowledge == other.knowledge and _more(one, other):
            yield _stronger("more-is-stronger", other, one)


def black_box_beats_white(panel: AttackPanel) -> Iterator[Check]:
    """Search without gradients finds no more than gradients do."""
    for one, other in _pairs(panel, _place):
        if one.knowledge == "black-box" and other.knowledge == "white-box":
            yield _stronger(
                "black-box-beats-white",
                other,
                one,
                "Gradients may be masked: try more queries of Square as well.",
            )


def _pairs(
    panel: AttackPanel, place: Callable[[AttackedCell], Any]
) -> Iterable[tuple[AttackedCell, AttackedCell]]:
    """Return ordered pairs of different cells with equal places."""
    groups: dict[str, list[AttackedCell]] = {}
    for cell in panel.cells:
        groups.setdefault(repr(place(cell)), []).append(cell)
    return [
        (one, other)
        for group in groups.values()
        for one in group
        for other in group
        if one is not other
    ]


def _place(cell: AttackedCell) -> Any:
    """What two cells share whose attacks can be compared."""
    surrogates = cell.knowledge.startswith("from ")
    protocol = "" if surrogates else cell.protocol
    threat = cell.threat.only(cell.senses)
    severity = cell.stored.cell["severity"]
    return cell.method, threat, cell.corruption, severity, cell.seed, protocol


def _stronger(
    name: str,
    strong: AttackedCell,
    weak: AttackedCell,
    hint: str = "",
    bad: State = "failed",
) -> Check:
    mine, other = float(strong.value[0]), float(weak.value[0])
    good = mine <= other + TOLERANCE
    message = (
        f"{words(strong)} leaves {mine:.1f} %, {words(weak)} {other:.1f} %"
        f" ({strong.budget})."
    )
    if not good and hint:
        message += f" {hint}"
    return verdict(name, [strong, weak], good, message, bad)


def _name(cell: AttackedCell) -> str:
    return str(cell.about["name"])


def _iterative(cell: AttackedCell) -> bool:
    steps = cell.about["options"].get("steps", 1)
    untargeted = cell.about["options"].get("target") is None
    return cell.knowledge == "white-box" and int(steps) > 1 and untargeted


def _more(one: AttackedCell, other: AttackedCell) -> bool:
    """Whether the second attack is the first with more effort."""
    if _name(one) != _name(other):
        return False
    mine, theirs = (dict(c.about["options"]) for c in (one, other))
    efforts = [(mine.pop(k, None), theirs.pop(k, None)) for k in _EFFORT]
    known = [(a, b) for a, b in efforts if a is not None and b is not None]
    grown = any(b > a for a, b in known) and all(b >= a for a, b in known)
    return grown and mine == theirs
