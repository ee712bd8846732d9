"""Checkpoints from a hub: a real server on this machine, and what it may refuse."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
import torch
from avplug_videollama.hub import folder_of
from avplug_videollama.loading import load
from huggingface_hub import constants

from avplug.core.errors import WeightsError


@pytest.fixture
def shards(folder, tmp_path):
    """Return the same checkpoint in several files, as the large ones come."""
    network, tokenizer, _ = load(str(folder), "auto", "")
    network.save_pretrained(tmp_path / "shards", max_shard_size="150KB")
    tokenizer.save_pretrained(tmp_path / "shards")
    (tmp_path / "shards" / "modeling.py").write_text("raise SystemExit")
    assert len(list((tmp_path / "shards").glob("*.safetensors"))) > 2
    return tmp_path / "shards"


def test_a_checkpoint_in_parts_is_downloaded_once(hub, shards, folder):
    hub.folders["me/parts"] = shards
    found, _, _ = load("hf:me/parts", "auto", "")
    whole, _, _ = load(str(folder), "auto", "")
    for one, other in zip(found.parameters(), whole.parameters(), strict=True):
        assert torch.equal(one, other)
    asked = set(hub.asked)
    assert not any(path.endswith(".py") for path in asked)
    hub.asked.clear()
    load("hf:me/parts@main", "auto", "")
    load("me/parts", "auto", "")
    assert not any(path.endswith(".safetensors") for path in hub.asked)


def test_a_hub_that_is_away_leaves_the_cache(hub, folder, monkeypatch):
    hub.folders["me/saved"] = folder
    cached = folder_of("hf:me/saved")
    # A port where nobody listens.
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    assert folder_of("hf:me/saved") == cached
    with pytest.raises(WeightsError, match="the hub cannot be reached") as caught:
        folder_of("hf:me/other")
    assert "AVPLUG_OFFLINE" in caught.value.hint


@pytest.mark.parametrize("switch", ["AVPLUG_OFFLINE", "HF_HUB_OFFLINE"])
def test_offline_nothing_is_asked(hub, folder, monkeypatch, switch):
    hub.folders["me/saved"] = folder
    monkeypatch.setenv(switch, "1")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", switch == "HF_HUB_OFFLINE")
    with pytest.raises(WeightsError, match=f"Look at .*{switch}"):
        folder_of("hf:me/saved")
    assert hub.asked == []


@pytest.mark.parametrize(
    ("refused", "said"),
    [
        ((403, "GatedRepo"), "asks for consent .*Give it at http.*/me/saved, then log"),
        ((401, ""), "refuses 'me/saved': 401 Unauthorized.*hf auth login"),
        ((410, ""), "refuses 'me/saved': 410 Gone.*Try again later"),
    ],
)
def test_what_the_hub_refuses_is_told(hub, folder, refused, said):
    hub.folders["me/saved"] = folder
    hub.refused["me/saved"] = refused
    with pytest.raises(WeightsError, match=f"(?s){said}"):
        folder_of("hf:me/saved")


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("hf:me/none", "The hub has no 'me/none'.*private one log in"),
        ("hf:me/saved@nope", "names a revision that the repository lacks"),
        ("me/saved", "neither a folder nor .*Fetch it with --weights hf:me/saved"),
        ("/no/such/folder", "There is no folder '/no/such/folder'"),
        ("hf:nothing", "Give a folder, OWNER/REPO"),
    ],
)
def test_what_is_not_there_is_told(hub, folder, source, said):
    hub.folders["me/saved"] = folder
    with pytest.raises(WeightsError, match=f"(?s){said}"):
        folder_of(source)


def test_a_repository_of_another_model(hub, folder):
    (folder / "config.json").write_text(json.dumps({"model_type": "bert"}))
    hub.folders["me/bert"] = folder
    with pytest.raises(WeightsError, match="'hf:me/bert' is a checkpoint of 'bert'"):
        load("hf:me/bert", "auto", "")


def test_a_full_disk_is_told(hub, folder, tmp_path, monkeypatch):
    hub.folders["me/saved"] = folder
    (tmp_path / "file").touch()
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(WeightsError, match=r"cannot be stored: .*HF_HOME"):
        folder_of("hf:me/saved")


def test_a_run_downloads_and_the_next_one_needs_no_hub(hub, shards, tmp_path):
    command = [
        *(sys.executable, "-m", "avplug", "--plugin", "avplug_videollama", "run"),
        *("--model", "videollama:tiny", "--weights", "hf:me/parts", "--limit", "4"),
        *("-c", "gaussian", "--severity", "5", "--out", "run"),
    ]
    environment = {**os.environ, "HF_HOME": str(tmp_path / "home")}
    del environment["HF_HUB_OFFLINE"]

    def run():
        return subprocess.run(
            command,
            env=environment,
            cwd=tmp_path,
            check=True,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        ).stdout

    hub.folders["me/parts"] = shards
    run()
    assert any(path.endswith(".safetensors") for path in hub.asked)
    # A port where nobody listens: the cache is enough, and its tensors are the same.
    environment["HF_ENDPOINT"] = "http://127.0.0.1:9"
    assert "2 found finished" in run()
