"""Tasks: which cells share one, how it is cut, and how shards become a cell again."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from avplug.bench.evaluate import NoClipError, Outcome
from avplug.bench.planning import make_plan
from avplug.bench.probes import CollapseWatch
from avplug.bench.shards import Gathering, merge
from avplug.bench.tasks import Task, form_tasks
from avplug.core.metric import Predictions
from avplug.core.registry import get_registry
from tests.bench.toys import checkpoint, config


@pytest.fixture(scope="module")
def plan(tmp_path_factory):
    folder = tmp_path_factory.mktemp("plan")
    return make_plan(
        config(
            folder,
            models=("cav-mae", "cav-mae:tiny"),
            weights=(checkpoint(folder),) * 2,
            tta=("source", "tent"),
            seeds=(0, 1),
            batch_size=8,
            attacks=("fgsm",),
            attack_senses=("av",),
        ),
        get_registry(),
    )


def test_cells_without_state_or_attack_share_a_task_the_others_do_not(plan):
    by_id = {cell.id: cell for cell in plan.cells}
    tasks = form_tasks(plan, plan.cells)
    assert sorted(name for task in tasks for name in task.cells) == sorted(by_id)
    for task in tasks:
        cells = [by_id[name] for name in task.cells]
        if len(cells) > 1:
            assert not any(c.attack or c.treatment.adapter.stateful for c in cells)
        assert len({(c.seed, id(c.segments[0])) for c in cells}) == 1
    single = [
        c for c in plan.cells if not c.attack and not c.treatment.adapter.stateful
    ]
    together = {
        (cell.seed, cell.segments[0].name, cell.segments[0].severity) for cell in single
    }
    others = len(plan.cells) - len(single)
    assert len(tasks) == len(together) + others


def test_shards_are_whole_batches_of_cells_that_can_be_cut(plan):
    tasks = form_tasks(plan, plan.cells, 10)
    cut = {task.clips for task in tasks if task.clips}
    assert cut == {(0, 16), (16, 24)}
    whole = form_tasks(plan, plan.cells)
    by_id = {cell.id: cell for cell in plan.cells}
    for task in whole:
        cell = by_id[task.cells[0]]
        expected = 1 if cell.attack or cell.treatment.adapter.stateful else 2
        assert sum(each.cells == task.cells for each in tasks) == expected


def test_a_task_splits_into_its_cells():
    assert Task(("a", "b"), (0, 4)).split() == [
        Task(("a",), (0, 4)),
        Task(("b",), (0, 4)),
    ]


def outcome(begin, logits, failed=(), batch=4):
    watch = CollapseWatch()
    for start in range(0, len(logits), batch):
        watch.see(logits[start : start + batch])
    ids = [f"clip{begin + i:03}" for i in range(len(logits))]
    record = {
        "clips": {"evaluated": len(logits), "failed": len(failed)},
        "adapted": 0,
        "failures": [{"id": name, "reason": "no"} for name in failed],
        "seconds": {"total": 1.0},
        "memory": {"bytes": begin, "measure": "x"},
        "collapse": watch.facts(),
        "energy": {"joules": None, "missing": {}},
    }
    predictions = Predictions(np.array(ids, np.str_), logits, logits > 0, "logits")
    return Outcome(predictions, record, None, None)


@settings(max_examples=30, deadline=None)
@given(batches=st.lists(st.integers(1, 3), min_size=1, max_size=5), seed=st.integers(0))
def test_shards_in_any_order_make_the_whole(batches, seed):
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(4 * sum(batches), 3)).astype(np.float32)
    whole = outcome(0, logits)
    ends = 4 * np.cumsum([0, *batches])
    spans = list(zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True))
    tasks = [Task(("cell",), span) for span in spans]
    gathering = Gathering(tasks, 4)
    got = []
    for number in rng.permutation(len(tasks)):
        begin, end = spans[number]
        part = outcome(begin, logits[begin:end])
        got += gathering.take(tasks[number], {"cell": part})
    ((name, merged),) = got
    assert name == "cell"
    for key in ("ids", "logits", "targets"):
        one, two = getattr(whole.predictions, key), getattr(merged.predictions, key)
        assert one.dtype == two.dtype
        assert np.array_equal(one, two)
    assert merged.record["clips"] == whole.record["clips"]
    assert merged.record["collapse"] == whole.record["collapse"]
    assert merged.record["seconds"]["total"] == len(tasks)


def test_a_cell_fails_with_its_first_failed_shard_after_the_last_has_come():
    tasks = [Task(("a", "b"), span) for span in ((0, 4), (4, 8))]
    gathering = Gathering(tasks, 4)
    good = outcome(4, np.ones((4, 2), np.float32))
    assert not list(gathering.take(tasks[1], {"a": good, "b": ValueError("late")}))
    lost = RuntimeError("lost")
    assert list(gathering.take(tasks[0], lost)) == [("a", lost), ("b", lost)]


def test_shards_without_one_prediction_are_a_failure():
    none = np.zeros((0, 2), np.float32)
    tasks = [Task(("a",), span) for span in ((0, 4), (4, 8))]
    gathering = Gathering(tasks, 4)
    list(gathering.take(tasks[1], {"a": outcome(4, none, ("z", "y"))}))
    ((_, error),) = gathering.take(tasks[0], {"a": outcome(0, none, ("x",))})
    assert isinstance(error, NoClipError)
    assert "None of 3 clips could be evaluated. The first, 'x': no" in str(error)
    part = outcome(0, np.ones((4, 2), np.float32), ("w",))
    merged = merge([part, outcome(4, none, ("v",))], 4)
    assert [row["id"] for row in merged.record["failures"]] == ["v", "w"]
