"""Tables in the papers' form, from stores with known answers."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from avplug.core.errors import UsageError
from avplug.report.paper_source import Spread, combined, mean_of, spread
from avplug.report.scores import score
from tests.report.stores import TOP1, right

ROWS = {"concat": "none", "minsim": "MinSim", "audio": "Unimodal A"}
CLEAN = {"concat": 16, "minsim": 14, "audio": 10}
UNDER = {
    "concat": {"a": 8, "v": 6, "av": 2},
    "minsim": {"a": 12, "v": 10, "av": 8},
    "audio": {"a": 0, "v": 10, "av": 0},
}


def network(name, seed):
    trained = {"name": name, "seed": seed}
    return {"name": "cvpr21", "variant": "tiny", "weights": f"{name}{seed}"} | {
        "training": trained
    }


@pytest.fixture
def filled(maker, attack):
    """Three networks, two trainings each; the second has two more clips right."""

    def fill(tables):
        maker.run["config"] = {"tables": tables}
        maker.run["trainings"] = [
            {"name": "concat", "seed": seed, "epochs": 2, "seconds": 10.0 + seed,
             "forwards": 0.0, "backwards": 0.0}
            for seed in (0, 1)
        ]  # fmt: skip
        for name in ROWS:
            for seed in (0, 1):
                model = network(name, seed)
                maker.add(right(CLEAN[name] + 2 * seed), model=model)
                for senses, count in UNDER[name].items():
                    attack(count + 2 * seed, senses, "fgsm", model=model)
        return maker

    return fill


def tables_of(maker):
    return score(maker.store, [TOP1], 0).papers


def rows_of(table):
    keys = [column.key for column in table.columns]
    return {
        str(row[0]): dict(zip(keys, map(str, row), strict=True)) for row in table.rows
    }


def test_improvement_is_relative_to_the_undefended_network(filled):
    layout = {"form": "senses", "title": "T3", "rows": ROWS, "base": "concat"}
    (table,) = tables_of(filled([layout]))
    rows = rows_of(table)
    assert rows["none"]["clean"] == "85.0 ± 7.1"
    assert rows["none"]["ri"] == "None"
    # (75 + 55) - (85 + 31.67) of both seeds, which differ by 10 in each number.
    assert rows["MinSim"]["mean"] == "55.0 ± 7.1"
    assert rows["MinSim"]["ri"] == "+13.3 ± 0.0"
    assert rows["Unimodal A"]["v"] == rows["Unimodal A"]["clean"]
    for row in rows.values():
        assert row["psnr"] != "None"
        assert row["snr"] != "None"
    assert "8 of 255 grey levels" in table.title
    assert "2 trainings; 20 clips" in table.note


def test_attacks_stand_beside_their_budgets(filled):
    layout = {"form": "attacks", "title": "T1", "rows": ROWS}
    (table,) = tables_of(filled([layout]))
    (row,) = table.rows
    assert [c.title for c in table.columns[1:4]] == [
        "A 0.01 linf", "V 8/255 linf", "AV 0.01 linf + 8/255 linf",
    ]  # fmt: skip
    assert row[:5] == ("fgsm", "45.0 ± 7.1", "35.0 ± 7.1", "15.0 ± 7.1", "31.7 ± 7.1")
    assert "Unimodal A 55.0 ± 7.1" in table.note


def test_success_is_of_the_clips_that_were_right_beside_the_cost(filled):
    layout = {"form": "success", "title": "T", "rows": ROWS}
    tables = tables_of(filled([layout]))
    assert [table.name for table in tables] == [
        "success-1",
        "success-1-2",
        "success-1-3",
    ]
    row = rows_of(tables[2])["none"]
    # 14 of 16 and 14 of 18.
    assert row["fgsm-success"] == "82.6 ± 6.9"
    assert row["fgsm-accuracy"] == "15.0 ± 7.1"
    assert row["seconds"] == "10.5 ± 0.7"


def test_a_transfer_reads_from_row_to_column(filled, attack):
    maker = filled([{"form": "transfer", "title": "T", "rows": ROWS}])
    made_on = {"surrogates": [network("minsim", 0)]}
    attack(4, "av", "fgsm", about=made_on, model=network("concat", 0))
    (table,) = tables_of(maker)
    rows = rows_of(table)
    assert rows["MinSim"]["on-concat"] == "75.0", "12 of 16"
    # White-box: 6 of 14 and 6 of 16.
    assert rows["MinSim"]["on-minsim"] == "40.2 ± 3.8"
    assert rows["none"]["on-minsim"] == "None"


def test_an_unknown_form_is_told(filled):
    with pytest.raises(UsageError, match="Did you mean 'senses'"):
        tables_of(filled([{"form": "sense", "title": "T", "rows": ROWS}]))


def test_one_training_has_no_deviation_and_no_minus_before_zero():
    assert str(Spread({0: 1.0})) == "1.0"
    assert Spread({0: -0.01}).shown(signed=True) == "+0.0"


@given(st.dictionaries(st.integers(0, 9), st.floats(0, 100), min_size=1))
def test_repetitions_of_a_training_are_averaged_first(values):
    pairs = [*values.items(), *((seed, value + 1) for seed, value in values.items())]
    found = spread(pairs)
    assert found is not None
    assert found.mean == pytest.approx(sum(values.values()) / len(values) + 0.5)


def test_only_seeds_that_both_have_are_subtracted():
    found = combined([Spread({0: 5.0, 1: 7.0}), Spread({1: 3.0, 2: 0.0})], [1, -1])
    assert found is not None
    assert found.values == {1: 4.0}
    assert mean_of([Spread({0: 1.0}), None]) is None
    assert combined([Spread({0: 1.0}), Spread({1: 1.0})], [1, 1]) is None
