"""MIT-MUSIC: pictures that are numbered frames."""

import pytest

from avplug.builtin_datasets.published.music import MITMusic
from avplug.core.clip import InputSpec
from tests.builtin_datasets.published import miniature


def test_music_takes_the_frame_shown_in_the_middle(tmp_path):
    miniature.mit_music(tmp_path)
    dataset = MITMusic(root=tmp_path)
    ref = dataset.clips[1]
    clip = dataset.load(ref, InputSpec(0, 0, 0.0, 1, (0,), "centre", "first"))
    assert clip.times.tolist() == [1.0]
    assert clip.duration == 2.0
    assert clip.frames[0, 24, 40].tolist() == pytest.approx([80, 80, 80], abs=3)
