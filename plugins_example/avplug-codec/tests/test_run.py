"""A run of avplug with this plugin on a recording, through the command line."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from avplug.cli.app import build_app

SHARED = Path(
    os.environ.get("AVPLUG_SHARED") or Path(__file__).resolve().parents[4] / "shared"
)
RECORDING = SHARED / "data" / "clips" / "BkjpjAohg-0.mp4"
CLASSES = (
    "rubber_ball steel_ball bell metronome woodpecker bee bird saw windmill "
    "steam_train ambulance loudspeaker"
)


@pytest.mark.skipif(
    not RECORDING.is_file(), reason="the real clips are not here: set AVPLUG_SHARED"
)
def test_codecs_and_faults_on_a_recording(tmp_path):
    (tmp_path / "classes.txt").write_text("\n".join(CLASSES.split()))
    (tmp_path / "clips.csv").write_text(
        f"file,label\n{RECORDING.resolve()},rubber_ball\n"
    )
    arguments = [
        *("--plugin", "avplug_codec", "run", "--dataset", "folder"),
        *(
            "--data-root",
            str(tmp_path),
            "-o",
            f"dataset.classes={tmp_path}/classes.txt",
        ),
        *("--model", "cav-mae:tiny", "--weights", "events", "--severity", "4"),
        *("-c", "h264", "-c", "packet-loss", "-c", "desync"),
        *("--out", str(tmp_path / "run")),
    ]
    result = CliRunner().invoke(build_app(), arguments)
    assert result.exit_code == 0, result.output
    stored = list((tmp_path / "run" / "cells").glob("*/predictions.npz"))
    assert len(stored) == 4, result.output
