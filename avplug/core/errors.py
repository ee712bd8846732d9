"""Errors that a user can act on: what was wrong, where, and what to do about it."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Iterable


class AvplugError(Exception):
    """An expected failure; shown as one message, without a traceback.

    Args:
        message: What was wrong, with the value and the place.
        hint: What to do about it; shown after the message.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".rstrip()


class UsageError(AvplugError):
    """The command, the configuration or a file given by the user is wrong."""

    exit_code = 2


class UnknownNameError(UsageError):
    """No component, option or class has this name."""


class AmbiguousNameError(UsageError):
    """Several plugins provide this name; the qualified name decides."""


class MediaError(UsageError):
    """A media file cannot be read or written as asked."""


class MissingTrackError(MediaError):
    """A media file lacks the picture (``track`` "v") or the sound ("a")."""

    def __init__(self, message: str, hint: str = "", track: str = "") -> None:
        super().__init__(message, hint)
        self.track = track


class DatasetError(UsageError):
    """A data set is missing, empty, or its lists contradict each other."""


class WeightsError(UsageError):
    """A checkpoint is missing, damaged, unsafe or of another model."""


class MissingExtraError(UsageError):
    """A feature needs a distribution that is not installed."""


class CapabilityError(AvplugError):
    """A component lacks what another one needs, such as a joint attention."""


class PluginError(AvplugError):
    """A plugin broke its contract, or cannot be loaded."""

    exit_code = 4


class WorkerLostError(AvplugError):
    """A process that evaluated cells died, and so did those that took its place."""


class WorkerSetupError(AvplugError):
    """A process that shall evaluate cells cannot plan the run as its caller did."""


class StorageError(AvplugError):
    """Results cannot be written: the disk is full, read-only, or gone."""


class StoppedError(AvplugError):
    """A clip or a cell failed where the user wants to stop at the first."""


class InterruptedWorkError(AvplugError):
    """The user stopped work that the same command takes up again."""

    exit_code = 130


def closest(name: str, choices: Iterable[str]) -> str:
    """Return ``" Did you mean 'x'?"`` for the closest choice, else ``""``."""
    match = difflib.get_close_matches(name, list(choices), n=1, cutoff=0.5)
    return f" Did you mean '{match[0]}'?" if match else ""
