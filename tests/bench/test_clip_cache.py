import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from avplug.bench import clip_cache
from avplug.bench.clip_cache import ClipCache, ClipMemory, TimeLimit
from avplug.bench.clip_store import ClipStore
from avplug.core.clip import Clip, ClipRef, InputSpec
from avplug.core.dataset import Dataset
from avplug.core.errors import MediaError
from tests.waiting import LONG

#: Bytes of a clip of ``Counting``.
SIZE = 400_000


class Counting(Dataset):
    labels = ("one",)

    def __init__(self, pause=0.0):
        self.clips = [ClipRef(str(i), (0,)) for i in range(10)]
        self.loads = []
        self.pause = pause

    def load(self, ref, spec):
        self.loads.append(ref.id)
        time.sleep(self.pause)
        audio = np.full((1, SIZE // 4), int(ref.id), np.float32)
        return Clip(ref.id, None, None, audio, 1000, 1.0)


def test_a_clip_is_decoded_once_while_it_fits():
    data = Counting()
    cache = ClipCache(data, InputSpec(), ClipMemory(3 * SIZE))
    for ref in data.clips[:3] * 2:
        assert cache.load(ref).id == ref.id
    assert data.loads == ["0", "1", "2"]
    cache.load(data.clips[3])
    cache.load(data.clips[0])
    assert data.loads == ["0", "1", "2", "3", "0"]


def test_caches_can_share_their_memory():
    data, memory = Counting(), ClipMemory(3 * SIZE)
    one, other = (ClipCache(data, InputSpec(size=s), memory) for s in (96, 224))
    for cache in (one, other, one, other):
        cache.load(data.clips[0])
    assert data.loads == ["0", "0"]
    other.load(data.clips[1])
    other.load(data.clips[2])
    one.load(data.clips[0])
    assert data.loads == ["0", "0", "1", "2", "0"]


def test_with_a_store_a_clip_is_decoded_once_for_all_runs(tmp_path):
    data = Counting()
    for _ in range(2):
        store = ClipStore(tmp_path, 1 << 30)
        cache = ClipCache(data, InputSpec(), ClipMemory(3 * SIZE), store=store)
        for ref in data.clips * 2:
            assert cache.load(ref).audio[0, 0] == int(ref.id)
    assert data.loads == [ref.id for ref in data.clips]


def test_of_threads_that_ask_at_once_one_decodes():
    data = Counting(pause=0.05)
    cache, found = ClipCache(data, InputSpec()), []
    threads = [
        threading.Thread(target=lambda: found.append(cache.load(data.clips[0])))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert data.loads == ["0"]
    assert all(clip is found[0] for clip in found)


@pytest.mark.parametrize("limit", [None, TimeLimit(LONG)])
def test_what_a_data_set_raises_comes_out_and_is_tried_again(limit):
    class Broken(Counting):
        def load(self, ref, spec):
            self.loads.append(ref.id)
            raise TimeoutError("the share is gone")

    data = Broken()
    cache = ClipCache(data, InputSpec(), limit=limit)
    for _ in range(2):
        with pytest.raises(TimeoutError, match="the share is gone"):
            cache.load(data.clips[0])
    assert len(data.loads) == 2


def test_a_clip_that_hangs_is_given_up_once_and_the_others_go_on():
    gone = threading.Event()

    class Hanging(Counting):
        def load(self, ref, spec):
            clip = super().load(ref, spec)
            if ref.id == "1":
                gone.wait(LONG)
            return clip

    data = Hanging()
    cache = ClipCache(data, InputSpec(), limit=TimeLimit(1))
    for _ in range(3):
        with pytest.raises(MediaError, match=r"'1' was not decoded within 1 s"):
            cache.load(data.clips[1])
        assert cache.load(data.clips[0]).id == "0"
    assert data.loads.count("1") == 1
    gone.set()


def test_a_pause_of_the_whole_machine_costs_no_clip(monkeypatch):
    waits, wait = [], clip_cache.wait

    def paused(futures, seconds):
        waits.append(seconds)
        # The clock has gone on, and nobody else.
        return wait(futures, 0 if len(waits) == 1 else seconds)

    monkeypatch.setattr(clip_cache, "wait", paused)
    assert TimeLimit(LONG).run(lambda: time.sleep(0.1) or "clip") == "clip"
    assert len(waits) == 2


def test_one_thread_does_all_that_is_done_in_time_and_ends_with_its_owner():
    limit, threads = TimeLimit(LONG), []
    for _ in range(5):
        limit.run(lambda: threads.append(threading.current_thread()))
    assert len(set(threads)) == 1
    del limit
    threads[0].join(LONG)
    assert not threads[0].is_alive()


HANG = """
import threading, time
from avplug.bench import clip_cache
from avplug.bench.clip_cache import ClipCache, TimeLimit
from avplug.bench.pipeline import ordered_map
from avplug.core.clip import ClipRef, InputSpec
from avplug.core.dataset import Dataset
class Hanging(Dataset):
    labels = ("one",)
    def load(self, ref, spec):
        time.sleep(1000)
cache = ClipCache(Hanging(), InputSpec(), limit=TimeLimit({seconds}))
def load(ref):
    try:
        cache.load(ref)
    except Exception as error:
        return str(error)
results = ordered_map(load, [ClipRef("a", (0,))], {workers}, 2)
{then}
"""


@pytest.mark.parametrize("workers", [0, 2])
def test_a_hanging_decoder_does_not_keep_the_process_alive(workers):
    code = HANG.format(seconds=0.1, workers=workers, then="print(next(results))")
    done = subprocess.run(
        [sys.executable, "-c", code], timeout=LONG, capture_output=True, text=True
    )
    assert done.returncode == 0
    assert "not decoded within" in done.stdout


def test_nor_does_one_that_is_still_waited_for():
    then = "threading.Thread(target=next, args=(results,), daemon=True).start()"
    code = HANG.format(seconds=1000, workers=2, then=f"{then}\ntime.sleep(0.2)")
    done = subprocess.run([sys.executable, "-c", code], timeout=LONG)
    assert done.returncode == 0
