"""Each published data set in miniature: read, checked, prepared, run."""

import json
import shutil

import pytest

from avplug.bench.store import Store
from avplug.core.components import DatasetSpec
from avplug.core.errors import DatasetError
from avplug.core.registry import get_registry
from tests.builtin_datasets.published import miniature
from tests.command import call


@pytest.fixture(scope="module", params=list(miniature.MAKERS))
def mini(request, tmp_path_factory):
    """Return the name of a data set and its miniature, for tests that write nothing."""
    root = tmp_path_factory.mktemp(request.param)
    miniature.MAKERS[request.param](root)
    return request.param, root


def test_the_miniature_goes_through_check_prepare_and_run(mini, tmp_path):
    name, root = mini
    checked = call("data", "check", name, "--data-root", root, "--json")
    assert checked.exit_code == 1, checked.output
    found = json.loads(checked.stdout)
    assert found["counts"] == {"missing": 1}
    assert found["listed"] == found["checked"] + 1 == found["present"] + 1

    prepared = tmp_path / "prepared"
    words = ("data", "prepare", name, "--data-root", root, "--out", prepared)
    result = call(*words)
    assert result.exit_code == 0, result.output
    assert f"{found['present']} clips written, 0 found" in result.stderr
    again = call(*words)
    assert f"0 clips written, {found['present']} found" in again.stderr

    before, after = miniature.opened(name, root), miniature.opened(name, prepared)
    assert [(r.id, r.labels, r.group) for r in after.clips] == [
        (r.id, r.labels, r.group) for r in before.clips
    ]
    assert after.labels == before.labels
    assert dict(after.missing) == dict(before.missing)
    assert (after.tasks, after.multi_label) == (before.tasks, before.multi_label)

    (tmp_path / "my_net.py").write_text(miniature.MODEL)
    result = call(
        *("run", "--dataset", name, "--data-root", prepared, "--no-report"),
        *("--model", f"{tmp_path / 'my_net.py'}:Net", "--out", tmp_path / "run"),
        *("-c", "gaussian", "-s", "5"),
    )
    assert result.exit_code == 0, result.output
    store = Store(tmp_path / "run")
    assert len(store.cells()) == 2
    for cell in store.cells():
        assert cell.record["clips"] == {"evaluated": found["present"], "failed": 0}
        assert cell.cell["dataset"]["missing"] == 1
        assert cell.predictions().logits.shape[1] == len(before.labels)
    assert store.run["missing"] == dict(before.missing)
    assert store.run["tasks"] == dict(before.tasks)


def test_listed_facts_agree_with_the_data_sets(mini):
    name, root = mini
    spec = get_registry().get("dataset", name).spec
    assert isinstance(spec, DatasetSpec)
    assert spec.classes == len(miniature.opened(name, root).labels)
    assert spec.page
    assert name in call("data", "list").stdout


def test_a_folder_without_the_list_is_told_what_was_expected(mini, tmp_path):
    name, _ = mini
    (tmp_path / "holiday.mp4").write_bytes(b"")
    with pytest.raises(DatasetError, match=r"expected .*; found holiday\.mp4") as told:
        miniature.opened(name, tmp_path)
    assert str(tmp_path) in str(told.value)


def test_a_list_without_media_is_told_what_was_expected(mini, tmp_path):
    name, root = mini
    for path in root.iterdir():
        if path.is_file():
            shutil.copy(path, tmp_path)
    with pytest.raises(DatasetError, match=r"Not one of the \d clips.*found no media"):
        miniature.opened(name, tmp_path)


def test_an_unknown_split_is_named(mini):
    name, root = mini
    with pytest.raises(DatasetError, match=r"has no split 'tset'\. Splits: test"):
        miniature.opened(name, root, split="tset")
