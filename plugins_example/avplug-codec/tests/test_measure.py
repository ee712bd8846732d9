"""The script that prints the README's tables."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from avplug_codec import avplug_corruptions

from avplug import corrupt
from avplug.media.read import read_clip
from avplug.media.write import write_clip

SCRIPT = Path(__file__).parents[1] / "measure.py"


def measured(recording):
    source = Path(sys.modules["avplug_codec"].__file__).parents[1]
    return subprocess.run(
        [sys.executable, str(SCRIPT), str(recording)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join((str(source), *sys.path))},
        capture_output=True,
        text=True,
    )


def test_a_row_for_each_corruption_says_what_it_does(
    tmp_path, clip, load, psnr, snr, monkeypatch
):
    monkeypatch.syspath_prepend(str(SCRIPT.parent))
    import measure

    recording = tmp_path / "short.mkv"
    write_clip(clip(frames=20), recording)
    done = measured(recording)
    assert done.returncode == 0, done.stderr
    rows = dict(
        line.strip("| ").split(" | ", 1)
        for line in done.stdout.splitlines()
        if line.startswith("|")
    )
    names = {f"`{spec.name}`" for spec in avplug_corruptions()}
    assert {*rows} == names - {"`desync`"}
    clean = read_clip(recording, measure.WHOLE, "recording")
    spoilt = corrupt(clean, load("dropout"), "dropout", 3)
    picture, sound = psnr(clean.frames, spoilt.frames), snr(clean.audio, spoilt.audio)
    third = rows["`dropout`"].split(" | ")[2]
    assert third == f"{picture:.1f} dB, {sound:.1f} dB"
    assert all(cell.count("kbit/s") == 1 for cell in rows["`h264`"].split(" | "))


def test_a_recording_that_is_not_there_is_told(tmp_path):
    done = measured(tmp_path / "nowhere.mp4")
    assert done.returncode == 1
    assert done.stderr == f"'{tmp_path / 'nowhere.mp4'}' does not exist.\n"
