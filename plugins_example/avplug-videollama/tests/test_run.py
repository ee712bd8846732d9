"""Runs of avplug with this plugin, through the command line."""

from __future__ import annotations

import json

import numpy as np
from avplug_videollama.loading import load
from typer.testing import CliRunner

from avplug.bench.store import Store
from avplug.cli.app import build_app


def run(out, *more, model="videollama:tiny"):
    arguments = [
        *("--plugin", "avplug_videollama", "run", "--model", model),
        *("-c", "gaussian", "--severity", "5", "--limit", "4", "--out", str(out)),
        *more,
    ]
    result = CliRunner().invoke(build_app(), arguments)
    assert result.exit_code == 0, result.output
    return {path.name for path in (out / "cells").iterdir()}, result.output


def test_events_and_a_folder_of_weights(tmp_path):
    network, tokenizer, _ = load("random", "auto", "")
    for part in (network, tokenizer):
        part.save_pretrained(tmp_path / "weights")
    first, _ = run(tmp_path / "random")
    assert len(first) == 2
    settings = json.loads((tmp_path / "random" / "run.json").read_text())
    assert settings["config"]["models"] == ["videollama:tiny"]
    # The same tensors out of a folder are the same results.
    again, said = run(tmp_path / "random", "--weights", str(tmp_path / "weights"))
    assert again == first
    assert "2 found finished" in said, said
    other, _ = run(tmp_path / "random", "-o", "videollama.score=constrained")
    assert len(other) == 4


def test_what_a_model_does_not_hear_is_skipped(tmp_path):
    _, said = run(tmp_path, "--modalities", "a,v", model="videollama:tiny-videollama3")
    assert "where only the sound is corrupted, 1 cells: it only sees" in said
    clean, corrupted = Store(tmp_path).cells()
    assert corrupted.cell["corruption"]["modalities"] == "v"
    assert corrupted.record["modalities"] == "v"
    logits = clean.predictions().logits, corrupted.predictions().logits
    assert not np.array_equal(*logits)
