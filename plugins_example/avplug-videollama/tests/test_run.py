"""Runs of avplug with this plugin, through the command line."""

from __future__ import annotations

import json

from avplug_videollama.loading import load
from typer.testing import CliRunner

from avplug.cli.app import build_app


def run(out, *more):
    arguments = [
        *("--plugin", "avplug_videollama", "run", "--model", "videollama:tiny"),
        *("-c", "gaussian", "--severity", "5", "--limit", "4", "--out", str(out)),
        *more,
    ]
    result = CliRunner().invoke(build_app(), arguments)
    assert result.exit_code == 0, result.output
    return {path.name for path in (out / "cells").iterdir()}, result.output


def test_events_and_a_folder_of_weights(tmp_path):
    network, tokenizer = load("random", "auto", "")
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
