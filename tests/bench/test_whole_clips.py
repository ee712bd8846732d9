"""Corruptions whose frames depend on those before them are given all of them."""

import numpy as np
import pytest

from avplug.bench.build_config import BuildConfig
from avplug.bench.building import build
from avplug.bench.conditions import conditions
from avplug.bench.config import RunConfig
from avplug.bench.runner import run
from avplug.bench.store import Store
from avplug.builtin_corruptions.gaussian import Gaussian
from avplug.core.clip import Clip
from avplug.core.registry import get_registry
from tests.bench.toys import config


@pytest.fixture
def given(monkeypatch):
    """Let ``gaussian`` ask for every frame; returns how many it got each time."""
    counts = []
    inner = Gaussian.video

    def video(self, frames, times, scene, rng):
        counts.append(len(frames))
        return inner(self, frames, times, scene, rng)

    monkeypatch.setattr(Gaussian, "whole_clip", True)
    monkeypatch.setattr(Gaussian, "video", video)
    return counts


def condition(senses="av"):
    asked = RunConfig(corruptions=("gaussian",), severities=(3,), modalities=(senses,))
    return conditions(asked, get_registry())[1]


def clip(count):
    times = np.arange(count) / 10
    frames = np.full((count, 8, 8, 3), 99, np.uint8)
    return Clip("c", frames, times, np.ones((1, 100), np.float32), 1000, count / 10)


def test_the_picture_is_corrupted_whole_and_sampled_afterwards(given):
    every = clip(10)
    few = Clip("c", every.frames[::4], every.times[::4], every.audio, 1000, 1.0)
    spoilt = condition().apply_sampled(few, lambda: every, 0)
    assert given == [10]
    assert np.array_equal(spoilt.times, few.times)
    assert np.array_equal(spoilt.frames, condition().apply(every, 0).frames[::4])


def test_where_no_picture_is_corrupted_no_clip_is_read_again(given):
    def unread():
        pytest.fail("the whole clip was read")

    deaf = Clip("c", None, None, clip(1).audio, 1000, 0.1)
    assert condition().apply_sampled(deaf, unread, 0).frames is None
    heard = condition("a").apply_sampled(clip(2), unread, 0)
    assert np.array_equal(heard.frames, clip(2).frames)
    assert given == []


@pytest.mark.parametrize("at", ["model-input", "source"])
def test_a_run_reads_every_frame(given, tmp_path, monkeypatch, at):
    def logits(name):
        out = tmp_path / name
        asked = {"corruptions": ("gaussian",), "severities": (3,), "limit": 2}
        run(config(tmp_path, out=str(out), at=at, **asked), get_registry())
        spoilt = [c for c in Store(out).cells() if c.cell["corruption"]]
        assert len(spoilt) == 1
        return spoilt[0].predictions().logits

    whole = logits("whole")
    assert given == [75, 75]
    monkeypatch.setattr(Gaussian, "whole_clip", False)
    # Gaussian is a function of time: the same frames come out either way.
    assert np.array_equal(whole, logits("sampled"))


def test_a_written_set_is_made_of_every_frame(given, tmp_path, monkeypatch):
    def written(name):
        select = RunConfig(corruptions=("gaussian",), severities=(3,), limit=1)
        folder = tmp_path / name
        build(
            BuildConfig(out=str(folder), select=select, size=24, frame_format="png"),
            get_registry(),
        )
        return [path.read_bytes() for path in sorted(folder.rglob("*.png"))]

    whole = written("whole")
    assert given == [75]
    monkeypatch.setattr(Gaussian, "whole_clip", False)
    assert whole == written("sampled")
