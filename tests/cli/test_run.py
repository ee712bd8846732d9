"""``avplug run`` and ``plan`` on files: what they say, and what they refuse."""

import json
import shutil

import pytest

from tests.bench.toys import checkpoint
from tests.media import recipes


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    """A folder with two good clips and every kind of bad one."""
    folder = tmp_path_factory.mktemp("clips")
    good = recipes.video(folder / "good.mp4", count=45, moov_first=True)
    shutil.copy(good, folder / "twin.mp4")
    recipes.half(good, folder / "half.mp4")
    recipes.video(folder / "mute.mp4", count=12, sound=False)
    (folder / "text.mp4").write_text("not a film")
    return folder


def listed(clips, tmp_path, *names, labels=("cat", "dog")):
    """Write a list of clips, and weights for its classes; return the arguments."""
    rows = [f"{clips / name},{labels[i % 2]}" for i, name in enumerate(names)]
    path = tmp_path / "clips.csv"
    path.write_text("\n".join(["file,label", *rows]) + "\n")
    classes = tmp_path / "classes.txt"
    classes.write_text("cat\ndog\n")
    weights = checkpoint(tmp_path, ("cat", "dog"), "folder")
    return [
        *("--dataset", "folder", "--data-root", str(path), "--weights", weights),
        *("-o", f"dataset.classes={classes}", "--device", "cpu"),
        *("--corruption", "gaussian", "--severity", "5", "--out", str(tmp_path / "o")),
    ]


def test_a_run_on_files_leaves_bad_ones_out_and_says_why(avplug, clips, tmp_path):
    arguments = listed(
        clips, tmp_path, "good.mp4", "twin.mp4", "half.mp4", "mute.mp4", "text.mp4"
    )
    result = avplug("run", *arguments)
    assert result.exit_code == 0
    assert "2 cells computed, 0 found finished, 0 failed" in result.stderr
    scores = json.loads((tmp_path / "o" / "scores.json").read_text())
    reasons = {f["id"]: f["reason"] for f in failures(tmp_path / "o")}
    assert len(reasons) == 3
    assert "has no audio track" in next(r for i, r in reasons.items() if "mute" in i)
    assert scores
    page = (tmp_path / "o" / "report.html").read_text()
    assert "has no audio track" in page


def failures(folder):
    record = next((folder / "cells").glob("*/record.json"))
    return json.loads(record.read_text())["failures"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("none.mp4", "none.mp4"),
        ("mute.mp4", "has no audio track"),
        ("half.mp4", "half.mp4"),
        ("text.mp4", "text.mp4"),
    ],
)
def test_where_no_clip_can_be_read_the_run_ends_at_once(
    avplug, clips, tmp_path, name, said
):
    result = avplug("run", *listed(clips, tmp_path, name))
    assert result.exit_code == 2
    assert "None of 1 clips could be evaluated." in result.stderr
    assert said in result.stderr
    assert "Traceback" not in result.stderr


def refused(avplug, *arguments):
    result = avplug("run", *arguments)
    assert result.exit_code == 2, result.output
    assert "Traceback" not in result.stderr
    return result.stderr


def test_an_unknown_corruption_and_a_severity_out_of_range(avplug):
    assert "Did you mean 'gaussian'?" in refused(avplug, "-c", "gausian")
    assert "Severity 6 is out of range" in refused(avplug, "-s", "6")
    assert "'x' in severities is no whole number" in refused(avplug, "-s", "x")


def test_a_label_that_is_not_in_the_list_and_an_empty_list(avplug, clips, tmp_path):
    wrong = listed(clips, tmp_path, "good.mp4", labels=("cta", "dog"))
    said = refused(avplug, *wrong)
    assert "'cta'" in said
    assert "'cat'" in said
    assert "no clip" in refused(avplug, *listed(clips, tmp_path)).lower()


def test_a_checkpoint_of_another_model(avplug, clips, tmp_path):
    arguments = listed(clips, tmp_path, "good.mp4")
    weights = checkpoint(tmp_path, ("a", "b", "c"), "letters")
    arguments[arguments.index("--weights") + 1] = weights
    said = refused(avplug, *arguments)
    assert "predicts the 3 classes of letters; 'folder' has 2" in said


def test_a_file_decides_and_flags_win(avplug, tmp_path):
    path = tmp_path / "run.toml"
    path.write_text(
        f"weights = [{checkpoint(tmp_path)!r}]\n"
        'corruptions = ["gaussian", "shot"]\nseverities = [1, 5]\nlimit = 8\n'
        'tta = ["tent"]\n[options.tent]\nlr = 1e-3\n'
    )
    result = avplug("plan", "-C", str(path), "-s", "2,3,4", "--json", "--no-estimate")
    facts = json.loads(result.stdout)
    assert facts["clips"] == 8
    assert facts["cells"] == 1 + 2 * 3
    assert {g["condition"] for g in facts["groups"]} == {"clean", "gaussian", "shot"}
    path.write_text("severitys = [1]")
    said = refused(avplug, "-C", str(path))
    assert f"{path}: severitys is unknown. Did you mean 'severities'?" in said


def test_a_plan_shows_cells_skips_and_time(avplug, tmp_path):
    result = avplug(
        *("plan", "--weights", checkpoint(tmp_path), "--limit", "4", "--device", "cpu"),
        *("-c", "gaussian", "-s", "1,5", "--out", str(tmp_path / "o")),
    )
    assert result.exit_code == 0
    assert "3 cells of 4 clips; 0 are finished in" in result.stderr
    assert "minutes on cpu." in result.stderr
    assert "gaussian" in result.stdout


def test_train_then_run(avplug, tmp_path):
    sizes = ["image_size=32", "target_length=64", "width=16", "depth=1", "heads=2"]
    options = [word for size in sizes for word in ("-o", f"model.{size}")]
    out = tmp_path / "trained"
    result = avplug(
        *("train", "--out", str(out), "--epochs", "1", "--limit", "24"),
        *(*options, "-o", "dataset.clips=24"),
    )
    assert result.exit_code == 0, result.output
    assert "epoch 1: loss" in result.stderr
    result = avplug(
        *("run", "--weights", str(out / "weights.safetensors"), "--limit", "8"),
        *("-c", "shot", "-s", "3", "--out", str(tmp_path / "run")),
    )
    assert result.exit_code == 0, result.output
    assert (tmp_path / "run" / "report.html").exists()


@pytest.mark.parametrize(
    ("verb", "work", "kept"),
    [
        ("run", "avplug.bench.runner.run", "finished cells are kept"),
        ("train", "avplug.bench.training.train", "finished epochs are kept"),
    ],
)
def test_an_interrupt_says_how_to_go_on(
    avplug, tmp_path, monkeypatch, verb, work, kept
):
    def interrupted(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(work, interrupted)
    result = avplug(verb, "--out", str(tmp_path / "o"))
    assert result.exit_code == 130
    assert kept in result.stderr
    assert "The same command again goes on." in result.stderr
