import json
import os
import subprocess
import sys
import time

import numpy as np
import pytest

from avplug.bench.integrity import DamageError
from avplug.bench.store import Maps, Store, cell_id
from avplug.bench.writers import place
from avplug.core.errors import UsageError
from avplug.core.metric import Predictions

IDENTITY = {"severity": 3, "seed": 0, "corruption": {"name": "gaussian"}, "schema": 1}


def predictions(scale=1.0):
    return Predictions(
        np.array(["b", "a ü"]),
        np.array([[0.1, 0.2], [np.pi, -1.0]], np.float32) * np.float32(scale),
        np.array([[True, False], [False, True]]),
    )


def same(one, other):
    return (
        (one.ids == other.ids).all()
        and (one.logits == other.logits).all()
        and (one.targets == other.targets).all()
        and one.outputs == other.outputs
    )


def test_the_id_is_the_hash_of_the_canonical_identity():
    assert cell_id(IDENTITY) == cell_id(dict(reversed(IDENTITY.items())))
    assert cell_id(IDENTITY) != cell_id({**IDENTITY, "seed": 1})
    # Pinned: another id would orphan every store out there.
    assert cell_id({"a": [1, 2.5, "ü", None]}) == "ed838cb7329b33dbb2de"


def test_what_is_put_is_got_bit_for_bit(tmp_path):
    store = Store(tmp_path / "out")
    stored = store.put(IDENTITY, predictions(), {"seconds": 1.5})
    got = Store(tmp_path / "out").get(stored.id)
    assert same(got.predictions(), predictions())
    assert got.cell == IDENTITY
    assert got.record["seconds"] == 1.5
    assert store.get("0" * 20) is None


def test_equal_predictions_give_equal_bytes(tmp_path):
    paths = [
        Store(tmp_path / name).put(IDENTITY, predictions(), {}).folder
        / "predictions.npz"
        for name in "ab"
    ]
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_the_first_writer_of_a_cell_wins(tmp_path):
    store = Store(tmp_path)
    store.put(IDENTITY, predictions(1), {})
    stored = store.put(IDENTITY, predictions(2), {})
    assert same(stored.predictions(), predictions(1))
    assert [p.name for p in (tmp_path / "cells").iterdir()] == [cell_id(IDENTITY)]


@pytest.mark.parametrize("name", ["cell.json", "predictions.npz", "record.json"])
@pytest.mark.parametrize("damage", ["flip", "cut", "remove"])
def test_a_damaged_cell_is_set_aside(tmp_path, caplog, name, damage):
    store = Store(tmp_path)
    path = store.put(IDENTITY, predictions(), {}).folder / name
    data = bytearray(path.read_bytes())
    if damage == "flip":
        data[data.index(b"1")] = ord("2")
    elif damage == "cut":
        del data[len(data) // 2 :]
    path.write_bytes(data)
    if damage == "remove":
        path.unlink()
    assert store.get(cell_id(IDENTITY)) is None
    assert f"{name} " in caplog.text
    assert path.parent.exists(), "reading moves nothing"
    assert store.recover(cell_id(IDENTITY)) is None
    assert "set aside" in caplog.text
    assert len(list((tmp_path / "damaged").iterdir())) == 1
    store.put(IDENTITY, predictions(), {})
    assert same(store.get(cell_id(IDENTITY)).predictions(), predictions())


@pytest.mark.parametrize("damage", ["flip", "cut", "remove"])
def test_maps_are_checked_like_predictions(tmp_path, damage):
    store = Store(tmp_path)
    pictures, weights = np.zeros((1, 4, 4, 3), np.uint8), np.ones((1, 2, 2), np.float32)
    maps = Maps(np.array(["b"]), pictures, pictures, weights, weights)
    stored = store.put(IDENTITY, predictions(), {}, maps=maps)
    assert (store.get(stored.id).maps().before == weights).all()
    path = stored.folder / "maps.npz"
    data = bytearray(path.read_bytes())
    data[100] ^= 1
    path.write_bytes(data[:50] if damage == "cut" else data)
    if damage == "remove":
        path.unlink()
    with pytest.raises(DamageError, match=r"maps\.npz"):
        store.read(stored.id)
    assert store.recover(stored.id) is None


def test_cells_come_in_the_order_of_the_plan(tmp_path):
    store = Store(tmp_path)
    identities = [{**IDENTITY, "seed": seed} for seed in range(5)]
    for identity in identities[:4]:
        store.put(identity, predictions(), {})
    order = [3, 0, 4, 2]
    store.write_run(
        {"cells": [{"id": cell_id(identities[i]), "cell": {}} for i in order]}
    )
    assert [cell.cell["seed"] for cell in store.cells()] == [3, 0, 2]


def test_what_killed_writers_left_is_cleared_but_not_what_others_write(tmp_path):
    dead = subprocess.Popen([sys.executable, "-c", "pass"])
    dead.wait()
    cells = tmp_path / "cells"
    for name in (
        f".aa~{place()}~{dead.pid}~01.tmp",
        f".bb~{place()}~{os.getpid()}~02.tmp",
        # A process of the same number in another container.
        f".cc~00000000~{dead.pid}~03.tmp",
        f".dd~00000000~{dead.pid}~04.tmp",
        # Of an earlier version of avplug.
        f".ee~host~{dead.pid}.tmp",
    ):
        (cells / name).mkdir(parents=True)
        (cells / name / "cell.json").touch()
    two_days_ago = time.time() - 2 * 86_400
    os.utime(cells / f".dd~00000000~{dead.pid}~04.tmp", (two_days_ago, two_days_ago))
    Store(tmp_path).clear()
    assert {p.name[:3] for p in cells.iterdir()} == {".bb", ".cc", ".ee"}


def test_a_folder_without_a_run_and_a_file_are_refused(tmp_path):
    with pytest.raises(UsageError, match=r"holds no run \(no run.json\)"):
        Store(tmp_path).cells()
    (tmp_path / "file").write_text(json.dumps({}))
    with pytest.raises(UsageError, match="is a file, not a folder"):
        Store(tmp_path / "file")
