"""Checks that make a robust accuracy believable, out of the cells of a run.

They are those of arXiv 1902.06705 and of AutoAttack's warnings (arXiv 2003.01690), for
two senses. A check that lacks its cells says which command adds them; none is silent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from avplug.report.attacked import AttackedCell, AttackPanel, answers
from avplug.report.labels import canonical
from avplug.report.table import Column, Table, Value

State = Literal["passed", "failed", "note", "not checked"]

#: Points by which a stronger attack may leave more clips right: AutoAttack's.
TOLERANCE = 0.2
#: Largest epsilon after which nothing should be left, and what may be.
LARGE, LEFT_OVER = 0.5, 5.0
#: Share of a perturbation that may differ for a clip attacked alone.
MOVED = 0.05
#: Points that rounding may give back.
GIVEN_BACK = 5.0

_MORE = "avplug run --attack-checks adds the cells."
#: Options of which more means a stronger attack.
_EFFORT = ("steps", "restarts", "queries", "draws", "epochs")


@dataclass(frozen=True, slots=True)
class Check:
    """What a check found.

    Args:
        name: Stable, for data.
        about: Model, method and attack that it is about.
        state: ``"note"`` is neither good nor bad, but must be known.
        message: One or two sentences.
        cells: Ids of the cells that it is about.
    """

    name: str
    about: str
    state: State
    message: str
    cells: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "name": self.name,
            "about": self.about,
            "state": self.state,
            "message": self.message,
            "cells": list(self.cells),
        }


def checks(panel: AttackPanel) -> list[Check]:
    """Return what every check says, the failed ones first."""
    found = [check for rule in _RULES for check in _applied(rule, panel)]
    order = ("failed", "note", "passed", "not checked")
    return sorted(found, key=lambda check: order.index(check.state))


def checks_table(panel: AttackPanel) -> Table:
    """Return the checks as a table."""
    rows: tuple[tuple[Value, ...], ...] = tuple(
        (check.state, check.name, check.about, check.message) for check in checks(panel)
    )
    return Table(
        "attack_checks",
        f"Can these numbers be believed? Checks on {panel.dataset}",
        tuple(Column(n, n, False) for n in ("state", "check", "about", "message")),
        rows,
        "A failed check means that a stronger attack is likely to find a lower"
        " accuracy, or that a number stands for another budget than it says.",
    )


Rule = Callable[[AttackPanel], Iterator[Check]]


def _applied(rule: Rule, panel: AttackPanel) -> list[Check]:
    found = list(rule(panel))
    if found:
        return found
    name = rule.__name__.removeprefix("_").replace("_", "-")
    what = (rule.__doc__ or "").splitlines()[0]
    return [Check(name, "–", "not checked", f"{what} No cells of it. {_MORE}")]


def _epsilon_zero(panel: AttackPanel) -> Iterator[Check]:
    """Epsilon 0 gives the unattacked answers exactly."""
    for cell in panel.cells:
        if _epsilons(cell) and max(_epsilons(cell)) == 0 and cell.clean:
            before = answers(cell.clean.predictions())
            after = answers(cell.stored.predictions())
            same = before == after
            yield _verdict(
                "epsilon-zero",
                [cell],
                same,
                f"Epsilon 0 answers {'as' if same else 'otherwise than'} the unattacked"
                f" cell, {sum(after.values())} against {sum(before.values())} right.",
            )


def _large_epsilon(panel: AttackPanel) -> Iterator[Check]:
    """A very large epsilon leaves next to nothing."""
    for cell in panel.cells:
        sizes = _epsilons(cell)
        if cell.senses == "av" and min(sizes) >= LARGE and _follows(cell):
            left = _value(cell)
            yield _verdict(
                "large-epsilon",
                [cell],
                left <= LEFT_OVER,
                f"{left:.1f} % are left within {cell.budget}; more than {LEFT_OVER:g} %"
                " mean that the attack does not find its way.",
            )


def _steps_beat_one(panel: AttackPanel) -> Iterator[Check]:
    """Attacks of many steps are at least as strong as one step."""
    for one, other in _pairs(panel, _place):
        if _name(one) == "fgsm" and _iterative(other):
            yield _stronger("steps-beat-one", other, one)


def _both_beat_each(panel: AttackPanel) -> Iterator[Check]:
    """Attacks on both senses are at least as strong as on either."""

    def place(cell: AttackedCell) -> Any:
        return cell.group, cell.seed

    for one, other in _pairs(panel, place):
        if other.senses == "av" and one.senses != "av" and _ordinary(other):
            yield _stronger("both-beat-each", other, one)


def _white_box_beats_transfer(panel: AttackPanel) -> Iterator[Check]:
    """An attack that knows the model is at least as strong as one that does not."""

    def place(cell: AttackedCell) -> Any:
        return _place(cell), cell.attack

    for one, other in _pairs(panel, place):
        if other.knowledge == "white-box" and one.knowledge.startswith("from "):
            yield _stronger("white-box-beats-transfer", other, one)


def _transfer_beats_noise(panel: AttackPanel) -> Iterator[Check]:
    """Every attack is at least as strong as noise of its size."""
    for one, other in _pairs(panel, _place):
        if one.knowledge == "noise" and other.knowledge != "noise" and _ordinary(one):
            yield _stronger("transfer-beats-noise", other, one)


def _more_is_stronger(panel: AttackPanel) -> Iterator[Check]:
    """More steps or restarts never help less."""
    for one, other in _pairs(panel, _place):
        if one.knowledge == other.knowledge and _more(one, other):
            yield _stronger("more-is-stronger", other, one)


def _black_box_beats_white(panel: AttackPanel) -> Iterator[Check]:
    """Search without gradients finds no more than gradients do."""
    for one, other in _pairs(panel, _place):
        if one.knowledge == "black-box" and other.knowledge == "white-box":
            yield _stronger(
                "black-box-beats-white",
                other,
                one,
                "Gradients may be masked: try more queries of Square as well.",
            )


def _zero_gradients(panel: AttackPanel) -> Iterator[Check]:
    """Gradients are there to follow."""
    for cell in panel.cells:
        if not cell.facts["gradient"] or not cell.facts["backwards"]:
            continue
        flat, clips = cell.facts["flat"], cell.facts["clips"]
        yield _verdict(
            "zero-gradients",
            [cell],
            flat == 0,
            f"{flat} of {clips} clips have no gradient where the attack begins."
            + (
                " Digital silence has none: use random_start=true. Else a defence"
                " hides it."
                if flat
                else ""
            ),
        )


def _random_answers(panel: AttackPanel) -> Iterator[Check]:
    """A model answers alike when asked again."""
    for cell in panel.cells:
        if not cell.protocol and "saved" in cell.facts:
            gap = cell.facts["gap"]
            yield _verdict(
                "random-answers",
                [cell],
                gap["logits"] == 0,
                "Asked twice, the model's logits differ by up to"
                f" {gap['logits']:.3g}."
                + (" Average gradients over draws." if gap["logits"] else ""),
            )


def _moving_weights(panel: AttackPanel) -> Iterator[Check]:
    """Adaptation is a defence that moves: it is attacked as one."""
    groups: dict[str, list[AttackedCell]] = {}
    for cell in panel.cells:
        if cell.protocol:
            groups.setdefault(canonical([_who(cell), cell.attack]), []).append(cell)
    for group in groups.values():
        protocols = sorted({cell.protocol for cell in group})
        differ = sum(cell.facts["gap"]["answers"] for cell in group)
        clips = sum(cell.facts["clips"] for cell in group)
        known = "adaptive" in protocols or "snapshot" in protocols
        yield Check(
            "moving-weights",
            f"{_who(group[0])}, {group[0].attack}",
            "note" if known else "failed",
            f"Attacked under {', '.join(protocols)}. {differ} of {clips} answers came"
            " from other weights than stood before the batch."
            + (
                ""
                if known
                else " transfer alone says nothing of robustness: add"
                " --attack-protocol snapshot,adaptive."
            ),
            _ids(group),
        )


def _batch_dependence(panel: AttackPanel) -> Iterator[Check]:
    """A clip is perturbed alike with and without its batch."""
    for cell in panel.cells:
        alone = cell.facts.get("alone")
        if alone:
            moved = alone["moved"]
            yield _verdict(
                "batch-dependence",
                [cell],
                moved <= MOVED,
                f"Attacked alone, {100 * moved:.1f} % of the first clip's values move"
                " otherwise, and its answer is"
                f" {'the same' if alone['same_answer'] else 'another'}.",
            )


def _inside_the_ball(panel: AttackPanel) -> Iterator[Check]:
    """Perturbations stay inside their budget and the valid range."""
    for cell in panel.cells:
        facts = cell.facts
        good = not facts["outside"] and not facts["invalid"]
        yield _verdict(
            "inside-the-ball",
            [cell],
            good,
            f"The largest perturbation is {facts['ratio']:.3f} of its budget;"
            f" {facts['outside']} of {facts['clips']} clips are beyond it,"
            f" {facts['invalid']} out of range.",
        )


def _survives_saving(panel: AttackPanel) -> Iterator[Check]:
    """Perturbations survive 8 bits and PCM16."""
    for cell in panel.cells:
        if "saved" not in cell.facts or not _ordinary(cell):
            continue
        clips = cell.stored.record["clips"]["evaluated"]
        before = 100 * cell.facts["right"] / clips
        after = 100 * cell.facts["saved"] / clips
        good = after - before <= GIVEN_BACK
        yield _verdict(
            "survives-saving",
            [cell],
            good,
            f"{before:.1f} % are right, {after:.1f} % after 8 bits and PCM16."
            + ("" if good else " Much of it is smaller than a grey level."),
            bad="note",
        )


def _logits_given(panel: AttackPanel) -> Iterator[Check]:
    """The model gives logits, not probabilities."""
    for cell in {c.method: c for c in panel.cells}.values():
        logits = cell.stored.predictions().logits
        like = bool((logits >= 0).all() and np.allclose(logits.sum(1), 1, atol=1e-3))
        yield _verdict(
            "logits-given",
            [cell],
            not like,
            "The outputs sum to 1: a softmax within the model flattens gradients."
            if like
            else "The outputs are no probabilities.",
        )


_RULES: tuple[Rule, ...] = (
    _epsilon_zero,
    _large_epsilon,
    _steps_beat_one,
    _both_beat_each,
    _white_box_beats_transfer,
    _transfer_beats_noise,
    _more_is_stronger,
    _black_box_beats_white,
    _zero_gradients,
    _random_answers,
    _moving_weights,
    _batch_dependence,
    _inside_the_ball,
    _survives_saving,
    _logits_given,
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
    threat = replace(cell.threat.only(cell.senses))
    severity = cell.stored.cell["severity"]
    return cell.method, threat, cell.corruption, severity, cell.seed, protocol


def _stronger(
    name: str, strong: AttackedCell, weak: AttackedCell, hint: str = ""
) -> Check:
    mine, other = _value(strong), _value(weak)
    good = mine <= other + TOLERANCE
    message = (
        f"{_words(strong)} leaves {mine:.1f} %, {_words(weak)} {other:.1f} %"
        f" ({strong.budget})."
    )
    if not good and hint:
        message += f" {hint}"
    return _verdict(name, [strong, weak], good, message)


def _verdict(
    name: str,
    cells: list[AttackedCell],
    good: bool,
    message: str,
    bad: State = "failed",
) -> Check:
    about = f"{_who(cells[0])}, {_words(cells[0])}"
    return Check(name, about, "passed" if good else bad, message, _ids(cells))


def _who(cell: AttackedCell) -> str:
    return f"{cell.method.model} {cell.method.adaptation}"


def _words(cell: AttackedCell) -> str:
    known = "" if cell.knowledge in ("white-box", "noise") else f" {cell.knowledge}"
    return f"{cell.attack}{known} on {cell.senses}"


def _ids(cells: Iterable[AttackedCell]) -> tuple[str, ...]:
    return tuple(cell.stored.id for cell in cells)


def _value(cell: AttackedCell) -> float:
    return float(cell.value[0])


def _name(cell: AttackedCell) -> str:
    return str(cell.about["name"])


def _epsilons(cell: AttackedCell) -> list[float]:
    allowed = cell.threat.only(cell.senses)
    return [side.epsilon for side in (allowed.video, allowed.audio) if side]


def _ordinary(cell: AttackedCell) -> bool:
    """Whether it is neither of the two that stand for the check of epsilon alone."""
    return max(_epsilons(cell)) > 0 and min(_epsilons(cell)) < LARGE


def _follows(cell: AttackedCell) -> bool:
    return bool(cell.facts["gradient"]) and cell.knowledge == "white-box"


def _iterative(cell: AttackedCell) -> bool:
    steps = cell.about["options"].get("steps", 1)
    return _follows(cell) and int(steps) > 1 and _untargeted(cell)


def _untargeted(cell: AttackedCell) -> bool:
    return cell.about["options"].get("target") is None


def _more(one: AttackedCell, other: AttackedCell) -> bool:
    """Whether the second attack is the first with more effort."""
    if _name(one) != _name(other):
        return False
    mine, theirs = (dict(c.about["options"]) for c in (one, other))
    efforts = [(mine.pop(k, None), theirs.pop(k, None)) for k in _EFFORT]
    known = [(a, b) for a, b in efforts if a is not None and b is not None]
    grown = any(b > a for a, b in known) and all(b >= a for a, b in known)
    return grown and mine == theirs
