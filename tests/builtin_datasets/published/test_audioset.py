"""AudioSet: several labels for a clip, and real clips as a run takes them."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from avplug.bench.store import Store
from avplug.builtin_datasets.published.audioset import AudioSet
from avplug.builtin_datasets.published.lists import bundled_labels
from tests.builtin_datasets.published import miniature
from tests.command import call

SHARED = Path(__file__).parents[4] / "shared" / "data"


def test_audioset_keeps_several_labels_and_reads_every_form_of_name(tmp_path):
    miniature.audioset(tmp_path)
    dataset = AudioSet(root=tmp_path)
    names = bundled_labels("audioset").places
    assert dataset.multi_label
    assert [ref.id for ref in dataset.clips] == [
        "--4gqARaEJE",
        "-0RWZT-miFs",
        "-1EiQzgAnns",
    ]
    first = tuple(names[mid] for mid in ("/m/068hy", "/m/07q6cd_", "/m/0bt9lr"))
    assert dataset.clips[0].labels == first
    assert dict(dataset.missing) == {"-gone-gone-": "no file named -gone-gone-"}


@pytest.mark.skipif(not SHARED.is_dir(), reason="needs the shared clips")
@pytest.mark.parametrize("form", ["video", "frames"])
def test_a_real_clip_runs_as_an_audioset_of_one(tmp_path, form):
    name = "BkjpjAohg-0"
    (tmp_path / "eval_segments.csv").write_text(
        f'# of one clip\n{name}, 30.000, 40.000, "/m/04rlf,/m/07qcpgn"\n'
    )
    if form == "video":
        shutil.copy(SHARED / "clips" / f"{name}.mp4", tmp_path)
    else:
        shutil.copytree(SHARED / "frames_and_wav", tmp_path / "media")
    dataset = AudioSet(root=tmp_path)
    assert [ref.id for ref in dataset.clips] == [name]
    (tmp_path / "my_net.py").write_text(miniature.MODEL)
    result = call(
        *("run", "--dataset", "audioset", "--data-root", tmp_path, "--no-report"),
        *("--model", f"{tmp_path / 'my_net.py'}:Net", "--out", tmp_path / "run"),
        *("-c", "gaussian", "-s", "5", "--metric", "map"),
    )
    assert result.exit_code == 0, result.output
    for cell in Store(tmp_path / "run").cells():
        predictions = cell.predictions()
        assert predictions.logits.shape == (1, 527)
        assert predictions.targets.sum() == 2


@pytest.mark.skipif(not SHARED.is_dir(), reason="needs the shared clips")
def test_prepared_sound_is_that_of_the_published_extraction(tmp_path):
    name = "BkjpjAohg-0"
    (tmp_path / "eval_segments.csv").write_text(f'{name}, 30, 40, "/m/04rlf"\n')
    shutil.copy(SHARED / "clips" / f"{name}.mp4", tmp_path)
    out = tmp_path / "out"
    call("data", "prepare", "audioset", "--data-root", tmp_path, "--out", out)
    theirs = SHARED / "frames_and_wav"
    mine = (out / "audio" / f"{name}.wav").read_bytes()[44:]
    stored = (theirs / "eval_audio" / f"{name}.wav").read_bytes()
    assert (
        np.abs(
            np.frombuffer(mine, "<i2").astype(int)
            - np.frombuffer(stored[-len(mine) :], "<i2")
        ).max()
        <= 1
    )
    from avplug.media.pictures import open_rgb

    for index in range(10):
        of_them = open_rgb(theirs / "eval_frames" / f"frame_{index}" / f"{name}.jpg")
        of_us = open_rgb(out / "frames" / f"frame_{index}" / f"{name}.jpg")
        # Colours follow the file's tag, where the published extraction ignores it.
        assert np.abs(of_them.astype(int) - of_us).mean() < 4
