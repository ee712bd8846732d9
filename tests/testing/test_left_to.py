"""What follows from another check's failure is left to that check."""

import os

import numpy as np
import pytest

from avplug.core.errors import UsageError
from avplug.testing.checks import Check, Subject, Violation, left_to, run_check


class Named(Subject):
    """A label is all that an outcome needs of its subject."""

    label = "kind:one"


def holds(subject):
    """Hold."""


def is_broken(subject):
    raise Violation("it is broken")


def cannot(subject):
    raise ZeroDivisionError


def says_why(subject):
    raise UsageError("It needs a root.")


def outcome_of(error, *causes):
    def function(subject):
        with left_to(subject, *causes):
            raise error

    check = Check("kind/check", "It holds.", function)
    # A label is all that an outcome needs of its subject.
    return run_check(
        check, type("Named", (Subject,), {"label": "kind:one"})(None, None)
    )


@pytest.mark.parametrize("cause", [is_broken, cannot])
def test_what_follows_is_skipped_and_names_its_cause(cause):
    outcome = outcome_of(Violation("gap 3"), holds, cause)
    assert outcome.state == "skip"
    name = cause.__name__.replace("_", "-")
    assert outcome.message == f"{name} fails already: gap 3"


@pytest.mark.parametrize("causes", [(), (holds,), (says_why,)])
@pytest.mark.parametrize("error", [Violation("gap 3"), ValueError("gap 3")])
def test_what_stands_alone_fails(causes, error):
    outcome = outcome_of(error, *causes)
    assert outcome.state == "fail"
    assert "gap 3" in outcome.message


def test_a_reason_is_no_failure():
    outcome = outcome_of(UsageError("It needs a root."), is_broken)
    assert (outcome.state, outcome.message[:14]) == ("skip", "it says why no")


def test_a_check_leaves_the_process_as_it_was():
    def function(subject):
        os.environ["AVPLUG_SPOILT"] = "1"
        os.chdir("/")
        np.seterr(all="raise")

    before = os.getcwd(), np.geterr()
    check = Check("kind/check", "It holds.", function)
    run_check(check, Named(None, None))
    assert (os.getcwd(), np.geterr()) == before
    assert "AVPLUG_SPOILT" not in os.environ
