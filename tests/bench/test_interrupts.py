"""A signal abandons work, finishes a write, and finds the old handlers again."""

import os
import signal
import threading

import pytest

from avplug.bench.interrupts import interruptible

NUMBERS = [signal.SIGINT, signal.SIGTERM]


@pytest.mark.parametrize("number", NUMBERS)
def test_a_signal_ends_the_block_and_the_handlers_are_as_before(number):
    def interrupted():
        with interruptible():
            os.kill(os.getpid(), number)

    before = [signal.getsignal(each) for each in NUMBERS]
    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert [signal.getsignal(each) for each in NUMBERS] == before


@pytest.mark.parametrize("number", NUMBERS)
def test_a_signal_waits_for_what_must_not_be_torn(number):
    done = []

    def interrupted():
        with interruptible() as interrupts:
            with interrupts.held():
                os.kill(os.getpid(), number)
                done.append("written")
            done.append("went on")

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert done == ["written"]


def test_a_held_block_without_a_signal_goes_on():
    done = []
    with interruptible() as interrupts:
        for turn in range(2):
            with interrupts.held():
                done.append(turn)
    assert done == [0, 1]


def test_outside_the_main_thread_nothing_changes():
    before = signal.getsignal(signal.SIGTERM)
    seen = []

    def work():
        with interruptible():
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [before]
