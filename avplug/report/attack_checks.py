"""Checks that make a robust accuracy believable, out of the cells of a run.

They are those of arXiv 1902.06705 and of AutoAttack's warnings (arXiv 2003.01690), for
two senses. A check that lacks its cells says which command adds them; none is silent.
"""

from __future__ import annotations

from avplug.report import attack_comparisons as comparisons, attack_rules as rules
from avplug.report.attack_check import Check, Rule
from avplug.report.attacked import AttackPanel
from avplug.report.table import Column, Table, Value

RULES: tuple[Rule, ...] = (
    rules.epsilon_zero,
    rules.large_epsilon,
    comparisons.steps_beat_one,
    comparisons.both_beat_each,
    comparisons.white_box_beats_transfer,
    comparisons.transfer_beats_noise,
    comparisons.more_is_stronger,
    comparisons.black_box_beats_white,
    rules.zero_gradients,
    rules.random_answers,
    rules.moving_weights,
    rules.batch_dependence,
    rules.inside_the_ball,
    rules.survives_saving,
    rules.logits_given,
)

_MORE = {
    "white-box-beats-transfer": "Add --surrogate MODEL.",
    "moving-weights": "Nothing adapts in this run.",
}


def checks(panel: AttackPanel) -> list[Check]:
    """Return what every check says, the failed ones first."""
    found = [check for rule in RULES for check in _applied(rule, panel)]
    order = ("failed", "note", "passed", "not checked")
    return sorted(found, key=lambda check: order.index(check.state))


def checks_table(panel: AttackPanel) -> Table:
    """Return the checks as a table; what one check finds often is one row."""
    groups: dict[tuple[str, str], list[Check]] = {}
    for check in checks(panel):
        groups.setdefault((check.state, check.name), []).append(check)
    rows: list[tuple[Value, ...]] = []
    for (state, name), group in groups.items():
        times = 0 if state == "not checked" else len(group)
        first = group[0]
        about = f"{first.about}: " if first.about else ""
        rows.append((state, name, times, f"{about}{first.message}"))
    return Table(
        "attack_checks",
        f"Can these numbers be believed? Checks on {panel.dataset}",
        (
            Column("state", "state", False),
            Column("check", "check", False),
            Column("times", "times"),
            Column("message", "what it says, of the first", False),
        ),
        tuple(rows),
        "A failed check means that a stronger attack is likely to find a lower"
        " accuracy, or that a number stands for another budget than it says. All of"
        " them, with their cells, are in scores.json.",
    )


def _applied(rule: Rule, panel: AttackPanel) -> list[Check]:
    found = list(rule(panel))
    if found:
        return found
    name = rule.__name__.replace("_", "-")
    meaning = (rule.__doc__ or "").splitlines()[0]
    remedy = _MORE.get(name, "Add --attack-checks.")
    return [Check(name, "", "not checked", f"{meaning} No cells of it. {remedy}")]
