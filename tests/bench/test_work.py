"""The work on a task: planned anew elsewhere, by the same names or not at all."""

import pickle

import pytest

from avplug.bench.planning import make_plan
from avplug.bench.tasks import Task
from avplug.bench.work import CellWork
from avplug.core.errors import WorkerSetupError
from avplug.core.manager import configure
from avplug.core.registry import get_registry
from tests.bench.toys import config


@pytest.fixture(autouse=True)
def _forget_plugins():
    # Work elsewhere goes to the folder of its caller, and loads its plugins.
    yield
    configure()


def elsewhere(work):
    return pickle.loads(pickle.dumps(work))


def test_a_plan_stays_here_and_is_made_again_elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    settings = config(tmp_path, severities=(5,), limit=4)
    plan = make_plan(settings, get_registry())
    here = CellWork(settings, plan)
    assert len(pickle.dumps(here)) < 20_000
    task = Task((plan.cells[0].id, plan.cells[1].id), (1, 3))
    counts = []
    one = here(Task(task.cells[:1], task.clips), counts.append)
    other = elsewhere(here)(task, counts.append)
    assert sum(counts) == 2 + 4
    name = task.cells[0]
    assert list(other) == list(task.cells)
    assert (one[name].predictions.logits == other[name].predictions.logits).all()
    assert list(one[name].predictions.ids) == [ref.id for ref in plan.clips[1:3]]
    assert one[name].record["environment"] == other[name].record["environment"]


def test_a_worker_that_plans_other_cells_is_found_out(tmp_path):
    work = elsewhere(CellWork(config(tmp_path, limit=4)))
    with pytest.raises(WorkerSetupError, match=r"it lacks 0123\."):
        work(Task(("0123",)), lambda count: None)


def test_a_worker_without_the_data_says_what_it_lacks(tmp_path):
    settings = config(tmp_path, dataset="folder", data_root=str(tmp_path / "none"))
    with pytest.raises(WorkerSetupError, match=r"cannot plan the run: .*none"):
        elsewhere(CellWork(settings))(Task(("0123",)), lambda count: None)


def test_what_one_cell_raises_is_its_own_and_can_be_sent(tmp_path, monkeypatch):
    from avplug.builtin_tta.tent import Tent

    def step(self, batch):
        raise RuntimeError("no candle")

    monkeypatch.setattr(Tent, "step", step)
    settings = config(tmp_path, tta=("tent",), corruptions=("gaussian",), limit=4)
    plan = make_plan(settings, get_registry())
    task = Task((plan.cells[0].id,))
    (error,) = elsewhere(CellWork(settings, plan))(task, lambda count: None).values()
    assert str(error) == "no candle"
    assert "no candle" in error.__notes__[0]
    assert error.__traceback__ is None
    (own,) = CellWork(settings, plan)(task, lambda count: None).values()
    assert own.__traceback__ is not None


def test_of_the_tasks_that_come_the_next_one_is_prepared(tmp_path, monkeypatch):
    from avplug.bench.feed import Feed

    settings = config(tmp_path, corruptions=("gaussian",), limit=4, workers=1)
    plan = make_plan(settings, get_registry())
    tasks = [Task((cell.id,)) for cell in plan.cells[:3]]
    told, stream = [], Feed.stream

    def asking(self, cell, turn, clips, size, following):
        told.append((cell, following))
        return stream(self, cell, turn, clips, size, following)

    monkeypatch.setattr(Feed, "stream", asking)
    work = CellWork(settings, plan, tasks)
    # In an order of its own, as an executor may have it.
    for number in (1, 0, 2):
        work(tasks[number], lambda count: None)
    cells = [cell for cell, _ in told]
    assert cells == [plan.cells[1], plan.cells[0], plan.cells[2]]
    # Nothing is left by now.
    assert [following() for _, following in told] == [None] * 3
    work = CellWork(settings, plan, tasks)
    monkeypatch.setattr(
        Feed, "stream", lambda *args: told.append(args[-1]()) or iter(())
    )
    for task in tasks[:2]:
        work(Task(task.cells, (0, 2)), lambda count: None)
        work(task, lambda count: None)
    assert [part.cell for part in told[3::2]] == [plan.cells[0], plan.cells[1]]
    assert [part.cell for part in told[4::2]] == [plan.cells[1], plan.cells[2]]
