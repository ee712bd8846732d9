"""The data set ``events`` as a data set: splits, determinism, rates and sizes."""

import hashlib
import pickle
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from avplug.builtin_datasets.events.dataset import RENDERER, SIZES, Events
from avplug.core.clip import AS_IS, InputSpec
from avplug.core.errors import DatasetError

PINNED_RED = [
    [154, 144, 154, 148],
    [172, 173, 172, 164],
    [187, 184, 189, 192],
    [204, 205, 204, 201],
]
PINNED_SOUND = [-2942.0, -5016.0, -4984.0, -2577.0, 972.0]

SPEC = InputSpec(32, 16_000, 2.5, 10, (2, 5), "cav-mae")


def digest(dataset, index, spec=SPEC):
    clip = dataset.load(dataset.clips[index], spec)
    return clip.frames.tobytes(), clip.times.tobytes(), clip.audio.tobytes()


@pytest.fixture(scope="module")
def events():
    return Events(clips=48)


@pytest.mark.parametrize("split", SIZES)
def test_every_class_comes_equally_often_in_a_shuffled_order(split):
    dataset = Events(split=split)
    labels = [ref.labels[0] for ref in dataset.clips]
    counts = Counter(labels)
    assert set(counts) == set(range(12))
    assert set(counts.values()) == {SIZES[split] // 12}
    assert len({tuple(labels[i : i + 12]) for i in range(0, 240, 12)}) == 20
    assert len({ref.id for ref in dataset.clips}) == SIZES[split]


def test_fewer_clips_are_the_first_of_all():
    few, all_of_them = Events(clips=30), Events()
    assert few.clips == all_of_them.clips[:30]
    assert few.fingerprint() == all_of_them.fingerprint(all_of_them.clips[:30])


def test_clips_of_two_splits_differ():
    test, train = Events(clips=12), Events(split="train", clips=12)
    assert not {ref.id for ref in test.clips} & {ref.id for ref in train.clips}
    rhythms = [
        {dataset.scene(ref).rhythm.times for ref in dataset.clips}
        for dataset in (test, train)
    ]
    assert len(rhythms[0] | rhythms[1]) == 24


def test_a_clip_depends_on_neither_order_nor_thread(events):
    forward = [digest(events, index) for index in range(12)]
    backward = [digest(events, index) for index in reversed(range(12))][::-1]
    with ThreadPoolExecutor(4) as pool:
        threaded = list(pool.map(lambda index: digest(events, index), range(12)))
    assert forward == backward == threaded


def test_a_clip_depends_on_neither_process_nor_pickling(events):
    script = (
        "import hashlib;"
        "from avplug.builtin_datasets.events.dataset import Events;"
        "from avplug.core.clip import InputSpec;"
        "d = Events(clips=12);"
        "c = d.load(d.clips[7], InputSpec(32, 16000, 2.5, 10, (2, 5), 'cav-mae'));"
        "print(hashlib.md5(c.frames.tobytes() + c.audio.tobytes()).hexdigest(),"
        " d.fingerprint())"
    )
    out = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    frames, _, audio = digest(events, 7)
    expected = hashlib.md5(frames + audio).hexdigest()
    assert out.stdout.split() == [expected, Events(clips=12).fingerprint()]
    assert digest(pickle.loads(pickle.dumps(events)), 7) == digest(events, 7)


def test_what_is_rendered_is_what_the_version_names(events):
    """A change here is a new renderer: raise RENDERER and measure accuracies anew."""
    assert RENDERER == "events-2"
    clip = events.load(events.clips[0], InputSpec(16, 16_000, 0, 1, (0,), "centre"))
    # One step of 8 or 16 bits, because the last bit of a sine is the processor's own.
    red = clip.frames[0, ::5, ::5, 0].astype(int)
    np.testing.assert_allclose(red, PINNED_RED, atol=1, rtol=0)
    sound = clip.audio[0, 20_000:20_005] * 32768
    np.testing.assert_allclose(sound, PINNED_SOUND, atol=1, rtol=0)


@pytest.mark.parametrize("size", [16, 33, 256])
@pytest.mark.parametrize("rule", ["cav-mae", "centre", "all"])
def test_a_sampled_frame_is_that_frame_of_the_whole_clip(events, size, rule):
    spec = InputSpec(size, 0, 0, 10, (0, 3, 9), rule)
    ref = events.clips[5]
    whole = events.load(ref, InputSpec(size, 0, 0, 0, (), "all"))
    some = events.load(ref, spec)
    assert some.frames.shape[1:] == (size, size, 3)
    for frame, time in zip(some.frames, some.times, strict=True):
        (index,) = np.flatnonzero(whole.times == time)
        np.testing.assert_array_equal(frame, whole.frames[index])


def test_as_is_gives_the_whole_clip(events):
    clip = events.load(events.clips[0], AS_IS)
    assert clip.frames.shape == (75, 96, 96, 3)
    np.testing.assert_allclose(np.diff(clip.times), 0.04)
    assert clip.audio.shape == (1, 48_000)
    assert (clip.sample_rate, clip.duration) == (16_000, 3.0)


@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100, 48_000])
def test_another_rate_is_the_same_sound(events, rate):
    spec = InputSpec(16, rate, 0, 1, (0,), "centre")
    for index in range(12):
        ref = events.clips[index]
        clip, native = events.load(ref, spec), events.load(ref, AS_IS)
        assert clip.audio.shape == (1, 3 * rate)
        assert clip.audio.dtype == np.float32
        assert np.abs(clip.audio).max() <= 1
        if rate > 16_000:
            power = np.mean(clip.audio**2) / np.mean(native.audio**2)
            assert power == pytest.approx(1, abs=0.03)


def test_loudness_varies_within_the_range(events):
    peaks = []
    for ref in events.clips:
        sound = events.scene(ref).sound()
        peaks.append(np.abs(sound).max())
        np.testing.assert_array_equal(sound * 32768, np.rint(sound * 32768))
    assert min(peaks) >= 0.079
    assert max(peaks) <= 0.801
    assert max(peaks) / min(peaks) > 5


def test_unknown_split():
    with pytest.raises(DatasetError, match=r"no split 'tset'\. Did you mean 'test'\?"):
        Events(split="tset")


def test_no_clips():
    with pytest.raises(DatasetError, match="cannot have 0 clips"):
        Events(clips=0)
