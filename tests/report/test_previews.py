"""Films of clips that flipped: the run's own corruption again, or a note."""

from __future__ import annotations

import av
import numpy as np
import pytest

from avplug.bench.store import Store
from avplug.core.registry import get_registry
from avplug.report.html import page
from avplug.report.outcomes import ClassNames, read_outcomes
from avplug.report.previews import USUAL, make_previews, usual_count
from avplug.report.scores import score
from tests.report.films import CONFIG, add_run
from tests.report.stores import TOP1, StoreMaker


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return add_run(StoreMaker(Store(tmp_path_factory.mktemp("run"))))


def films(run, count=2, **changes):
    (panel,) = score(run.store, [TOP1], 0).panels
    one = read_outcomes(panel)[0]
    about = {**run.store.run, **changes}
    names = ClassNames(about["labels"])
    return make_previews(one, names, about, get_registry(), count)


def test_each_clip_is_there_clean_and_corrupted(run, tmp_path):
    previews = films(run)
    assert len(previews.shelves) == 2
    assert "96 pixels and 16 kHz" in previews.note
    pictures = []
    for player in previews.shelves[0].players:
        assert player.poster[:3] == b"\xff\xd8\xff"
        assert len(player.content) < 200_000
        path = tmp_path / f"{player.name}.mp4"
        path.write_bytes(player.content)
        with av.open(str(path)) as film:
            assert {stream.type for stream in film.streams} == {"video", "audio"}
            frames = [f.to_ndarray(format="rgb24") for f in film.decode(video=0)]
        assert 10 <= len(frames) <= 40
        pictures.append(frames[0].astype(float))
    assert pictures[0].shape == (96, 96, 3)
    assert np.abs(pictures[0] - pictures[1]).mean() > 2


def test_unlike_corruptions_are_shown_at_their_mildest(run):
    shelves = films(run).shelves
    about = [shelf.about for shelf in shelves]
    assert len({shelf.title.split(": ")[1] for shelf in shelves}) == 2
    assert about[0].endswith("under gaussian s1.")
    assert about[1].endswith("under rain s1.")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"config": {"dataset": "gone"}}, "gone"),
        ({"config": {"dataset": "events", "limit": 7}}, "other clips"),
        ({"config": {"dataset": "events", "corruptions": ["snow"], "limit": 40}}, "s1"),
        ({"config": {"dataset": "folder", "data_root": "/nowhere"}}, "nowhere"),
        ({"config": {}, "labels": []}, "other clips"),
    ],
)
def test_what_cannot_be_played_is_a_note(run, changes, told):
    previews = films(run, **changes)
    assert previews.shelves == ()
    assert previews.note.startswith("No clip can be played here. ")
    assert told in previews.note


def test_by_default_only_data_that_are_not_on_disk_are_opened():
    registry = get_registry()
    config = CONFIG.as_dict()
    assert usual_count({"config": config}, registry) == USUAL
    assert usual_count({"config": {**config, "data_root": "/data"}}, registry) == 0
    assert usual_count({"config": {**config, "dataset": "vggsound"}}, registry) == 0
    assert usual_count({}, registry) == 0


def test_a_page_has_them_on_request(run):
    scores = score(run.store, [TOP1], 0)
    assert "<video" not in page(scores)
    assert page(scores, 1).count("<video") == 2
    assert page(scores, None).count("<video") == 2 * USUAL
