"""Only one writer at a time; those that died are followed, doubtful ones are named."""

import errno
import json
import multiprocessing
import os
import signal
import subprocess
import sys
from dataclasses import asdict, replace

import pytest

from avplug.bench import locking, writers
from avplug.bench.locking import NAME, LockedError, current_writer, only_writer
from avplug.bench.writers import Writer
from avplug.core.errors import StorageError
from tests.waiting import LONG

HOLDER = """
import sys, time
from pathlib import Path
from avplug.bench.locking import only_writer
with only_writer(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def holder(tmp_path):
    """Another process that writes to the folder ``out``."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path / "out")],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def sign(folder, **changes):
    """Leave the name of a writer, as if it had been killed."""
    folder.mkdir(parents=True, exist_ok=True)
    writer = replace(Writer.here(), token="other", **changes)
    (folder / NAME).write_text(json.dumps(asdict(writer)))
    return writer


def elsewhere(folder):
    return sign(
        folder, host="node7", kernel="other", machine="", user="ada", pid=os.getpid()
    )


def test_a_second_writer_is_told_who_the_first_is(tmp_path, holder):
    folder = tmp_path / "out"
    for break_lock in (False, True):
        with (
            pytest.raises(LockedError) as error,
            only_writer(folder, break_lock=break_lock),
        ):
            pass
        assert f"process {holder.pid} of " in str(error.value)
        assert "-c" in str(error.value)
        assert "another --out" in error.value.hint
    assert current_writer(folder).pid == holder.pid


def test_a_killed_writer_is_followed_with_a_note(tmp_path, holder, caplog):
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    folder = tmp_path / "out"
    assert current_writer(folder).ended(Writer.here())
    with only_writer(folder):
        assert current_writer(folder).pid == os.getpid()
    assert "did not end properly" in caplog.text
    assert f"process {holder.pid} " in caplog.text
    assert current_writer(folder) is None


def test_a_writer_of_this_kernel_in_another_container_is_followed_if_dead(tmp_path):
    # Its process id means nothing here: that of a living process, by chance.
    folder = tmp_path / "out"
    sign(folder, namespace="pid:[1]", pid=os.getpid())
    with only_writer(folder):
        assert current_writer(folder).namespace != "pid:[1]"
    assert current_writer(folder) is None


def test_a_writer_from_before_a_restart_is_followed(tmp_path):
    me = replace(Writer.here(), machine="m")
    assert replace(me, kernel="earlier").ended(me)
    assert not replace(me, kernel="earlier", host="other").ended(me)
    assert not replace(me, kernel="earlier", machine="").ended(replace(me, machine=""))


def test_a_writer_elsewhere_is_named_and_can_be_broken(tmp_path, caplog):
    folder = tmp_path / "out"
    elsewhere(folder)
    with pytest.raises(LockedError) as error, only_writer(folder):
        pass
    assert "of ada on node7" in error.value.message
    assert "--break-lock" in error.value.hint
    assert str(folder / NAME) in error.value.hint
    with only_writer(folder, break_lock=True):
        assert current_writer(folder).pid == os.getpid()
    assert "is broken; it was held by" in caplog.text
    elsewhere(folder)
    (folder / NAME).unlink()
    with only_writer(folder):
        pass


def test_a_name_that_cannot_be_read_is_no_licence(tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / NAME).write_text("{")
    with pytest.raises(LockedError, match="does not tell by whom"), only_writer(folder):
        pass
    with only_writer(folder, break_lock=True):
        pass


def test_who_broke_the_lock_keeps_it_when_the_first_one_ends(tmp_path):
    folder = tmp_path / "out"
    with only_writer(folder):
        (folder / NAME).unlink()
        other = elsewhere(folder)
    assert current_writer(folder) == other


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP])
def test_where_the_kernel_keeps_no_locks_the_process_id_decides(
    tmp_path, monkeypatch, number
):
    def refuse(self, *arguments, **options):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(locking.FileLock, "acquire", refuse)
    folder = tmp_path / "out"
    dead = subprocess.Popen([sys.executable, "-c", "pass"])
    dead.wait()
    sign(folder, pid=dead.pid)
    with only_writer(folder):
        # The same process: alive, so nobody else may write.
        with pytest.raises(LockedError, match=f"process {os.getpid()} "):
            only_writer(folder).__enter__()
        assert current_writer(folder) is not None


def test_where_files_cannot_be_linked_the_name_is_made_all_the_same(
    tmp_path, monkeypatch
):
    def refuse(source, target):
        raise OSError(errno.EPERM, "no links")

    monkeypatch.setattr(os, "link", refuse)
    folder = tmp_path / "out"
    with only_writer(folder):
        assert current_writer(folder).pid == os.getpid()
        assert not locking._claim(folder / NAME, Writer.here())


def test_a_folder_that_stays_empty_is_removed(tmp_path):
    with only_writer(tmp_path / "out"):
        pass
    assert list(tmp_path.iterdir()) == []
    with only_writer(tmp_path / "out"):
        (tmp_path / "out" / "run.json").touch()
    assert (tmp_path / "out" / "run.json").exists()


def test_a_folder_that_cannot_be_written_is_told(tmp_path, monkeypatch):
    def refuse(self, *arguments, **options):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(locking.FileLock, "acquire", refuse)
    with pytest.raises(StorageError) as error, only_writer(tmp_path / "out"):
        pass
    assert "Read-only file system" in error.value.message
    assert "--out" in error.value.hint


def _race(folder, barrier, wins):
    barrier.wait()
    try:
        with only_writer(folder):
            wins.put(os.getpid())
            # Until all have tried.
            barrier.wait()
    except LockedError:
        barrier.wait()


def test_of_many_at_once_one_wins_even_over_a_dead_one(tmp_path):
    dead = subprocess.Popen([sys.executable, "-c", "pass"])
    dead.wait()
    sign(tmp_path / "out", pid=dead.pid)
    context = multiprocessing.get_context("fork")
    barrier, wins = context.Barrier(6, timeout=LONG), context.Queue()
    racers = [
        context.Process(target=_race, args=(tmp_path / "out", barrier, wins))
        for _ in range(6)
    ]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join(LONG)
        assert racer.exitcode == 0
    won = [wins.get(timeout=LONG)]
    assert wins.empty(), "two wrote at once"
    assert won[0] in {racer.pid for racer in racers}


def test_the_command_is_told_as_a_shell_takes_it(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["/x/avplug/__main__.py", "run", "--out", "a b"])
    assert writers.command_line() == "avplug run --out 'a b'"
