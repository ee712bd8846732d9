"""Reading of clips from any container: what a model wants to see and hear of a file."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from avplug.core.clip import Clip, InputSpec
from avplug.core.errors import MediaError, MissingTrackError, UsageError
from avplug.media.audio_track import read_audio
from avplug.media.container import open_media, picture_stream, sound_stream
from avplug.media.scan import Window, scan
from avplug.media.video_track import read_picture

Tracks = Literal["av", "a", "v"]


def read_clip(
    path: str | Path,
    spec: InputSpec,
    clip_id: str,
    *,
    start: float = 0.0,
    end: float | None = None,
    need: Tracks = "av",
) -> Clip:
    """Return a media file, or a part of it, sampled as ``spec`` says.

    Frames are those that a player shows: edit lists and rotation are honoured, header
    counts are not believed. The whole sound of the part is returned, whatever
    ``spec.seconds``: the batch cuts it, after the corruption.

    Args:
        path: The file.
        spec: Which frames, of what size; which channels, at what rate.
        clip_id: Name of the clip, unique in its data set.
        start: Where the clip begins in the file, in seconds; its time 0.
        end: Where it ends; None for the end of the file.
        need: The tracks to read, ``"av"``, ``"a"`` or ``"v"``; both must exist for
            ``"av"``. What is not needed is None in the clip.

    Raises:
        MediaError: The file is missing, not a media file, truncated or damaged, or
            lacks a needed track.
        MissingExtraError: PyAV is not installed.
        UsageError: ``end`` is not after ``start``, or ``start`` is negative.
    """
    path = Path(path)
    if start < 0 or (end is not None and end <= start):
        raise UsageError(f"'{path}' has no part from {start:g} s to {end} s.")
    require_tracks(path, need)
    window = Window(start, end)
    frames = times = audio = None
    rate, duration = 0, 0.0
    if "v" not in need:
        scan(path, window)
    else:
        picture = read_picture(path, spec, window)
        frames, times, duration = picture.frames, picture.times, picture.length
    if "a" in need:
        audio, rate, length = read_audio(path, spec, window)
        duration = max(duration, length)
    return Clip(clip_id, frames, times, audio, rate, duration)


def tracks_of(path: str | Path) -> Tracks | Literal[""]:
    """Return which tracks a file has: ``"av"``, ``"a"``, ``"v"`` or ``""``.

    Raises:
        MediaError: The file is missing or not a media file.
    """
    with open_media(Path(path)) as container:
        sound = sound_stream(container) is not None
        picture = picture_stream(container) is not None
    if sound and picture:
        return "av"
    return "a" if sound else "v" if picture else ""


def require_tracks(
    path: str | Path, need: Tracks | Literal[""] = "", hint: str = ""
) -> Tracks:
    """Return :func:`tracks_of` a file that has the needed ones.

    Args:
        path: The file.
        need: ``"av"``, ``"a"`` or ``"v"``; ``""`` for any.
        hint: What to do without the missing one; shown after the message.

    Raises:
        MissingTrackError: One is missing.
        MediaError: The file is missing or not a media file.
    """
    tracks = tracks_of(path)
    if not tracks:
        raise MediaError(f"'{path}' has neither a picture nor a sound track.")
    for track, name in (("a", "audio"), ("v", "video")):
        if track in need and track not in tracks:
            other = {"a": "sound", "v": "a picture"}[tracks]
            raise MissingTrackError(
                f"'{path}' has no {name} track.",
                hint or f"It holds only {other}.",
                track,
            )
    return tracks
