"""Media: behind links, in folders that are not there, gone, or without sound."""

import pytest

from avplug.builtin_datasets.published.vggsound import VGGSound
from avplug.core.clip import AS_IS
from avplug.core.errors import DatasetError, MediaError
from avplug.media.read import read_clip
from tests.builtin_datasets.published import miniature


def test_links_are_followed_once_and_a_folder_that_is_not_there_is_named(tmp_path):
    (tmp_path / "set").mkdir()
    root = tmp_path / "set"
    miniature.vggsound(root)
    (root / "video").rename(tmp_path / "elsewhere")
    (root / "video").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "back").symlink_to(root)
    assert len(VGGSound(root=root).clips) == 2
    with pytest.raises(DatasetError, match=r"Cannot list the folder '.*nowhere'"):
        VGGSound(root=root, media=["nowhere"])


def test_a_clip_that_is_not_there_changes_the_fingerprint(tmp_path):
    miniature.vggsound(tmp_path)
    before = VGGSound(root=tmp_path).fingerprint()
    (tmp_path / "video" / "--0PQM4-hqg_30.mp4").unlink()
    assert VGGSound(root=tmp_path).fingerprint() != before


def test_a_video_without_sound_is_no_clip_of_frames(tmp_path):
    miniature.mute_video(tmp_path / "mute.mp4")
    with pytest.raises(MediaError, match="has no audio track"):
        read_clip(tmp_path / "mute.mp4", AS_IS, "mute")
