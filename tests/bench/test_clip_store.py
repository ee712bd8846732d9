import errno
import multiprocessing
import os
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from avplug.bench.clip_store import ClipStore, clip_key
from avplug.builtin_datasets.events.dataset import Events
from avplug.core.clip import AS_IS, Clip, ClipRef, InputSpec
from avplug.core.dataset import Dataset


def clip_of(number, frames=2, samples=1000):
    rng = np.random.default_rng(number)
    return Clip(
        f"clip {number}",
        rng.integers(0, 256, (frames, 5, 7, 3), np.uint8) if frames else None,
        np.arange(frames) / 3 if frames else None,
        rng.standard_normal((2, samples), np.float32) if samples else None,
        16_000 if samples else 0,
        1 / 3,
    )


def same(one, other):
    arrays = ("frames", "times", "audio")
    return (one.id, one.sample_rate, one.duration) == (
        other.id,
        other.sample_rate,
        other.duration,
    ) and all(
        np.array_equal(getattr(one, name), getattr(other, name))
        if getattr(one, name) is not None
        else getattr(other, name) is None
        for name in arrays
    )


def key_of(number):
    return f"{number:040x}"


@pytest.mark.parametrize(("frames", "samples"), [(2, 1000), (0, 10), (3, 0), (1, 1)])
def test_a_clip_comes_back_as_it_was_and_read_only(tmp_path, frames, samples):
    store, clip = ClipStore(tmp_path, 1 << 20), clip_of(1, frames, samples)
    assert store.get(key_of(1)) is None
    store.put(key_of(1), clip)
    found = store.get(key_of(1))
    assert same(found, clip)
    for array in (found.frames, found.times, found.audio):
        assert array is None or not array.flags.writeable


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    max_examples=60,
)
@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_a_flipped_bit_is_found_and_named(tmp_path, caplog, place, bit):
    caplog.clear()
    store = ClipStore(tmp_path, 1 << 20)
    store.put(key_of(1), clip_of(1))
    (path,) = tmp_path.glob("*/*.clip")
    data = bytearray(path.read_bytes())
    data[int(place * len(data))] ^= 1 << bit
    path.write_bytes(data)
    assert store.get(key_of(1)) is None
    assert path.name in caplog.text
    assert "decoded anew" in caplog.text
    assert not path.exists()


@pytest.mark.parametrize("length", [0, 5, 16, 100, -1])
def test_a_file_that_is_cut_short_is_found(tmp_path, caplog, length):
    store = ClipStore(tmp_path, 1 << 20)
    store.put(key_of(1), clip_of(1))
    (path,) = tmp_path.glob("*/*.clip")
    path.write_bytes(path.read_bytes()[:length])
    assert store.get(key_of(1)) is None
    assert "is damaged" in caplog.text


def test_a_file_under_another_name_is_not_taken_for_its_clip(tmp_path, caplog):
    store = ClipStore(tmp_path, 1 << 20)
    store.put(key_of(1), clip_of(1))
    (path,) = tmp_path.glob("*/*.clip")
    path.rename(path.with_name(f"{key_of(2)}.clip"))
    assert store.get(key_of(2)) is None
    assert "another clip's" in caplog.text


def test_the_least_recently_used_are_dropped_beyond_the_limit(tmp_path):
    size = ClipStore(tmp_path / "one", 1 << 20)
    size.put(key_of(0), clip_of(0))
    (path,) = (tmp_path / "one").glob("*/*.clip")
    limit = 10 * path.stat().st_size
    store = ClipStore(tmp_path / "many", limit)
    for number in range(10):
        store.put(key_of(number), clip_of(number))
        for found in (tmp_path / "many").glob(f"*/{key_of(number)}.clip"):
            os.utime(found, (number, number))
    assert store.get(key_of(0)) is not None
    for number in range(10, 14):
        store.put(key_of(number), clip_of(number))
    files = list((tmp_path / "many").glob("*/*.clip"))
    assert sum(file.stat().st_size for file in files) <= limit
    assert store.get(key_of(0)) is not None
    assert store.get(key_of(1)) is None
    assert store.get(key_of(13)) is not None
    store.put(key_of(20), clip_of(20, frames=100_000))
    assert store.get(key_of(20)) is None


def test_a_full_disk_is_told_once_and_reading_goes_on(tmp_path, monkeypatch, caplog):
    store = ClipStore(tmp_path, 1 << 20)
    store.put(key_of(1), clip_of(1))

    def full(source, target):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    for number in (2, 3):
        store.put(key_of(number), clip_of(number))
    monkeypatch.undo()
    store.put(key_of(4), clip_of(4))
    assert caplog.text.count("No space left on device") == 1
    assert store.get(key_of(4)) is None
    assert same(store.get(key_of(1)), clip_of(1))
    assert not list(tmp_path.glob("*/.*.tmp"))


def test_temporary_files_of_killed_writers_go(tmp_path):
    (tmp_path / "00").mkdir()
    old, new = (tmp_path / "00" / f".{name}.1.1.tmp" for name in ("old", "new"))
    for path in (old, new):
        path.write_bytes(b"half")
    os.utime(old, (1, 1))
    ClipStore(tmp_path, 1 << 20).put(key_of(1), clip_of(1))
    assert not old.exists()
    assert new.exists()


def churn(folder, first, rounds):
    """Write and read clips under a limit that holds a third of them."""
    store = ClipStore(Path(folder), 40_000)
    for turn in range(rounds):
        number = (first + 7 * turn) % 12
        found = store.get(key_of(number))
        assert found is None or same(found, clip_of(number))
        if found is None:
            store.put(key_of(number), clip_of(number))


def test_threads_and_processes_share_a_folder(tmp_path, caplog):
    spawn = multiprocessing.get_context("fork")
    processes = [
        spawn.Process(target=churn, args=(str(tmp_path), first, 150))
        for first in (0, 5)
    ]
    threads = [
        threading.Thread(target=churn, args=(str(tmp_path), first, 60))
        for first in (3, 8)
    ]
    for worker in (*processes, *threads):
        worker.start()
    for worker in (*processes, *threads):
        worker.join()
    assert [process.exitcode for process in processes] == [0, 0]
    assert "damaged" not in caplog.text


class Files(Dataset):
    labels = ("one",)

    def __init__(self, root):
        self.root = root

    def load(self, ref, spec):
        raise NotImplementedError

    def files(self, ref):
        return [self.root / ref.source]


def test_a_key_follows_the_file_the_clip_and_the_sampling(tmp_path):
    (tmp_path / "a.mp4").write_bytes(b"abc")
    data, ref = Files(tmp_path), ClipRef("a", (0,), "a.mp4")
    keys = {clip_key(data, "1", ref, InputSpec())}
    assert keys == {clip_key(data, "2", ref, InputSpec())}
    keys.add(clip_key(data, "1", ref, AS_IS))
    keys.add(clip_key(data, "1", ClipRef("b", (0,), "a.mp4"), InputSpec()))
    os.utime(tmp_path / "a.mp4", ns=(5, 5))
    keys.add(clip_key(data, "1", ref, InputSpec()))
    (tmp_path / "a.mp4").write_bytes(b"abcd")
    os.utime(tmp_path / "a.mp4", ns=(5, 5))
    keys.add(clip_key(data, "1", ref, InputSpec()))
    assert len(keys) == 5
    with pytest.raises(FileNotFoundError):
        clip_key(data, "1", ClipRef("c", (0,), "c.mp4"), InputSpec())


def test_without_files_a_key_follows_the_content_version():
    events = Events(clips=2)
    one, two = (clip_key(events, "1", ref, InputSpec()) for ref in events.clips)
    assert one != two
    assert one == clip_key(Events(clips=1), "1", events.clips[0], InputSpec())
    assert one != clip_key(events, "2", events.clips[0], InputSpec())
