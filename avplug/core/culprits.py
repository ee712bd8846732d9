"""Whose fault an exception is: that of the plugin whose code was at work."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from traceback import walk_tb
from types import FrameType

from avplug.core.containment import described
from avplug.core.discovery import BUILTIN
from avplug.core.errors import PluginError
from avplug.core.records import PluginRecord


def blamed(error: BaseException, records: Iterable[PluginRecord]) -> PluginError | None:
    """Return an error that names the plugin out of whose code an exception came.

    Of several plugins the one nearest to where it was raised; None if none was at work.

    Args:
        error: As it was caught.
        records: All plugins; those built in are never blamed.
    """
    records = [record for record in records if record.distribution != BUILTIN]
    for frame, line in reversed(list(walk_tb(error.__traceback__))):
        for record in records:
            if _runs(frame, record):
                place = f"{Path(frame.f_code.co_filename).name}, line {line}"
                return PluginError(
                    f"Error in {record.name}: {described(error)}, in {place}.",
                    f"Traceback: repeat it with avplug --debug. {record.way_out}",
                )
    return None


def _runs(frame: FrameType, record: PluginRecord) -> bool:
    """Return whether a frame runs code of a plugin: its module, or its targets'."""
    if frame.f_code.co_filename == record.module_file:
        return True
    module = str(frame.f_globals.get("__name__", ""))
    packages = {spec.target.partition(":")[0] for spec in record.components}
    return module.partition(".")[0] in {
        package.partition(".")[0] for package in packages
    } - {BUILTIN}
