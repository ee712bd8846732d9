"""Writing of clips: H.264 and AAC that any browser plays, or an exact copy."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from avplug.core.clip import Clip
from avplug.core.errors import MediaError
from avplug.media.container import import_av
from avplug.media.encoders import TIME_BASE, PictureTrack, SoundTrack

_FORMATS = {".mp4": "mp4", ".mov": "mov", ".mkv": "matroska"}


@dataclass(frozen=True, slots=True)
class Written:
    """What a file became: its path, and what in it differs from the clip, in words."""

    path: Path
    notes: tuple[str, ...] = ()


def write_clip(
    clip: Clip,
    path: str | Path,
    *,
    frame_rate: float | None = None,
    lossless: bool = False,
    crf: int = 18,
    comment: str = "",
) -> Written:
    """Write a clip with its real presentation times; a failure leaves nothing behind.

    The same clip gives the same bytes on the same machine.

    Args:
        clip: Frames, sound, or both.
        path: ``.mp4``, ``.mov`` or ``.mkv``; parent folders are made. In ``.mkv`` times
            are rounded to the millisecond.
        frame_rate: Frames per second instead of the clip's times.
        lossless: Decoding the file returns exactly the frames and the samples. Else it
            is for viewing: 4:2:0 removes a third of pixel noise, samples beyond -1..1
            are clipped, and an odd width or height is padded by its edge.
        crf: Quality for viewing: 18 looks like the clip, 28 is small.
        comment: Stored in the file's comment tag.

    Raises:
        MediaError: The suffix cannot hold this, the clip is empty, or writing failed.
        MissingExtraError: PyAV is not installed.
    """
    path = Path(path)
    av = import_av(f"Writing '{path.name}'")
    check_suffix(path)
    if (clip.frames is None or not len(clip.frames)) and clip.audio is None:
        raise MediaError(f"Clip '{clip.id}' has neither frames nor sound to write.")
    part = path.with_name(f".{path.stem}.{os.getpid()}.part{path.suffix}")
    # Without it a Matroska file has a number of its own each time.
    options = {"fflags": "+bitexact"}
    if path.suffix.lower() != ".mkv":
        options["movflags"] = "+faststart"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with av.open(
            str(part),
            "w",
            format=_FORMATS[path.suffix.lower()],
            container_options=options,
        ) as container:
            if comment:
                container.metadata["comment"] = comment
            notes = _write(container, clip, frame_rate, lossless, crf)
        part.replace(path)
    except (av.error.FFmpegError, OSError) as error:
        raise MediaError(
            f"Cannot write '{path}': {error.strerror or error}."
        ) from error
    finally:
        part.unlink(missing_ok=True)
    return Written(path, notes)


def check_suffix(path: Path) -> None:
    """Refuse a file name whose suffix cannot hold a clip.

    Raises:
        MediaError: Names the suffixes that can.
    """
    if path.suffix.lower() not in _FORMATS:
        raise MediaError(
            f"Cannot write a clip as '{path.name}'.",
            f"Suffixes that can hold it: {', '.join(_FORMATS)}.",
        )


def _write(
    container: Any, clip: Clip, frame_rate: float | None, lossless: bool, crf: int
) -> tuple[str, ...]:
    picture = sound = None
    notes: tuple[str, ...] = ()
    if clip.frames is not None:
        stamps, end = _stamps(clip, frame_rate)
        picture = PictureTrack(container, clip.frames, stamps, end, lossless, crf)
        notes += picture.notes
    if clip.audio is not None:
        sound = SoundTrack(container, clip.audio, clip.sample_rate, lossless)
        notes += sound.notes
    # Packets of both tracks alternate, so that players need not read far ahead.
    for moment in picture.write() if picture else ():
        if sound:
            sound.write_until(moment)
    if sound:
        sound.finish()
    return notes


def _stamps(clip: Clip, frame_rate: float | None) -> tuple[list[int], int]:
    """Return when each frame begins and the last one ends, in units of TIME_BASE."""
    times = [] if clip.times is None else clip.times.tolist()
    if frame_rate:
        stamps = [round(i / frame_rate / TIME_BASE) for i in range(len(times) + 1)]
        return stamps[:-1], stamps[-1]
    stamps = [round(time / TIME_BASE) for time in times]
    end = max(round(clip.duration / TIME_BASE), stamps[-1] + 1)
    if len(stamps) > 1:
        # Sound may go on after the picture; its last frame is not stretched to it.
        usual = int(np.median(np.diff(stamps)))
        end = min(end, stamps[-1] + 2 * usual)
    return stamps, end
