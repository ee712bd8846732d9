"""``avplug verify``: every kind of damage is found, named, and moved when asked."""

import json

import numpy as np
import pytest

from avplug.bench.integrity import cell_id
from avplug.bench.runner import run
from avplug.bench.store import Store
from avplug.core.metric import Predictions
from avplug.core.registry import get_registry
from tests.bench.toys import config


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder of results, not to be changed."""
    folder = tmp_path_factory.mktemp("verify")
    tta = ("source", "tent")
    settings = config(folder, corruptions=("gaussian",), severities=(5,), tta=tta)
    return run(settings, get_registry()).folder


@pytest.fixture
def store(made, tmp_path):
    """A copy of it that may be damaged."""
    copy = tmp_path / "run"
    for path in made.rglob("*"):
        if path.is_file():
            target = copy / path.relative_to(made)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    return Store(copy)


def faults(avplug, store, *options):
    result = avplug("verify", str(store.folder), "--json", *options)
    found = json.loads(result.stdout)["faults"]
    assert result.exit_code == (1 if found else 0), result.stderr
    return [(fault["path"], fault["what"]) for fault in found]


def stored_again(store, change):
    """Replace a cell by one whose hashes are right and whose content is not."""
    stored = store.cells()[0]
    old, record = stored.predictions(), stored.record
    for path in stored.folder.iterdir():
        path.unlink()
    stored.folder.rmdir()
    ids, logits, targets = change(old.ids.copy(), old.logits.copy(), old.targets)
    store.put(stored.cell, Predictions(ids, logits, targets, old.outputs), record)
    return f"cells/{stored.id}"


def test_sound_results_pass_and_nothing_is_changed(avplug, store):
    before = {p: p.read_bytes() for p in store.folder.rglob("*") if p.is_file()}
    result = avplug("verify", str(store.folder))
    assert result.exit_code == 0
    assert "4 cells read, all sound." in result.stderr
    assert before == {p: p.read_bytes() for p in store.folder.rglob("*") if p.is_file()}


def every_file(store):
    return [p for p in sorted(store.folder.rglob("*.*")) if not p.name.startswith(".")]


@pytest.mark.parametrize("damage", ["flip", "cut", "empty"])
def test_a_changed_byte_anywhere_is_found_and_the_right_file_named(
    avplug, store, damage
):
    kinds = {
        path.name if path.parent.parent.name == "cells" else path.parent.name: path
        for path in every_file(store)
    }
    assert len(kinds) == 6, "run, clips, environment, and three of a cell"
    for path in kinds.values():
        sound = path.read_bytes()
        data = bytearray(sound)
        data[len(data) // 2] ^= 1
        cut = {"flip": len(data), "cut": len(data) // 2, "empty": 0}[damage]
        path.write_bytes(data[:cut])
        found = faults(avplug, store)
        assert found, path
        assert all(path.name in what for _, what in found), found
        path.write_bytes(sound)
    assert faults(avplug, store) == []


def test_a_missing_file_is_found(avplug, store):
    (path,) = (store.folder / "environments").iterdir()
    path.unlink()
    assert len(faults(avplug, store)) == 4
    assert "is missing" in faults(avplug, store)[0][1]


def test_a_clip_that_is_there_twice(avplug, store):
    def change(ids, logits, targets):
        ids[1] = ids[0]
        return ids, logits, targets

    where = stored_again(store, change)
    found = dict(faults(avplug, store))
    assert list(found) == [where]
    whats = [what for _, what in faults(avplug, store)]
    assert any("is there twice" in what for what in whats)
    assert any("of the plan is missing, of 1" in what for what in whats)


def test_a_clip_of_another_plan(avplug, store):
    def change(ids, logits, targets):
        ids[1] = "x"
        return ids, logits, targets

    where = stored_again(store, change)
    assert (where, "clip 'x' is none of the plan's") in faults(avplug, store)


def test_predictions_that_are_not_finite_or_of_other_classes(avplug, store):
    def change(ids, logits, targets):
        logits[0, 0] = np.nan
        return ids, logits, targets

    where = stored_again(store, change)
    assert faults(avplug, store) == [(where, "logits are not finite")]
    stored_again(
        store, lambda ids, logits, targets: (ids, logits[:, :3], targets[:, :3])
    )
    assert "classes" in faults(avplug, store)[0][1]


def test_a_plan_with_a_cell_twice_or_of_another_hash(avplug, store):
    facts = store.run
    row = facts["cells"][0]
    facts["cells"].append({"id": row["id"], "cell": {**row["cell"], "seed": 7}})
    store.write_run(facts)
    whats = [what for _, what in faults(avplug, store)]
    assert whats == ["it plans a cell twice", f"its cell {row['id']} has another hash"]


def test_what_is_wrong_is_set_aside_and_made_again(avplug, store, made, tmp_path):
    cell = store.cells()[2]
    (cell.folder / "predictions.npz").write_bytes(b"")
    (store.folder / "run.json").write_text("{")
    result = avplug("verify", str(store.folder), "--set-aside")
    assert result.exit_code == 1
    assert "makes them again" in result.stderr
    assert not cell.folder.exists()
    assert len(list((store.folder / "damaged").iterdir())) == 2
    options = Store(made).run["config"]
    arguments = {k: options[k] for k in ("weights", "corruptions", "severities", "tta")}
    again = run(config(tmp_path, **arguments, out=str(store.folder)), get_registry())
    assert (again.computed, again.reused) == (1, 3)
    assert faults(avplug, store) == []
    assert cell_id(cell.cell) == cell.id


def test_what_a_killed_run_left_is_no_fault(avplug, store):
    (store.folder / "cells" / ".aa~00000000~1~01.tmp").mkdir()
    assert faults(avplug, store) == []
    result = avplug("verify", str(store.folder))
    assert ".aa~00000000~1~01.tmp" in result.stderr
    assert result.exit_code == 0


def test_no_folder_is_refused(avplug, tmp_path):
    result = avplug("verify", str(tmp_path / "none"))
    assert result.exit_code == 2
    assert "There is no folder" in result.stderr
