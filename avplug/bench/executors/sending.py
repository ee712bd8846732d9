"""Exceptions on their way from a worker to the process that started the run."""

from __future__ import annotations

import pickle
import traceback
from typing import Any


def portable(error: Exception) -> Exception:
    """Return an exception that can be sent, its traceback as a note."""
    error.add_note("".join(traceback.format_exception(error)).rstrip())
    error.__traceback__ = error.__cause__ = error.__context__ = None
    try:
        copy: Any = pickle.loads(pickle.dumps(error))
    # A class of a plugin may fail in whatever way it likes.
    except Exception:
        copy = None
    if type(copy) is type(error) and str(copy) == str(error):
        return error
    stand_in = RuntimeError(f"{type(error).__name__}: {error}")
    for note in error.__notes__:
        stand_in.add_note(note)
    return stand_in
