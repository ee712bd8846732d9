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
_SLACK_SECONDS = Fraction(1, 2)


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

    None if the packets do not tell, or if there is no picture. What an edit list hides
    is left out.

    Raises:
        MediaError: The file ends before its header says.
    """
    with open_media(path) as container:
        picture = picture_stream(container)
        origin = presented_start(container)
        seek_before(container, float(origin) + window.start)
        ends = dict.fromkeys(range(len(container.streams)), Fraction(0))
        shown: dict[int, int] = {}
        untimed = picture is None
        for packet in packets_of(path, container):
            if packet.is_corrupt:
                raise damaged(path, "a packet is not all there")
            if packet.pts is None:
                untimed = untimed or (packet.size > 0 and packet.stream is picture)
                continue
            time = packet.pts * packet.time_base
            length = (packet.duration or 0) * packet.time_base
            ends[packet.stream.index] = max(ends[packet.stream.index], time + length)
            if _is_past(time - origin, window):
                break
            mine = packet.stream is picture and not packet.is_discard
            if mine and window.holds(time - origin):
                shown[packet.pts] = packet.duration or 0
        else:
            _check_ends(path, container, ends)
        return None if untimed else shown


def _is_past(time: Fraction, window: Window) -> bool:
    return window.end is not None and time > window.end + _REORDER_SECONDS


def _check_ends(path: Path, container: Any, ends: dict[int, Fraction]) -> None:
    """Compare with the lengths that MP4 states of each track, and Matroska of all.

    Stated *counts* are no use: an edit list takes packets out, but not of the count.
    """
    if "mp4" in container.format.name:
        for stream in (*container.streams.video, *container.streams.audio):
            if stream.duration is not None:
                stated = (stream.start_time or 0) + stream.duration
                _check_end(
                    path,
                    f"its {stream.type} track",
                    ends[stream.index],
                    stated * stream.time_base,
                )
    elif "matroska" in container.format.name and container.duration is not None:
        stated = Fraction(container.duration, 1_000_000)
        _check_end(path, "it", max(ends.values()), stated)


def _check_end(path: Path, what: str, end: Fraction, stated: Fraction) -> None:
    if end < stated - _SLACK_SECONDS:
        raise damaged(
            path, f"{what} ends after {float(end):.2f} of {float(stated):.2f} s"
        )
