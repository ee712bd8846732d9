"""The end of the process, which threads of plugins cannot put off."""

from __future__ import annotations

import atexit
import os
import sys
from contextlib import suppress

from avplug.cli import console
from avplug.core.manager import loaded_plugins


def leave_threads(code: object) -> None:
    """End the process now if threads that plugins started would keep it for ever.

    Python waits for every thread that is no daemon. Those of avplug and of a run are
    waited for; those that a plugin started while it was imported belong to no run.

    Args:
        code: What ``sys.exit`` was given.
    """
    keeping = [
        record
        for record in loaded_plugins()
        if any(thread.is_alive() for thread in record.threads)
    ]
    if not keeping:
        return
    for record in keeping:
        console.message(f"avplug: {record.name} left a thread running: not waited for.")
    # What os._exit would skip, but for the waiting.
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(code if isinstance(code, int) else int(code is not None))
