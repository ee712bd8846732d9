"""Errors carry a message, a hint and an exit code."""

import pickle

import pytest

from avplug.core import errors


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.AvplugError, 1),
        (errors.CapabilityError, 1),
        (errors.UsageError, 2),
        (errors.UnknownNameError, 2),
        (errors.AmbiguousNameError, 2),
        (errors.MediaError, 2),
        (errors.DatasetError, 2),
        (errors.WeightsError, 2),
        (errors.MissingExtraError, 2),
        (errors.PluginError, 4),
    ],
)
def test_exit_codes(error, code):
    assert error.exit_code == code
    assert issubclass(error, errors.AvplugError)


def test_text_is_message_then_hint():
    assert str(errors.UsageError("No 'x'.", "Write y.")) == "No 'x'. Write y."
    assert str(errors.UsageError("No 'x'.")) == "No 'x'."


def test_errors_survive_the_way_back_from_a_worker():
    error = pickle.loads(pickle.dumps(errors.PluginError("No 'x'.", "Write y.")))
    assert (error.message, error.hint) == ("No 'x'.", "Write y.")


@pytest.mark.parametrize(
    ("name", "choices", "text"),
    [
        ("gausian", ["shot", "gaussian"], " Did you mean 'gaussian'?"),
        ("x", ["shot", "gaussian"], ""),
        ("x", [], ""),
    ],
)
def test_closest(name, choices, text):
    assert errors.closest(name, iter(choices)) == text
