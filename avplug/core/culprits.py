"""Whose fault an exception or a crash is: of the plugin whose code was at work."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from traceback import walk_tb
from types import FrameType

from avplug.core.containment import contained, described
from avplug.core.crashes import Frame
from avplug.core.discovery import BUILTIN
from avplug.core.errors import AvplugError, PluginError
from avplug.core.manager import loaded_plugins
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


def attributed(error: BaseException) -> Exception:
    """Return what was raised at work as an error to tell of, and to go on after.

    What avplug's own errors say is enough; any other out of a plugin's code is told
    with the plugin and the place.
    """
    if not isinstance(error, AvplugError):
        told = blamed(error, loaded_plugins())
        if told is not None:
            told.__cause__ = error
            return told
    return contained(error)


def reason(error: BaseException) -> str:
    """Return in words why a clip is left out: what was raised for it, and by whom."""
    told = attributed(error)
    if not isinstance(told, AvplugError):
        return f"{type(told).__name__}: {told}"
    # How to leave a plugin out is told once, not with every clip.
    return str(told) if told is error else told.message


def crashed(
    stack: Sequence[Frame], records: Iterable[PluginRecord]
) -> tuple[PluginRecord, Frame] | None:
    """Return the plugin whose code was at work in a crash, and its innermost frame.

    Args:
        stack: From :func:`~avplug.core.crashes.frames`, of another process.
        records: All plugins; those built in are never blamed.
    """
    homes = {
        record.key: (record, _homes(record))
        for record in records
        if record.distribution != BUILTIN
    }
    for frame in stack:
        for record, places in homes.values():
            if frame.file == record.module_file or any(
                Path(frame.file).is_relative_to(home) for home in places
            ):
                return record, frame
    return None


def _homes(record: PluginRecord) -> list[Path]:
    """Return the folders and files of a plugin's packages, as far as known here."""
    homes: list[Path] = []
    for name in _packages(record):
        module = sys.modules.get(name)
        folders = getattr(module, "__path__", None)
        file = getattr(module, "__file__", None)
        homes += map(Path, folders if folders is not None else filter(None, [file]))
    return homes


def _runs(frame: FrameType, record: PluginRecord) -> bool:
    """Return whether a frame runs code of a plugin: its module, or its targets'."""
    if frame.f_code.co_filename == record.module_file:
        return True
    module = str(frame.f_globals.get("__name__", ""))
    return module.partition(".")[0] in _packages(record)


def _packages(record: PluginRecord) -> set[str]:
    """Return the packages of a plugin's targets; those of avplug are nobody's."""
    modules = {spec.target.partition(":")[0] for spec in record.components}
    return {module.partition(".")[0] for module in modules} - {BUILTIN}
