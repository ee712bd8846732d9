"""What a report tells of attacked cells, from stores with known answers."""

from __future__ import annotations

import json

import numpy as np
import pytest

from avplug.bench.store import cell_id
from avplug.core.errors import UsageError
from avplug.report.attack_checks import RULES, checks, checks_table
from avplug.report.attack_export import attacks_json
from avplug.report.attack_figures import curves, epsilon_curves
from avplug.report.attack_tables import attack_tables, cells, cost, summary
from avplug.report.export import dump, scores_json
from avplug.report.html import page
from avplug.report.markdown import markdown
from avplug.report.scores import score
from tests.report.stores import TOP1, right


def panel_of(maker, base=None):
    (panel,) = score(maker.store, [TOP1], 20, base).attacks
    return panel


def found(maker, name):
    """The states that a check came to, in the order of the report."""
    return [check.state for check in checks(panel_of(maker)) if check.name == name]


def row_of(table, row=0):
    keys = [column.key for column in table.columns]
    return dict(zip(keys, map(str, table.rows[row]), strict=True))


def test_a_row_has_every_sense_with_budget_psnr_and_snr(maker, attack):
    maker.add(right(16))
    for senses, count in (("a", 12), ("v", 4), ("av", 2)):
        attack(count, senses)
    table = summary(panel_of(maker))
    assert len(table.rows) == 1
    row = row_of(table)
    assert [row[k] for k in ("clean", "a", "v", "av", "mean")] == [
        "80.0", "60.0", "20.0", "10.0", "30.0",
    ]  # fmt: skip
    assert row["bias"] == "0.50", "(60 - 20) / 80"
    assert row["budget"] == "V linf 8/255, A linf 0.01"
    assert row["psnr"] == "38.0 (36.0)"
    assert row["snr"] == "20.0 (5.0)"
    assert row["reading"] == "robust"


def test_no_table_shows_a_score_without_its_budget(maker, attack):
    maker.add(right(16))
    attack(4)
    for table in attack_tables(panel_of(maker))[:2]:
        assert {"budget", "psnr", "snr"} <= {column.key for column in table.columns}
        assert all(row_of(table, i)["budget"] for i in range(len(table.rows)))
    scores = score(maker.store, [TOP1], 20)
    assert [cell.stored.cell.get("attack") for cell in scores.panels[0].cells] == [None]


def test_success_is_of_the_clips_that_were_right(maker, attack):
    maker.add(right(16))
    attack(4)
    row = row_of(cells(panel_of(maker)))
    assert row["success"] == "75.0 (12/16)"
    assert row["right"] == "4/20"
    assert row["value"] == "20.0"
    assert row["saved"] == "50.0"
    costs = row_of(cost(panel_of(maker)))
    assert (costs["forwards"], costs["seconds"]) == ("10.0", "0.100")
    assert (costs["first_loss"], costs["last_loss"]) == ("0.500", "2.000")


def test_improvement_is_relative_to_a_named_base(maker, attack):
    for model, clean, under in (("one", 20, 4), ("two", 18, 10)):
        maker.add(right(clean), model=model)
        for senses in ("a", "v", "av"):
            attack(under, senses, model=model)
    table = summary(panel_of(maker))
    assert [row_of(table, i)["ri"] for i in (0, 1)] == ["None", "+20.0"]
    turned = summary(panel_of(maker, "two:tiny"))
    assert [row_of(turned, i)["ri"] for i in (0, 1)] == ["−20.0", "None"]
    with pytest.raises(UsageError, match="Did you mean 'two:tiny'"):
        panel_of(maker, "two:tini")


@pytest.mark.parametrize(
    ("changes", "reading"),
    [
        ({}, "robust"),
        ({"about": {"protocol": "snapshot"}, "tta": "tent"}, "robust"),
        ({"about": {"protocol": "adaptive"}, "tta": "tent"}, "robust"),
        ({"about": {"protocol": "transfer"}, "tta": "tent"}, "transfer"),
        ({"about": {"surrogates": [{"name": "uavm", "variant": ""}]}}, "transfer"),
        ({"facts": {"gradient": False, "forwards": 0}}, "control"),
        ({"facts": {"outside": 3}}, "no budget"),
        ({"facts": {"invalid": 1}}, "no budget"),
    ],
)
def test_only_what_was_attacked_as_it_stood_reads_robust(
    maker, attack, changes, reading
):
    maker.add(right(16), **({"tta": "tent"} if "tta" in changes else {}))
    attack(4, **changes)
    assert row_of(summary(panel_of(maker)))["reading"] == reading


def test_a_curve_joins_budgets_and_begins_at_the_clean_clips(maker, attack):
    maker.add(right(16))
    for size, count in ((0.02, 2), (0.01, 8)):
        for senses in ("v", "av"):
            attack(count, senses, size=size)
    panel = panel_of(maker)
    ((title, (names, lines)),) = curves(panel).items()
    assert title == "source: pgd, white-box (robust)"
    assert names == ("0", "2.55 · 0.01", "5.1 · 0.02")
    assert set(lines) == {"v", "av"}
    assert {k: e.value for k, e in lines["av"].items()} == {0: 80, 1: 40, 2: 10}
    heading, legend, figure = epsilon_curves(panel, "x")
    assert "picture attacked" in legend
    assert figure.count("<svg") == 1
    assert title in heading


def test_a_single_budget_makes_no_curve(maker, attack):
    maker.add(right(16))
    attack(4)
    assert curves(panel_of(maker)) == {}


def test_page_markdown_and_data_have_the_attacks(maker, attack):
    maker.add(right(16))
    for senses in ("a", "v", "av"):
        attack(4, senses)
    scores = score(maker.store, [TOP1], 20)
    assert "Under attack: events" in page(scores)
    headline = (
        "pgd leaves cav-mae:tiny 20.0 % of 80.0 % within V linf 8/255, A linf 0.01"
        " (PSNR 38.0 dB, SNR 20.0 dB)."
    )
    assert headline in page(scores)
    assert headline in " ".join(markdown(scores).split())
    assert "Can these numbers be believed?" in page(scores)
    assert "### top-1 accuracy (%) under attack on events" in markdown(scores)
    data = json.loads(dump(scores_json(scores)))["attacks"][0]
    assert data["cells"][0]["success"] == {"fooled": 12, "of_right": 16}
    assert data["cells"][0]["budget"].startswith("audio linf 0.01")
    assert {check["name"] for check in data["checks"]} == {
        rule.__name__.replace("_", "-") for rule in RULES
    }
    assert attacks_json(scores.attacks[0])["base"] == "cav-mae:tiny"


def test_a_run_without_attacks_says_nothing_of_them(maker):
    maker.add(right(16))
    scores = score(maker.store, [TOP1], 20)
    assert scores.attacks == ()
    assert "Under attack" not in page(scores)


def test_epsilon_zero_must_be_the_clean_answers(maker, attack):
    maker.add(right(16))
    attack(16, size=0.0)
    assert found(maker, "epsilon-zero") == ["passed"]
    attack(15, size=0.0, options={"steps": 20})
    assert found(maker, "epsilon-zero") == ["failed", "passed"]


@pytest.mark.parametrize(("left", "state"), [(0, "passed"), (4, "failed")])
def test_a_large_epsilon_must_leave_next_to_nothing(maker, attack, left, state):
    maker.add(right(16))
    attack(left, size=0.5)
    assert found(maker, "large-epsilon") == [state]
    assert summary(panel_of(maker)).rows == (), "which is no result to report"


NOISE = {"gradient": False, "forwards": 0, "backwards": 0}
SEARCH = {"gradient": False, "backwards": 0}
FROM = {"surrogates": [{"name": "uavm", "variant": ""}]}


@pytest.mark.parametrize(
    ("check", "weak", "strong"),
    [
        ("steps-beat-one", {"name": "fgsm", "options": {}}, {}),
        ("both-beat-each", {"senses": "a"}, {}),
        ("white-box-beats-transfer", {"about": FROM}, {}),
        ("transfer-beats-noise", {"name": "noise", "facts": NOISE}, {"about": FROM}),
        ("more-is-stronger", {}, {"options": {"steps": 20}}),
        ("black-box-beats-white", {"name": "square", "facts": SEARCH}, {}),
    ],
)
@pytest.mark.parametrize(
    ("counts", "state"), [((8, 4), "passed"), ((4, 4), "passed"), ((4, 8), "failed")]
)
def test_the_stronger_attack_must_leave_less(
    maker, attack, check, weak, strong, counts, state
):
    maker.add(right(16))
    attack(counts[0], **weak)
    attack(counts[1], **strong)
    assert found(maker, check) == [state]


def test_attacks_of_other_budgets_are_not_compared(maker, attack):
    maker.add(right(16))
    attack(4, name="fgsm", options={}, size=0.02)
    attack(8, size=0.01)
    assert found(maker, "steps-beat-one") == ["not checked"]


@pytest.mark.parametrize(
    ("check", "facts", "state"),
    [
        ("zero-gradients", {"flat": 3}, "failed"),
        ("random-answers", {"gap": {"logits": 0.1, "answers": 1}}, "failed"),
        (
            "batch-dependence",
            {"alone": {"same_answer": True, "moved": 0.4}},
            "failed",
        ),
        ("inside-the-ball", {"ratio": 4.5, "outside": 20}, "failed"),
        ("survives-saving", {"saved": 16}, "note"),
    ],
)
def test_what_a_cell_recorded_is_judged(maker, attack, check, facts, state):
    maker.add(right(16))
    attack(10)
    assert found(maker, check) == ["passed"]
    attack(10, options={"steps": 11}, facts=facts)
    assert sorted(found(maker, check)) == sorted(["passed", state])


def test_adaptation_under_transfer_alone_fails(maker, attack):
    moving = {"saved": None, "alone": None, "gap": {"logits": 1.0, "answers": 5}}
    maker.add(right(16), tta="tent")
    attack(4, tta="tent", about={"protocol": "transfer"}, facts=moving)
    assert found(maker, "moving-weights") == ["failed"]
    attack(2, tta="tent", about={"protocol": "snapshot"}, facts=moving)
    assert found(maker, "moving-weights") == ["note"]
    (check,) = (c for c in checks(panel_of(maker)) if c.name == "moving-weights")
    assert "snapshot, transfer. 10 of 40 answers differ" in check.message
    assert len(check.cells) == 2


def test_probabilities_in_place_of_logits_are_noticed(maker, attack):
    maker.add(right(16))
    attack(4)
    # The stores of these tests answer with one-hot rows, which sum to 1.
    assert found(maker, "logits-given") == ["failed"]


def test_the_table_has_a_row_for_what_is_found_often(maker, attack):
    maker.add(right(16))
    for steps in (5, 6, 7):
        attack(4, options={"steps": steps}, facts={"flat": 1})
    rows = {(str(r[0]), str(r[1])): r[2] for r in checks_table(panel_of(maker)).rows}
    assert rows["failed", "zero-gradients"] == 3
    assert rows["not checked", "epsilon-zero"] == 0


def test_a_clean_cell_that_is_not_finished_is_no_trouble(maker, attack):
    stored = attack(4)
    panel = panel_of(maker)
    assert panel.cells[0].clean is None
    row = row_of(cells(panel))
    assert row["success"] == "None"
    assert np.isclose(float(row["value"]), 20.0)
    assert cell_id(stored.cell) == stored.id
