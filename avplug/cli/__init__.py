"""The ``avplug`` command: parse, call, render; no logic that Python users lack."""

from __future__ import annotations


def main() -> None:
    """Run the command line; the console script's entry."""
    import sys

    from avplug.cli import console
    from avplug.cli.app import build_app

    _tell_crashes()
    console.take_any_text()
    try:
        build_app(sys.argv[1:])()
    except SystemExit as end:
        from avplug.cli.ending import leave_threads

        leave_threads(end.code)
        raise


def _tell_crashes() -> None:
    """Have the stack written to stderr if compiled code, of a plugin's, crashes."""
    import faulthandler
    import sys
    from contextlib import suppress

    if sys.stderr is not None and not faulthandler.is_enabled():
        # A stderr in memory has no descriptor.
        with suppress(OSError, ValueError, AttributeError):
            faulthandler.enable(all_threads=False)
