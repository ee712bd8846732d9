"""Checks of attacks that look at a cell, or a method, by itself."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from avplug.report.attack_check import Check, ids, verdict, who
from avplug.report.attacked import LARGE, AttackedCell, AttackPanel, answers
from avplug.report.labels import canonical

#: What may be left within the largest epsilon.
LEFT_OVER = 5.0
#: Share of a perturbation that may differ for a clip attacked alone.
MOVED = 0.05
#: Points that rounding may give back.
GIVEN_BACK = 5.0


def epsilon_zero(panel: AttackPanel) -> Iterator[Check]:
    """Epsilon 0 gives the unattacked answers exactly."""
    for cell in panel.cells:
        if max(cell.epsilons) == 0 and cell.clean:
            before = answers(cell.clean.predictions())
            after = answers(cell.stored.predictions())
            same = before == after
            yield verdict(
                "epsilon-zero",
                [cell],
                same,
                f"Epsilon 0 answers {'as' if same else 'otherwise than'} the unattacked"
                f" cell, {sum(after.values())} against {sum(before.values())} right.",
            )


def large_epsilon(panel: AttackPanel) -> Iterator[Check]:
    """A very large epsilon leaves next to nothing."""
    for cell in panel.cells:
        if min(cell.epsilons) >= LARGE and cell.knowledge == "white-box":
            left = float(cell.value[0])
            yield verdict(
                "large-epsilon",
                [cell],
                left <= LEFT_OVER,
                f"{left:.1f} % are left within {cell.budget}; more than {LEFT_OVER:g} %"
                " mean that the attack does not find its way.",
            )


def zero_gradients(panel: AttackPanel) -> Iterator[Check]:
    """Gradients are there to follow."""
    for cell in panel.cells:
        if not cell.facts["gradient"] or not cell.facts["backwards"]:
            continue
        flat, clips = cell.facts["flat"], cell.facts["clips"]
        yield verdict(
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


def random_answers(panel: AttackPanel) -> Iterator[Check]:
    """A model answers alike when asked again."""
    for cell in panel.cells:
        if not cell.protocol and "saved" in cell.facts:
            gap = cell.facts["gap"]
            yield verdict(
                "random-answers",
                [cell],
                gap["logits"] == 0,
                "Asked twice, the model's logits differ by up to"
                f" {gap['logits']:.3g}."
                + (" Average gradients over draws." if gap["logits"] else ""),
            )


def moving_weights(panel: AttackPanel) -> Iterator[Check]:
    """Adaptation is a defence that moves: it is attacked as one."""
    groups: dict[str, list[AttackedCell]] = {}
    for cell in panel.cells:
        if cell.protocol:
            groups.setdefault(canonical([who(cell), cell.attack]), []).append(cell)
    for group in groups.values():
        protocols = sorted({cell.protocol for cell in group})
        differ = sum(cell.facts["gap"]["answers"] for cell in group)
        clips = sum(cell.facts["clips"] for cell in group)
        known = "adaptive" in protocols or "snapshot" in protocols
        yield Check(
            "moving-weights",
            f"{who(group[0])}, {group[0].attack}",
            "note" if known else "failed",
            f"Attacked under {', '.join(protocols)}. {differ} of {clips} answers"
            " differ from those of the weights that stood before the batch."
            + (
                ""
                if known
                else " transfer alone says nothing of robustness: add"
                " --attack-protocol snapshot,adaptive."
            ),
            ids(group),
        )


def batch_dependence(panel: AttackPanel) -> Iterator[Check]:
    """A clip is perturbed alike with and without its batch."""
    for cell in panel.cells:
        alone = cell.facts.get("alone")
        if alone:
            moved = alone["moved"]
            yield verdict(
                "batch-dependence",
                [cell],
                moved <= MOVED,
                f"Attacked alone, {100 * moved:.1f} % of the first clip's values move"
                " otherwise, and its answer is"
                f" {'the same' if alone['same_answer'] else 'another'}.",
            )


def inside_the_ball(panel: AttackPanel) -> Iterator[Check]:
    """Perturbations stay inside their budget and the valid range."""
    for cell in panel.cells:
        facts = cell.facts
        good = not facts["outside"] and not facts["invalid"]
        yield verdict(
            "inside-the-ball",
            [cell],
            good,
            f"The largest perturbation is {facts['ratio']:.3f} of its budget;"
            f" {facts['outside']} of {facts['clips']} clips are beyond it,"
            f" {facts['invalid']} out of range.",
        )


def survives_saving(panel: AttackPanel) -> Iterator[Check]:
    """Perturbations survive 8 bits and PCM16."""
    for cell in panel.cells:
        if "saved" not in cell.facts or not cell.ordinary:
            continue
        clips = cell.stored.record["clips"]["evaluated"]
        before = 100 * cell.facts["right"] / clips
        after = 100 * cell.facts["saved"] / clips
        good = after - before <= GIVEN_BACK
        yield verdict(
            "survives-saving",
            [cell],
            good,
            f"{before:.1f} % are right, {after:.1f} % after 8 bits and PCM16."
            + ("" if good else " Much of it is smaller than a grey level."),
            bad="note",
        )


def logits_given(panel: AttackPanel) -> Iterator[Check]:
    """The model gives logits, not probabilities."""
    for cell in {c.method: c for c in panel.cells}.values():
        logits = cell.stored.predictions().logits
        like = bool((logits >= 0).all() and np.allclose(logits.sum(1), 1, atol=1e-3))
        yield verdict(
            "logits-given",
            [cell],
            not like,
            "The outputs sum to 1: a softmax within the model flattens gradients."
            if like
            else "The outputs are no probabilities.",
        )
