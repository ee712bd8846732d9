"""What a container's packets promise, without decoding: frame times, and wholeness."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from avplug.media.container import (
    damaged,
    open_media,
    packets_of,
    picture_stream,
    presented_start,
    seek_before,
)

#: Packets lie in decoding order: how far a frame may be shown before its neighbours.
_REORDER_SECONDS = 2.0
#: How much shorter than stated a file may be by rounding and encoder delay.
_SLACK_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class Window:
    """A part of a file, in seconds of its presentation."""

    start: float = 0.0
    end: float | None = None

    def holds(self, time: Fraction) -> bool:
        """Tell whether a frame shown from ``time`` on belongs to the part."""
        begun = time >= self.start and time >= 0
        return begun and (self.end is None or time < self.end)


def scan(path: Path, window: Window) -> dict[int, int] | None:
    """Return the time stamp and length, in ticks, of each frame shown in a part.

    None if the packets do not tell, or there is no picture. What an edit list hides
    is left out.

    Raises:
        MediaError: The file ends before its header says.
    """
    with open_media(path) as container:
        picture = picture_stream(container)
        origin = presented_start(container)
        seek_before(container, float(origin) + window.start)
        counts = [0] * len(container.streams)
        shown: dict[int, int] = {}
        untimed, latest = picture is None, Fraction(0)
        for packet in packets_of(path, container):
            counts[packet.stream.index] += _units(packet)
            if packet.pts is None:
                untimed = untimed or packet.stream is picture
                continue
            time = packet.pts * packet.time_base - origin
            latest = max(latest, time + (packet.duration or 0) * packet.time_base)
            if window.end is not None and time > window.end + _REORDER_SECONDS:
                break
            mine = packet.stream is picture and not packet.is_discard
            if mine and window.holds(time):
                shown[packet.pts] = packet.duration or 0
        else:
            if window.start == 0:
                _check_counts(path, container, counts)
            _check_end(path, container, float(latest + origin))
        return None if untimed else shown


def _units(packet: Any) -> int:
    """Return what an MP4's index counts of a packet: itself, or its samples if PCM."""
    if packet.size == 0:
        return 0
    is_pcm = packet.stream.name.startswith("pcm")
    return (packet.duration or 0) if is_pcm else 1


def _check_counts(path: Path, container: Any, counts: list[int]) -> None:
    """Compare with the index of an MP4: what it stores, hidden or not."""
    if "mp4" not in container.format.name:
        return
    for stream in (*container.streams.video, *container.streams.audio):
        count = counts[stream.index]
        if count < stream.frames:
            unit = "samples" if stream.name.startswith("pcm") else "packets"
            raise damaged(
                path,
                f"its {stream.type} track ends after {count} of {stream.frames} {unit}",
            )


def _check_end(path: Path, container: Any, end: float) -> None:
    """Compare with the header of a Matroska file, which states a length."""
    if "matroska" not in container.format.name or container.duration is None:
        return
    stated = container.duration / 1_000_000
    if end < stated - _SLACK_SECONDS:
        raise damaged(path, f"it ends after {end:.2f} of {stated:.2f} s")
