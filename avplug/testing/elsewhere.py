"""A second process, of another hash seed, in which a component is made anew.

What it computes there must be what it computes here. The process is started once and
asked for one component after the other: questions and answers are pickles over its
stdin and stdout, which the component never sees.
"""

from __future__ import annotations

import atexit
import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from avplug.testing.checks import NotApplicable, Subject, Violation, require
from avplug.testing.surroundings import restored

#: What a component computes, in arrays by name that can be compared.
Answers = Callable[[Subject], Mapping[str, NDArray[Any]]]


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of the other process.

    Args:
        path: Where modules are found.
        module: That the component is defined in.
        file: Of the module, where it was loaded from a file of its own; "" if not.
        name: Of its class or function in the module.
        subject: The component, without what it is made by.
        answers: A function of a module.
    """

    path: tuple[str, ...]
    module: str
    file: str
    name: str
    subject: Subject
    answers: Answers


def same_elsewhere(subject: Subject, answers: Answers, slack: float = 0.0) -> None:
    """Compare what a component computes here and in the other process.

    Args:
        subject: The component.
        answers: A function of a module, asked in both.
        slack: How far answers may lie apart, as a share of their mean size.

    Raises:
        NotApplicable: The component's class cannot be imported there.
        Violation: The answers differ, or there are none.
    """
    here = answers(subject)
    there = _asked(_question(subject, answers))
    require([*here] == [*there], f"{[*here]} here, {[*there]} in another process")
    for name, one in here.items():
        two = there[name]
        if np.array_equal(one, two, equal_nan=one.dtype.kind == "f"):
            continue
        what = f"{name}, {one.dtype} {list(one.shape)},"
        require(
            one.dtype == two.dtype
            and one.shape == two.shape
            and one.dtype.kind in "uf",
            f"{what} is {_shown(one)} here and {_shown(two)} in another process: "
            "does it go through a set, or use hash()?",
        )
        gap = float(np.mean(np.abs(one.astype(float) - two)))
        require(
            gap <= slack * float(np.mean(np.abs(one))),
            f"{what} differs by {gap:.3g} on average in another process: does it use "
            "hash(), go through a set, or keep what clips before left in its module?",
        )


def _shown(array: NDArray[Any]) -> str:
    return " ".join(map(str, array.ravel()[:3].tolist()))


def _question(subject: Subject, answers: Answers) -> Question:
    target = subject.target
    name = getattr(target, "__qualname__", "")
    module = getattr(target, "__module__", "")
    if module == "__main__" or _found(sys.modules.get(module), name) is not target:
        raise NotApplicable("its class is none of a module, which others could import")
    file = getattr(sys.modules.get(module), "__file__", None) or ""
    own = module.startswith("_avplug_file_")
    if own and not Path(file).exists():
        raise NotApplicable(f"{file} is gone, so that nobody can import it again")
    path = tuple(os.path.abspath(p) if p else os.getcwd() for p in sys.path)
    given = replace(subject, target=_nobody)
    return Question(path, module, file if own else "", name, given, answers)


def _nobody() -> None:
    """Stand where the class goes, which the other process imports by itself."""


def _asked(question: Question) -> Mapping[str, NDArray[Any]]:
    questions, told = _process()
    pickle.dump(question, questions)
    questions.flush()
    try:
        state, value = pickle.load(told)
    except EOFError:
        _process.cache_clear()
        raise Violation("it ended the other process that it was made in") from None
    if state == "raised":
        raise Violation(f"it works here, but in another process it raised {value}")
    found: Mapping[str, NDArray[Any]] = value
    return found


@cache
def _process() -> tuple[IO[bytes], IO[bytes]]:
    """Start the other process; return what it reads and what it writes."""
    # Any other will do; that of this process is drawn, if it is not stated.
    seed = "2" if os.environ.get("PYTHONHASHSEED") == "1" else "1"
    process = subprocess.Popen(
        # -P: a file in the working folder must not pass for a module of avplug's.
        [sys.executable, "-P", "-m", "avplug.testing.elsewhere"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={
            **os.environ,
            "PYTHONHASHSEED": seed,
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        },
    )
    assert process.stdin is not None
    assert process.stdout is not None

    def end() -> None:
        process.kill()
        process.communicate()

    atexit.register(end)
    return process.stdin, process.stdout


def main() -> None:
    """Answer until nobody asks any more."""
    # Under the name that its pickles have, this module is another one.
    serve = import_module("avplug.testing.elsewhere").serve
    questions, told = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    # What a component reads and prints is not what is said here.
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)
    serve(questions, told)


def serve(questions: IO[bytes], told: IO[bytes]) -> None:
    """Answer each pickled question with a pickle: a state, and arrays or a text."""
    while True:
        try:
            question = pickle.load(questions)
        except EOFError:
            return
        try:
            # One component must not spoil the process for the next.
            with restored():
                subject = _made_here(question)
                # Other clips come first there: what they leave must not matter.
                question.answers(replace(subject, seed=subject.seed + 1))
                answer = "answers", question.answers(subject)
        except (Exception, SystemExit) as error:
            answer = "raised", f"{type(error).__name__}: {error}"
        pickle.dump(answer, told)
        told.flush()


def _made_here(question: Question) -> Subject:
    from avplug.core.discovery import load_file

    sys.path[:] = question.path
    module = (
        load_file(Path(question.file))
        if question.file
        else import_module(question.module)
    )
    return replace(question.subject, target=_found(module, question.name))


def _found(module: Any, name: str) -> Any:
    """Return what a qualified name stands for in a module; None if for nothing."""
    for part in name.split("."):
        module = getattr(module, part, None)
    return module


if __name__ == "__main__":
    main()
