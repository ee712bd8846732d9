"""What a conformance check is, and what comes of running one."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Literal

from avplug.core.components import ComponentSpec
from avplug.core.errors import (
    AvplugError,
    CapabilityError,
    MissingExtraError,
    UsageError,
)

State = Literal["pass", "fail", "skip"]

#: Module with the checks of each kind.
_HOMES = {
    "corruption": (
        "avplug.testing.corruptions",
        "avplug.testing.worse_corruptions",
        "avplug.testing.shared_corruptions",
        "avplug.testing.robust_corruptions",
    ),
    "model": (
        "avplug.testing.models",
        "avplug.testing.model_claims",
        "avplug.testing.model_senses",
        "avplug.testing.model_parts",
        "avplug.testing.shared_models",
    ),
    "adaptation": ("avplug.testing.adaptations", "avplug.testing.adaptation_claims"),
    "metric": ("avplug.testing.metrics", "avplug.testing.metric_inputs"),
    "dataset": ("avplug.testing.datasets",),
    "attack": ("avplug.testing.attacks", "avplug.testing.attack_budgets"),
    "defense": ("avplug.testing.defenses",),
    "executor": ("avplug.testing.executors",),
    "suite": ("avplug.testing.suites",),
    "published": ("avplug.testing.published",),
}


class Violation(AssertionError):  # noqa: N818  (promises are violated)
    """A promise was broken; the message has the value that broke it."""


class NotApplicable(Exception):  # noqa: N818  (no error: the check says nothing here)
    """The check does not apply to this component; the message says why."""


@dataclass(frozen=True)
class Subject:
    """A component under test.

    Args:
        spec: Its descriptor.
        target: What the descriptor names, imported.
        seed: Of everything random that a check draws.
        options: Of the component's constructor.
    """

    spec: ComponentSpec
    target: Callable[..., Any]
    seed: int = 0
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """How reports name it: ``kind:name``."""
        return f"{self.spec.kind}:{self.spec.name}"

    def make(self, *given: Any, **fixed: Any) -> Any:
        """Return a new component."""
        return self.target(*given, **fixed, **self.options)


@dataclass(frozen=True, slots=True)
class Check:
    """One promise of a kind.

    Args:
        id: ``kind/name``.
        promise: What holds, in one sentence.
        function: Takes a :class:`Subject`; returns a figure worth showing or None.

    Raises (its function):
        Violation: The promise is broken.
        NotApplicable: It says nothing of this component.
    """

    id: str
    promise: str
    function: Callable[[Subject], str | None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a check.

    Args:
        check: Its id.
        component: ``kind:name``, or the plugin where it is about the whole of it.
        state: ``pass``, ``fail`` or ``skip``.
        message: The value that failed, why it was skipped, or a figure.
        seconds: How long it took.
        repeat: A command that runs this check alone again.
    """

    check: str
    component: str
    state: State
    message: str = ""
    seconds: float = 0.0
    repeat: str = ""


_CHECKS: dict[str, list[Check]] = {}

Function = Callable[[Subject], str | None]


def promise(kind: str) -> Callable[[Function], Function]:
    """Register a check of a kind; its name and promise are the function's."""

    def registered(function: Function) -> Function:
        name = f"{kind}/{function.__name__.replace('_', '-')}"
        sentence = (function.__doc__ or "").strip().partition("\n")[0]
        _CHECKS.setdefault(kind, []).append(Check(name, sentence, function))
        return function

    return registered


def checks_of(kind: str) -> tuple[Check, ...]:
    """Return the checks of a kind; none for one that avplug does not know."""
    for module in _HOMES.get(kind, ()):
        import_module(module)
    return tuple(_CHECKS.get(kind, ()))


def require(holds: object, message: str) -> None:
    """Raise unless it holds.

    Raises:
        Violation: It does not.
    """
    if not holds:
        raise Violation(message)


@contextmanager
def trying(what: str) -> Iterator[None]:
    """Say with what it was that a component raised in the block.

    Raises:
        Violation: It raised something, and no reason why it cannot do that.
    """
    try:
        yield
    except (Violation, NotApplicable, AvplugError):
        raise
    except Exception as error:
        text = " ".join(str(error).split())
        raise Violation(
            f"{what}: raised {type(error).__name__}: {text:.300}{_at(error)}"
        ) from error


@contextmanager
def left_to(subject: Subject, *causes: Function) -> Iterator[None]:
    """Leave what goes wrong in the block to the checks of its causes, if they fail.

    A broken promise shall be told once, by the check that is about it.

    Raises:
        NotApplicable: The block failed, and so does one of the causes.
    """
    from avplug.testing.surroundings import restored

    try:
        with restored():
            yield
    except (NotApplicable, AvplugError):
        raise
    except Exception as broken:
        for cause in causes:
            try:
                cause(subject)
            except (NotApplicable, AvplugError):
                continue
            except Exception:
                name = cause.__name__.replace("_", "-")
                raise NotApplicable(f"{name} fails already: {broken}") from broken
        raise


def quiet(use: Callable[[], object]) -> None:
    """Use a component, and make sure that it leaves stdout to the program's data.

    Raises:
        Violation: It wrote to stdout.
    """
    written = io.StringIO()
    with redirect_stdout(written):
        use()
    text = written.getvalue()
    require(not text, f"it wrote {text[:60]!r} to stdout; use logging, or stderr")


@contextmanager
def global_seed(seed: int) -> Iterator[None]:
    """Seed the global generators inside the block: nothing may depend on them."""
    import random

    import numpy as np
    import torch

    states = random.getstate(), np.random.get_state(), torch.random.get_rng_state()
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    try:
        yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])
        torch.random.set_rng_state(states[2])


def run_check(check: Check, subject: Subject) -> Outcome:
    """Run a check; whatever the component raises becomes its outcome.

    What it changes of the process is undone before the next check.
    """
    # Lazily: NumPy is for the process that runs checks, not for the one that reports.
    from avplug.testing.surroundings import restored

    start = time.perf_counter()

    def outcome(state: State, message: str) -> Outcome:
        seconds = time.perf_counter() - start
        return Outcome(check.id, subject.label, state, message, seconds)

    try:
        with restored(), redirect_stdout(io.StringIO()):
            figure = check.function(subject)
    except Violation as broken:
        return outcome("fail", str(broken))
    except (NotApplicable, MissingExtraError) as reason:
        return outcome("skip", str(reason))
    except CapabilityError as lack:
        return outcome("skip", f"the toy that it is tested with lacks it: {lack}")
    except UsageError as reason:
        # The promise is to work, or to say clearly why not.
        return outcome("skip", f"it says why not: {reason}")
    except (Exception, SystemExit) as error:
        text = " ".join(str(error).split())
        return outcome(
            "fail", f"raised {type(error).__name__}: {text:.300}{_at(error)}"
        )
    return outcome("pass", figure or "")


def _at(error: BaseException) -> str:
    """Return where an error came from: file and line of the last frame."""
    trace = error.__traceback__
    if trace is None:
        return ""
    while trace.tb_next is not None:
        trace = trace.tb_next
    code = trace.tb_frame.f_code
    return f" ({code.co_filename.rpartition('/')[2]}:{trace.tb_lineno})"
