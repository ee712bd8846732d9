import json

import pytest

from avplug.bench import estimate
from avplug.bench.estimate import describe_plan
from avplug.bench.evaluate import evaluate
from avplug.bench.planning import make_plan
from avplug.core.components import AdaptationSpec, ModelSpec
from avplug.core.errors import UnknownNameError, UsageError, WeightsError
from avplug.core.registry import get_registry
from tests.bench.toys import checkpoint, config


def plan_of(tmp_path, **changes):
    return make_plan(config(tmp_path, **changes), get_registry())


def ids(plan):
    return {cell.id for cell in plan.cells}


def test_the_matrix_holds_each_combination_once(tmp_path):
    plan = plan_of(tmp_path, tta=("source", "tent"), seeds=(0, 1))
    assert len(plan.cells) == len(ids(plan)) == 2 * 2 * (1 + 2 * 2)
    assert len(plan.clips) == 24
    assert plan.skips == ()


def test_how_a_run_is_done_is_no_part_of_what_it_is(tmp_path):
    base = ids(plan_of(tmp_path))
    assert ids(plan_of(tmp_path, workers=2)) == base
    assert ids(plan_of(tmp_path, batch_size=7)) == base
    assert ids(plan_of(tmp_path, severities=(5, 1))) == base
    assert ids(plan_of(tmp_path, out=str(tmp_path / "other"))) == base


@pytest.mark.parametrize(
    "changes",
    [
        {"limit": 23},
        {"seeds": (1,)},
        {"profile": "released"},
        {"split": "val"},
        {"options": {"dataset": {"clips": 100}}},
    ],
)
def test_every_choice_that_changes_numbers_changes_each_corrupted_cell(
    tmp_path, changes
):
    def corrupted(plan):
        return {cell.id for cell in plan.cells if not cell.clean}

    base, other = plan_of(tmp_path), plan_of(tmp_path, **changes)
    assert not corrupted(base) & corrupted(other)


def test_stream_and_batch_belong_to_an_adapted_cell_alone(tmp_path):
    def adapted(**changes):
        plan = plan_of(tmp_path, tta=("tent",), **changes)
        return ids(plan)

    base = adapted()
    assert not base & adapted(batch_size=7)
    assert not base & adapted(order="fixed")
    assert not base & adapted(options={"tent": {"lr": 0.5}})
    assert base == adapted(options={"tent": {"lr": 1e-4}}), "the default, stated"


def test_other_weights_are_another_cell(tmp_path):
    base = ids(plan_of(tmp_path))
    path = tmp_path / "b"
    path.mkdir()
    other = checkpoint(path, dataset="other")
    assert not base & ids(plan_of(tmp_path, weights=(other,)))


def test_what_a_model_cannot_offer_is_skipped_with_the_reason(tmp_path, monkeypatch):
    registry = get_registry()
    spec: ModelSpec = registry.get("model", "cav-mae").spec
    monkeypatch.setitem(vars(spec), "capabilities", ("norm",))
    plan = make_plan(config(tmp_path, tta=("source", "av2c")), registry)
    assert len(plan.cells) == 5
    (skip,) = plan.skips
    assert skip.cells == 5
    assert skip.reason == "av2c needs fusion_attention, encode, which cav-mae has not"


def test_a_method_for_one_label_is_skipped_on_multi_label_data(tmp_path, monkeypatch):
    registry = get_registry()
    spec: AdaptationSpec = registry.get("adaptation", "tent").spec
    assert spec.tasks == ("single-label",)
    monkeypatch.setitem(vars(spec), "tasks", ("multi-label",))
    plan = make_plan(config(tmp_path, tta=("tent",)), registry)
    assert plan.cells == ()
    assert plan.skips[0].reason == "tent is not defined for single-label data"


@pytest.mark.parametrize(
    ("changes", "kind", "said"),
    [
        (
            {"corruptions": ("gausian",)},
            UnknownNameError,
            "Unknown corruption 'gausian'. Did you mean 'gaussian'?",
        ),
        ({"models": ("cav-mae:tny",)}, UnknownNameError, "Did you mean 'tiny'?"),
        ({"profile": "papr"}, UsageError, "has no profile 'papr'"),
        ({"device": "gpu9"}, UsageError, "Device 'gpu9' cannot be used"),
        ({"metrics": ("map",)}, UsageError, "'map' is not defined for single-label"),
        ({"dataset": "avdigits"}, UsageError, "'avdigits' is read from disk"),
        (
            {"options": {"tent": {"lr": 1}}},
            UsageError,
            "Options are given for 'tent', which this run does not use",
        ),
        (
            {"options": {"dataset": {"clps": 1}}},
            UsageError,
            "Dataset 'events' has no option 'clps'. Did you mean 'clips'?",
        ),
        ({"options": {"model": {"widht": 8}}}, UsageError, "Did you mean 'width'?"),
        ({"weights": ("nowhere.safetensors",)}, WeightsError, "nowhere.safetensors"),
    ],
)
def test_what_is_wrong_comes_out_before_any_work(tmp_path, changes, kind, said):
    with pytest.raises(kind) as caught:
        plan_of(tmp_path, **changes)
    assert said in caught.value.message
    assert caught.value.exit_code == 2


def test_weights_of_other_classes_and_of_other_models_are_refused(tmp_path):
    with pytest.raises(WeightsError, match="predicts the 2 classes of pets"):
        plan_of(tmp_path, weights=(checkpoint(tmp_path, ("cat", "dog"), "pets"),))
    with pytest.raises(WeightsError, match="brings no weights for data set 'events'"):
        plan_of(tmp_path, models=("cav-mae",), weights=())


def test_identities_are_plain_json(tmp_path):
    plan = plan_of(tmp_path, tta=("source", "av2c"))
    for cell in plan.cells:
        assert json.loads(json.dumps(cell.identity))["seed"] == cell.seed


def test_a_plan_tells_cells_skips_and_time(tmp_path):
    plan = plan_of(tmp_path, limit=4, batch_size=2)
    facts = describe_plan(plan)
    assert facts["cells"] == 5
    assert facts["finished"] == 0
    assert facts["seconds"] > 0
    assert [g["condition"] for g in facts["groups"]] == [
        "clean",
        "gaussian",
        "compression",
    ]
    assert facts["untimed"] == []
    assert describe_plan(plan, estimate=False)["seconds"] is None


def test_what_cannot_be_timed_is_told_and_costs_the_others_nothing(
    tmp_path, monkeypatch
):
    def only_the_source(cell, *rest):
        if cell.method.spec.name == "av2c":
            raise RuntimeError("no luck")
        return evaluate(cell, *rest)

    monkeypatch.setattr(estimate, "evaluate", only_the_source)
    plan = plan_of(tmp_path, limit=4, batch_size=2, tta=("source", "av2c"))
    facts = describe_plan(plan)
    assert facts["untimed"] == ["av2c on clean: no luck"]
    assert facts["seconds"] > 0
