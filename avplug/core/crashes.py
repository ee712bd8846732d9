"""Crashes in compiled code: where Python was when the process died of one.

Python's fault handler writes the stack of the thread that crashed, the innermost frame
first. In a process of its own it goes to a file or pipe, out of which
:func:`frames` and :func:`place` read it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_FRAME = re.compile(r'\s+File "(?P<file>.*)", line (?P<line>\d+) in (?P<function>.*)')
_OWN = str(Path(__file__).parents[1])


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame of a crash.

    Args:
        file: Of its code.
        line: From 1.
        function: Its name, or ``<module>``.
    """

    file: str
    line: int
    function: str

    def __str__(self) -> str:
        return f"{self.function} of {Path(self.file).name}, line {self.line}"


def frames(dump: str) -> list[Frame]:
    """Return the frames of the thread that crashed, innermost first; none without."""
    _, mark, stack = dump.rpartition("Fatal Python error: ")
    # With all threads told, that which crashed need not be the first.
    _, _, stack = stack.rpartition("Current thread ")
    _, head, rest = stack.partition("(most recent call first):\n")
    found = []
    for line in rest.splitlines() if mark and head else ():
        match = _FRAME.fullmatch(line)
        if match is None:
            break
        found.append(Frame(match["file"], int(match["line"]), match["function"]))
    return found


def place(stack: Sequence[Frame]) -> str:
    """Return in words where a crash was, and what called it; "" if not known.

    What is told of is what avplug called, not avplug nor the machinery of imports.
    """
    called = []
    for frame in stack:
        if Path(frame.file).is_relative_to(_OWN):
            break
        if "importlib" not in frame.file:
            called.append(frame)
    called = called or list(stack[:1])
    if not called:
        return ""
    by = f", called by {called[-1]}" if len(called) > 1 else ""
    return f"in {called[0]}{by}"
