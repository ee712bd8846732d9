"""A plugin that hangs is interrupted, and what it changed for everybody put back."""

import os
import signal
import sys
import threading
import warnings

import pytest

from avplug.core import containment
from avplug.core.containment import TookTooLong, at_most, described, guarded

LIBRARY = "import time\ntime.sleep({})\nDONE = True\n"


@pytest.fixture
def modules(tmp_path, monkeypatch):
    """Return a function that writes a module which can be imported."""
    monkeypatch.syspath_prepend(tmp_path)

    def write(name, text):
        (tmp_path / f"{name}.py").write_text(text)

    yield write
    for path in tmp_path.glob("*.py"):
        sys.modules.pop(path.stem, None)


def test_a_module_that_hangs_is_given_up(modules):
    modules("own_hangs", "import time\ntime.sleep(60)\n")
    with pytest.raises(TookTooLong, match=r"^0\.1$"), at_most(0.1):
        import own_hangs  # noqa: F401
    assert "own_hangs" not in sys.modules


def test_a_library_is_not_left_half_imported(modules, monkeypatch):
    monkeypatch.setattr(containment, "PATIENCE", 1000)
    modules("slow_library", LIBRARY.format(0.5))
    modules("own_heavy", "import slow_library\nimport time\ntime.sleep(60)\n")
    with pytest.raises(TookTooLong), at_most(0.1):
        import own_heavy  # noqa: F401
    assert sys.modules["slow_library"].DONE
    assert "own_heavy" not in sys.modules


def test_a_library_that_hangs_is_given_up_in_the_end(modules, monkeypatch):
    monkeypatch.setattr(containment, "PATIENCE", 3)
    modules("hanging_library", LIBRARY.format(60))
    modules("own_victim", "import hanging_library\n")
    with pytest.raises(TookTooLong), at_most(0.2):
        import own_victim  # noqa: F401


def test_what_is_done_in_time_is_left_alone(modules):
    modules("own_quick", "DONE = True\n")
    with at_most(30):
        import own_quick
    assert own_quick.DONE


@pytest.mark.parametrize(
    ("spoil", "undone"),
    [
        (lambda: os.chdir("/"), "the working folder"),
        (lambda: warnings.simplefilter("ignore"), "the filters of warnings"),
        (lambda: signal.signal(signal.SIGINT, signal.SIG_IGN), "what SIGINT does"),
        (lambda: signal.signal(signal.SIGTERM, signal.SIG_IGN), "what SIGTERM does"),
    ],
    ids=["folder", "warnings", "interrupt", "terminate"],
)
def test_what_belongs_to_everybody_is_put_back(spoil, undone):
    def state():
        handlers = [signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM)]
        return os.getcwd(), list(warnings.filters), handlers

    before = state()
    with guarded() as traces:
        spoil()
        assert state() != before
    assert state() == before
    assert traces.undone == [undone]


def test_an_interrupt_in_the_block_is_noticed():
    with pytest.raises(KeyboardInterrupt), guarded() as traces:
        os.kill(os.getpid(), signal.SIGINT)
    assert traces.interrupted
    assert traces.undone == []


def test_threads_that_keep_the_process_are_seen():
    leave = threading.Event()
    with guarded() as traces:
        kept = threading.Thread(target=leave.wait)
        for thread in (kept, threading.Thread(target=leave.wait, daemon=True)):
            thread.start()
    leave.set()
    assert traces.threads == [kept]


def test_an_exception_whose_text_raises_is_described():
    class Odd(Exception):
        def __str__(self):
            raise ValueError

    assert described(Odd()) == "Odd: (its text cannot be made: ValueError)"
    assert described(ValueError("two\n lines.")) == "ValueError: two lines"
    assert described(KeyboardInterrupt()) == "KeyboardInterrupt"
