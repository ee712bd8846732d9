"""Opening of containers through PyAV, with one clear sentence for each failure."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from types import ModuleType
from typing import Any

from avplug.core.errors import MediaError, MissingExtraError

#: A seek is worth its cost only this far into a file; it lands this much earlier.
SEEK_FROM = 60.0
SEEK_MARGIN = 5.0


def import_av(purpose: str) -> ModuleType:
    """Return PyAV.

    Raises:
        MissingExtraError: It is not installed; ``purpose`` says what needs it.
    """
    try:
        import av
    except ImportError as error:
        raise MissingExtraError(
            f"{purpose} needs PyAV.",
            'Install it with: pip install "avplug[video]"',
        ) from error
    return av


@contextmanager
def open_media(path: Path) -> Iterator[Any]:
    """Open a container for reading; errors inside the block name the file too.

    Raises:
        MissingExtraError: PyAV is not installed.
        MediaError: The file is missing, empty, not a media file, or damaged.
    """
    av = import_av(f"Reading '{path.name}'")
    if not path.is_file():
        what = "is a folder, not a media file" if path.is_dir() else "does not exist"
        raise MediaError(f"'{path}' {what}.")
    if path.stat().st_size == 0:
        raise MediaError(f"'{path}' is empty (0 bytes).")
    try:
        container = av.open(str(path))
    except av.error.FFmpegError as error:
        raise MediaError(_why_not_opened(path, error)) from error
    with container:
        try:
            yield container
        except av.error.FFmpegError as error:
            raise damaged(path, error.strerror or str(error)) from error


def damaged(path: Path, detail: str) -> MediaError:
    """Return the error for a file whose content breaks off or cannot be decoded."""
    return MediaError(f"'{path}' is truncated or damaged: {detail.rstrip('.')}.")


def picture_stream(container: Any) -> Any:
    """Return the first video stream that is not a cover picture, or None."""
    from av.stream import Disposition

    for stream in container.streams.video:
        if not stream.disposition & Disposition.attached_pic:
            return stream
    return None


def sound_stream(container: Any) -> Any:
    """Return the first audio stream, or None."""
    return next(iter(container.streams.audio), None)


def presented_start(container: Any) -> Fraction:
    """Return the time stamp, in seconds, that a player shows as time 0.

    Transport streams begin anywhere; what lies before 0 is decoded to be hidden.
    """
    streams = (picture_stream(container), sound_stream(container))
    starts = [
        stream.start_time * stream.time_base
        for stream in streams
        if stream is not None and stream.start_time is not None
    ]
    return max(Fraction(0), min(starts, default=Fraction(0)))


def seek_before(container: Any, moment: float) -> None:
    """Go near to ``moment`` seconds on the container's clock, if far enough in."""
    if moment > SEEK_FROM:
        container.seek(int((moment - SEEK_MARGIN) * 1_000_000), backward=True)


def packets_of(path: Path, container: Any, *streams: Any) -> Iterator[Any]:
    """Yield the packets of some streams, of all by default, then one to flush each.

    Raises:
        MediaError: Damage looks like a stream that no header announced.
    """
    packets = container.demux(*streams)
    while True:
        try:
            packet = next(packets)
        except StopIteration:
            return
        except IndexError as error:
            raise damaged(path, "a stream begins that no header announced") from error
        yield packet


def _why_not_opened(path: Path, error: Exception) -> str:
    with path.open("rb") as file:
        head = file.read(12)
    if head[4:8] == b"ftyp":
        return (
            f"'{path}' is truncated or damaged: it begins as MP4, but its index (moov) "
            "is missing."
        )
    reason = getattr(error, "strerror", "") or str(error)
    return f"'{path}' is not a media file that FFmpeg can open: {reason}."
