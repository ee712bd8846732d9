"""The data set ``avdigits``: pairs, splits, damage, and the real files if present."""

import gzip
import os
import pickle
import zipfile
from collections import Counter
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest

from avplug.builtin_datasets.avdigits.dataset import (
    IMAGES,
    LABELS,
    RECORDINGS,
    AVDigits,
)
from avplug.core.clip import AS_IS, InputSpec
from avplug.core.errors import DatasetError, MediaError
from tests.builtin_datasets.avdigits import recipe

SPEC = InputSpec(48, 16_000, 1.0, 10, (5,), "cav-mae")
REPOSITORY = Path(__file__).parents[3]
REAL = Path(
    os.environ.get("AVPLUG_SHARED", REPOSITORY.parent / "shared"), "data/avdigits"
)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return recipe.make(tmp_path_factory.mktemp("avdigits"))


@pytest.fixture
def copy(tmp_path):
    return recipe.make(tmp_path)


def digest(dataset, index):
    clip = dataset.load(dataset.clips[index], SPEC)
    return clip.id, clip.frames.tobytes(), clip.audio.tobytes()


@pytest.mark.parametrize(("split", "count"), [("test", 30), ("val", 30), ("train", 36)])
def test_splits_have_the_stated_recordings(root, split, count):
    dataset = AVDigits(split=split, root=root)
    assert len(dataset.clips) == count
    indices = {int(ref.group.rsplit("_", 1)[1]) for ref in dataset.clips}
    expected = {"test": range(5), "val": range(5, 10), "train": range(10, 12)}
    assert indices == set(expected[split])
    assert len({ref.id for ref in dataset.clips}) == count


def test_splits_share_neither_recording_nor_image(root):
    sets = [AVDigits(split=split, root=root) for split in ("train", "val", "test")]
    for part in (0, 1):
        sources = [{ref.source[part] for ref in dataset.clips} for dataset in sets]
        assert len(set.union(*sources)) == sum(map(len, sources))


def test_picture_and_sound_are_of_the_label(root):
    dataset = AVDigits(root=root)
    assert dataset.labels[:3] == ("zero", "one", "two")
    for ref in dataset.clips:
        clip = dataset.load(ref, AS_IS)
        (digit,) = ref.labels
        shown = int(clip.frames[0, 18, 18, 0]) - 1
        assert shown % 3 == digit
        assert ref.group.startswith(f"{digit}_")
        spectrum = np.abs(np.fft.rfft(clip.audio[0], 8_000))
        assert spectrum.argmax() == pytest.approx(400 * (digit + 1) / 2 / np.pi, abs=2)


def test_images_come_again_only_when_used_up(root):
    counts = Counter(ref.source[1] for ref in AVDigits(root=root, pairings=3).clips)
    assert set(counts.values()) <= {7, 8}
    train = AVDigits(split="train", root=root, pairings=2)
    assert set(Counter(ref.source[1] for ref in train.clips).values()) == {1}


def test_the_stream_is_shuffled(root):
    labels = [ref.labels[0] for ref in AVDigits(root=root).clips]
    assert labels != sorted(labels)
    assert Counter(labels) == {0: 10, 1: 10, 2: 10}


def test_a_still_frame_stands_in_its_margin_at_any_size(root):
    dataset = AVDigits(root=root)
    clip = dataset.load(dataset.clips[0], InputSpec(72, 0, 0, 10, (0, 5), "centre"))
    assert clip.frames.shape == (2, 72, 72, 3)
    np.testing.assert_array_equal(clip.frames[0], clip.frames[1])
    assert clip.frames[0, 0, 0].tolist() == [0, 0, 0]
    assert len(set(clip.frames[0, 36, 36].tolist())) == 1
    np.testing.assert_allclose(clip.times, [0, clip.duration / 2])
    whole = dataset.load(dataset.clips[0], AS_IS)
    assert whole.frames.shape == (1, 36, 36, 3)
    assert whole.sample_rate == 8_000


@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100])
def test_sound_at_any_rate(root, rate):
    dataset = AVDigits(root=root)
    clip = dataset.load(dataset.clips[0], InputSpec(16, rate, 0, 1, (0,)))
    assert clip.audio.shape == (1, round(clip.duration * rate))
    assert clip.audio.dtype == np.float32
    assert np.abs(clip.audio).max() == pytest.approx(0.5, abs=0.06)


def test_a_clip_depends_on_neither_order_nor_thread_nor_process(root):
    dataset = AVDigits(root=root)
    forward = [digest(dataset, index) for index in range(8)]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda i: digest(dataset, i), range(8))) == forward
    again = pickle.loads(pickle.dumps(dataset))
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        assert pool.submit(digest, again, 3).result() == forward[3]
    assert again.fingerprint() == dataset.fingerprint()


def test_the_fingerprint_knows_the_content(copy):
    before = AVDigits(root=copy).fingerprint()
    assert AVDigits(root=copy).fingerprint() == before
    assert AVDigits(root=copy, split="val").fingerprint() != before
    pictures = np.zeros((120, 28, 28), np.uint8)
    (copy / IMAGES).write_bytes(gzip.compress(recipe.idx(pictures)))
    assert AVDigits(root=copy).fingerprint() != before


def test_no_root():
    with pytest.raises(DatasetError, match="read from a folder"):
        AVDigits()


def test_unknown_split(root):
    with pytest.raises(DatasetError, match=r"no split 'trian'\. Did you mean 'train'"):
        AVDigits(split="trian", root=root)


def test_no_pairings(root):
    with pytest.raises(DatasetError, match="cannot be paired with 0 images"):
        AVDigits(root=root, pairings=0)


@pytest.mark.parametrize("name", [RECORDINGS, IMAGES, LABELS])
def test_missing_file(copy, name):
    (copy / name).unlink()
    with pytest.raises(DatasetError, match=f"There is no file '.*{name}'"):
        AVDigits(root=copy)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (RECORDINGS, "is no whole zip file"),
        (IMAGES, "is no whole gzip file"),
        (LABELS, "is no whole gzip file"),
    ],
)
@pytest.mark.parametrize("part", [0, 25])
def test_cut_file(copy, name, message, part):
    (copy / name).write_bytes((copy / name).read_bytes()[:part] or b"not an archive")
    with pytest.raises(DatasetError, match=message):
        AVDigits(root=copy)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (IMAGES, b"\0\0\x0d\3", "is no IDX file of bytes with 3 axes"),
        (LABELS, recipe.idx(np.zeros(5))[:-2], r"promises \[5\] values and holds 3"),
        (LABELS, recipe.idx(np.zeros(5)), "has 120 images and 5 labels"),
        (LABELS, recipe.idx(np.full(120, 11)), "has the label 11"),
        (LABELS, recipe.idx(np.zeros(120)), "Digit 1 has no image in split 'test'"),
    ],
)
def test_contradictory_file(copy, name, content, message):
    (copy / name).write_bytes(gzip.compress(content))
    with pytest.raises(DatasetError, match=message):
        AVDigits(root=copy)


@pytest.mark.parametrize(
    ("member", "message"),
    [
        ("notes.txt", r"holds no DIGIT_SPEAKER_INDEX\.wav"),
        ("0_ann_30.wav", "has no recording for split 'test'"),
    ],
)
def test_no_recording_for_the_split(copy, member, message):
    with zipfile.ZipFile(copy / RECORDINGS, "w") as archive:
        archive.writestr(member, recipe.wave(0, 0))
    with pytest.raises(DatasetError, match=message):
        AVDigits(root=copy)


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"not a sound", "is no sound file"), (None, "holds no samples")],
)
def test_a_damaged_recording_fails_when_loaded(copy, content, message):
    empty = recipe.wave(0, 0)[:44].replace(b"\xc4", b"\0")
    with zipfile.ZipFile(copy / RECORDINGS, "w") as archive:
        archive.writestr("0_ann_0.wav", empty if content is None else content)
    dataset = AVDigits(root=copy)
    with pytest.raises(MediaError, match=message):
        dataset.load(dataset.clips[0], SPEC)


def test_flipped_bits_in_a_recording_fail_when_loaded(copy):
    archive = copy / RECORDINGS
    data = bytearray(archive.read_bytes())
    for place in range(len(data) // 3, len(data) // 3 + 4000, 50):
        data[place] ^= 0xFF
    archive.write_bytes(data)
    errors = []
    for split in ("train", "val", "test"):
        dataset = AVDigits(root=copy, split=split)
        for ref in dataset.clips:
            try:
                dataset.load(ref, SPEC)
            except MediaError as error:
                errors.append(str(error))
    assert errors
    assert all("Cannot read 'recordings/" in error for error in errors)


@pytest.mark.skipif(not REAL.is_dir(), reason=f"the real files are not at {REAL}")
def test_the_real_files():
    sizes = {}
    for split in ("train", "val", "test"):
        dataset = AVDigits(split=split, root=REAL)
        sizes[split] = len(dataset.clips)
        counts = Counter(ref.labels[0] for ref in dataset.clips)
        assert set(counts) == set(range(10))
        assert len(set(counts.values())) == 1
    assert sizes == {"train": 7200, "val": 300, "test": 300}
    assert len({ref.source[1] for ref in dataset.clips}) == 300
    clip = dataset.load(dataset.clips[0], SPEC)
    assert clip.frames.shape == (1, 48, 48, 3)
    assert clip.frames.max() > 200
    assert clip.sample_rate == 16_000
    assert 0.1 < clip.duration < 3
