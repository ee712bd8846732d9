"""The ``avplug`` command: parse, call, render; no logic that Python users lack."""

from __future__ import annotations


def main() -> None:
    """Run the command line; the console script's entry."""
    import sys

    from avplug.cli import console
    from avplug.cli.app import build_app
    from avplug.core import crashes

    crashes.tell()
    console.take_any_text()
    try:
        build_app(sys.argv[1:])()
    except SystemExit as end:
        from avplug.cli.ending import leave_threads

        leave_threads(end.code)
        raise
