"""``avplug build``: written sets, what is said of them, and their verification."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from avplug.bench import building
from avplug.builtin_corruptions.gaussian import Gaussian
from tests.media import recipes

SMALL = ("--limit", "2", "-c", "gaussian", "-s", "3", "--size", "16")


def test_frames_are_written_resumed_and_verified(avplug, tmp_path):
    out = tmp_path / "set"
    lists = [
        out / "json/clean/severity_0.json",
        out / "json/both/gaussian/severity_3.json",
    ]
    printed = "".join(f"{path}\n" for path in lists)
    first = avplug("build", *SMALL, "--out", str(out))
    assert (first.exit_code, first.stdout) == (0, printed)
    assert "4 clips written, 0 found written before, 0 failed" in first.stderr
    again = avplug("build", *SMALL, "--out", str(out), "--workers", "2")
    assert (again.exit_code, again.stdout) == (0, printed)
    assert "0 clips written, 4 found written before, 0 failed" in again.stderr
    checked = avplug("build", "--verify", "--out", str(out))
    assert (checked.exit_code, checked.stdout) == (0, "")
    assert "47 files listed, 0 problems" in checked.stderr


def test_verify_fails_with_what_is_wrong(avplug, tmp_path):
    out = tmp_path / "set"
    avplug("build", *SMALL, "--out", str(out))
    lists = out / "json/clean/severity_0.json"
    lists.write_text(lists.read_text().replace("audio", "Audio"))
    (out / "stray").touch()
    result = avplug("build", "--verify", "--out", str(out))
    assert result.exit_code == 1
    assert result.stdout.splitlines()[1:] == [
        "json/clean/severity_0.json  changed",
        "stray                       unlisted",
    ]
    assert "2 problems" in result.stderr
    nothing = avplug("build", "--verify", "--out", str(tmp_path / "gone"))
    assert nothing.exit_code == 2
    assert "There is no manifest" in nothing.stderr


def test_movies_say_what_they_are(avplug, tmp_path):
    out = tmp_path / "set"
    result = avplug(
        "build",
        *SMALL,
        "--format",
        "mp4",
        "--no-clean",
        "--seed",
        "3",
        "--out",
        str(out),
    )
    assert result.exit_code == 0, result.stderr
    assert "4:2:0 video weakens pixel noise" in result.stderr
    assert sorted(path.name for path in out.iterdir()) == [
        "class_labels_indices.csv",
        "gaussian",
        "manifest.jsonl",
    ]
    settings = json.loads((out / "manifest.jsonl").read_text().splitlines()[0])[
        "settings"
    ]
    assert (settings["seed"], settings["lossless"], settings["format"]) == (
        3,
        False,
        "mp4",
    )
    folder = avplug(
        "run", "--dataset", "folder", "--data-root", f"{out}/gaussian/severity_3"
    )
    assert "brings no weights for data set 'folder'" in folder.stderr


def test_recordings_belong_to_what_is_written(avplug, tmp_path):
    folder = tmp_path / "recordings"
    (folder / "rain").mkdir(parents=True)
    hum = 0.3 * np.sin(2 * np.pi * 440 * np.arange(32_000) / 16_000)
    soundfile.write(folder / "rain" / "hum.wav", hum, 16_000)
    out = tmp_path / "set"
    arguments = ("build", "--limit", "1", "-c", "rain", "-s", "3", "--size", "16")
    arguments += ("--out", str(out))
    result = avplug(*arguments, "--recordings", str(folder))
    assert result.exit_code == 0, result.stderr
    lines = (out / "manifest.jsonl").read_text().splitlines()
    cells = [json.loads(line).get("identity", {}) for line in lines]
    (facts,) = [cell["facts"] for cell in cells if "facts" in cell]
    assert facts["rain"]["recordings"]
    synthesised = avplug(*arguments)
    assert synthesised.exit_code == 2
    assert "rain/severity_3 with facts" in synthesised.stderr


def test_settings_of_a_run_are_taken_from_a_file(avplug, tmp_path):
    file = tmp_path / "run.toml"
    file.write_text('limit = 1\nseverities = [2]\ncorruptions = ["shot"]\n')
    out = tmp_path / "set"
    result = avplug(
        "build", "-C", str(file), "-s", "4", "--size", "8", "--out", str(out)
    )
    assert result.stdout.splitlines()[1] == f"{out}/json/both/shot/severity_4.json"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("-c", "gausian"), "Did you mean 'gaussian'?"),
        (("-s", "6"), "Severity 6 is out of range"),
        (("--lossless",), "belongs to the format mp4"),
        (("--profile", "other"), "no profile 'other'"),
        (("--dataset", "folder"), "is read from disk"),
        (("--format", "avi"), "'avi' is not one of"),
        (("-o", "gaussian.sigma=3"), "a corruption takes none"),
    ],
)
def test_refusals(avplug, tmp_path, options, words):
    result = avplug("build", *options, "--out", str(tmp_path / "set"))
    assert result.exit_code == 2
    assert words in result.stderr
    assert not (tmp_path / "set").exists()


def own(root: Path, *names: str) -> tuple[str, ...]:
    lines = "".join(f"{name},dog\n" for name in names)
    (root / "clips.csv").write_text(f"file,label\n{lines}")
    return (
        "--dataset",
        "folder",
        "--data-root",
        str(root),
        "-c",
        "gaussian",
        "-s",
        "1",
    )


def test_a_failed_clip_is_told_and_no_failure_of_the_build(avplug, tmp_path):
    recipes.video(tmp_path / "good.mp4", count=12)
    options = own(tmp_path, "good.mp4", *(f"gone{i}.mp4" for i in range(22)))
    result = avplug("build", *options, "--size", "8", "--out", str(tmp_path / "set"))
    assert result.exit_code == 0
    assert "Left out of 2 lists: clip 'gone0.mp4': " in result.stderr
    assert "... and 2 more: see the manifest." in result.stderr
    assert "2 clips written, 0 found written before, 44 failed" in result.stderr


def test_not_one_readable_clip_is_an_error(avplug, tmp_path):
    result = avplug("build", *own(tmp_path, "gone.mp4"), "--out", str(tmp_path / "set"))
    assert (result.exit_code, result.stdout) == (2, "")
    assert "None of 1 clips could be written. The first, 'gone.mp4'" in result.stderr


def test_a_corruption_that_fails_everywhere_is_a_failure(avplug, tmp_path, monkeypatch):
    monkeypatch.setattr(Gaussian, "video", lambda *_: 1 / 0)
    result = avplug("build", *SMALL, "--out", str(tmp_path / "set"))
    assert result.exit_code == 1
    assert "Not one clip of gaussian/severity_3 could be written." in result.stderr
    assert result.stdout == f"{tmp_path}/set/json/clean/severity_0.json\n"


def test_an_interrupt_says_how_to_go_on(avplug, tmp_path, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(building, "open_dataset", interrupted)
    result = avplug("build", *SMALL, "--out", str(tmp_path / "set"))
    assert result.exit_code == 130
    assert "The same command again goes on." in result.stderr
