from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from avplug.core.files import write_atomic
from tests.waiting import LONG


def test_two_threads_may_write_one_path_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each waits for the other where both have written, and not yet renamed."""
    path, both, fsync = tmp_path / "deep" / "file", Barrier(2, timeout=LONG), os.fsync

    def meet(handle: int) -> None:
        both.wait()
        fsync(handle)

    monkeypatch.setattr(os, "fsync", meet)
    contents = (b"first" * 1000, b"second" * 1000)
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(write_atomic, (path, path), contents))
    assert path.read_bytes() in contents
    assert [p.name for p in path.parent.iterdir()] == ["file"]


def test_what_cannot_be_renamed_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "file" / "in the way").mkdir(parents=True)
    with pytest.raises(OSError, match="file"):
        write_atomic(tmp_path / "file", b"new")
    assert [p.name for p in tmp_path.iterdir()] == ["file"]
