"""The ``avplug`` command: parse, call, render; no logic that Python users lack."""

from __future__ import annotations


def main() -> None:
    """Run the command line; the console script's entry."""
    from avplug.cli.app import build_app

    build_app()()
