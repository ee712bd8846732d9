"""Memory is used again when nobody sees it, and never before."""

import gc
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from avplug.builtin_corruptions import frame_memory
from avplug.builtin_corruptions.frame_memory import KEPT, LEAST, new_frames

SHAPE = (LEAST // 300, 10, 10, 3)
LARGE = (SHAPE[0] + 1, *SHAPE[1:])


@pytest.fixture(autouse=True)
def none_waits():
    gc.collect()
    frame_memory._waiting.clear()
    yield
    frame_memory._waiting.clear()


def address(array):
    return array.__array_interface__["data"][0]


def test_memory_is_used_again():
    first = new_frames(LARGE)
    place = address(first)
    del first
    again = new_frames(LARGE)
    assert address(again) == place
    assert (again.shape, again.dtype) == (LARGE, np.uint8)
    assert again.flags.c_contiguous
    assert again.flags.writeable


@pytest.mark.parametrize(
    "seen",
    [
        lambda a: a[3:5, ::2],
        lambda a: a.reshape(-1)[1:][::7],
        lambda a: a[1:].T.view(np.int8),
        lambda a: a[1:][1:].view(np.recarray)[1:],
        lambda a: np.asarray(memoryview(a)),
        lambda a: np.frombuffer(a, np.uint8),
        lambda a: a.data,
    ],
)
def test_whoever_sees_a_part_keeps_it(seen):
    frames = new_frames(LARGE)
    frames[:] = 7
    part = seen(frames)
    del frames
    gc.collect()
    new_frames(LARGE)[:] = 9
    assert (np.asarray(part) == 7).all()
    assert len(frame_memory._waiting) == 1
    del part
    gc.collect()
    assert len(frame_memory._waiting) == 2


def test_a_tensor_keeps_it():
    torch = pytest.importorskip("torch")
    frames = new_frames(LARGE)
    frames[:] = 7
    tensor = torch.from_numpy(frames)[2:]
    del frames
    gc.collect()
    new_frames(LARGE)[:] = 9
    assert bool((tensor == 7).all())


def test_only_a_few_wait_and_none_that_is_far_too_large():
    held = [new_frames(LARGE) for _ in range(KEPT + 2)]
    assert len({address(a) for a in held}) == KEPT + 2
    held.clear()
    assert len(frame_memory._waiting) == KEPT
    larger = new_frames((3 * LARGE[0], *LARGE[1:]))
    assert len(frame_memory._waiting) == KEPT - 1
    assert larger.nbytes == 3 * new_frames(LARGE).nbytes


def test_small_arrays_do_not_wait():
    del_me = new_frames((2, 3, 4, 3))
    assert del_me.base is None
    del del_me
    assert not frame_memory._waiting


def test_threads_never_share_memory():
    def work(value):
        frames = new_frames(LARGE)
        frames[::100] = value
        return bool((frames[::100] == value).all())

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(work, range(60)))
