"""The process around a component: what it may look at, and must leave as it is."""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from avplug.testing.checks import global_seed, require

#: A setting of the process: its value, and how it is set.
Setting = tuple[Any, Callable[[Any], object]]


@contextmanager
def restored() -> Iterator[None]:
    """Undo what the block changes of the process: one check must not spoil the next."""
    before = _settings()
    environment = dict(os.environ)
    try:
        yield
    finally:
        for value, put in before.values():
            put(value)
        for name in set(os.environ) - set(environment):
            del os.environ[name]
        os.environ.update(environment)


def leaves_as_it_was(use: Callable[[], object]) -> None:
    """Use a component twice, and make sure that the process is the same afterwards.

    Drawing from the global generators moves them on, which hurts nobody; seeding them
    makes whoever draws next repeat itself.

    Raises:
        Violation: It changed a setting, or seeded a global generator.
    """
    # Torch's own settings are there to be seen only once it is imported.
    import torch  # noqa: F401

    before, environment = _settings(), dict(os.environ)
    states = []
    for number in (1, 2):
        with global_seed(number):
            use()
            states.append(_generators())
    for name, (value, _) in _settings().items():
        known = before[name][0]
        require(value == known, f"it changed {name} from {known} to {value}")
    for name, text in environment.items():
        now = os.environ.get(name)
        # Libraries add variables of their own when they are imported.
        require(now == text, f"it changed {name} in the environment to {now!r}")
    for name, state in states[0].items():
        require(
            state != states[1][name],
            f"it seeds {name}, so that whoever draws next repeats itself: use the "
            "generator that it is given",
        )


def _settings() -> dict[str, Setting]:
    found: dict[str, Setting] = {
        "the current folder": (os.getcwd(), os.chdir),
        "NumPy's handling of errors": (np.geterr(), lambda kept: np.seterr(**kept)),
    }
    torch = sys.modules.get("torch")
    if torch is None:
        return found
    return found | {
        "torch's grad mode": (torch.is_grad_enabled(), torch.set_grad_enabled),
        "torch's default dtype": (torch.get_default_dtype(), torch.set_default_dtype),
        "torch's number of threads": (torch.get_num_threads(), torch.set_num_threads),
        "torch's deterministic mode": (
            torch.are_deterministic_algorithms_enabled(),
            torch.use_deterministic_algorithms,
        ),
    }


def _generators() -> Mapping[str, object]:
    import torch

    name, words, *rest = np.random.get_state()
    return {
        "Python's random": random.getstate(),
        "NumPy's global generator": (name, bytes(words), *rest),  # type: ignore[arg-type]
        "torch's global generator": bytes(torch.random.get_rng_state().numpy()),
    }
