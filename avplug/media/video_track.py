"""The picture of a container: the wanted frames by presentation time, in RGB."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avplug.core.clip import InputSpec
from avplug.core.errors import MediaError
from avplug.media.container import (
    damaged,
    open_media,
    packets_of,
    picture_stream,
    presented_start,
    seek_before,
)
from avplug.media.picking import pick_frames
from avplug.media.pictures import fit
from avplug.media.scan import Window, scan


@dataclass(frozen=True, slots=True)
class Picture:
    """Decoded frames: uint8 [T, H, W, 3], their times [T], and the track's length."""

    frames: NDArray[np.uint8]
    times: NDArray[np.float64]
    length: float


@dataclass(frozen=True, slots=True)
class _Timeline:
    """The presented time stamps of a part, sorted, and how to turn them into times."""

    stamps: list[int]
    last_duration: int
    unit: Fraction
    origin: Fraction
    rate: Fraction | None

    def times(self) -> NDArray[np.float64]:
        return np.array([float(s * self.unit - self.origin) for s in self.stamps])

    def end(self) -> float:
        last = self.stamps[-1] * self.unit - self.origin
        if self.last_duration > 0:
            return float(last + self.last_duration * self.unit)
        if len(self.stamps) > 1:
            span = (self.stamps[-1] - self.stamps[0]) * self.unit
            return float(last + span / (len(self.stamps) - 1))
        return float(last + (1 / self.rate if self.rate else 0))


def read_picture(path: Path, spec: InputSpec, window: Window) -> Picture:
    """Return the frames that ``spec`` asks for out of a part of a file.

    The time stamps are read first, without decoding. Then the file is decoded forward
    up to the last wanted frame, and only those wanted are converted, with the matrix
    that the file is tagged with, and turned upright.

    Raises:
        MediaError: There is no picture in the part, or the file is damaged.
    """
    shown = scan(path, window)
    if shown is not None:
        picture = _decode(path, spec, window, _timeline(path, shown, window))
        if picture is not None:
            return picture
    # Packets may carry no times, or lack the key frame that would make them frames:
    # then only decoding tells what is shown.
    shown = _shown_by_decoding(path, window)
    picture = _decode(path, spec, window, _timeline(path, shown, window))
    if picture is None:
        raise damaged(path, "a frame that was there is gone on the second pass")
    return picture


def _shown_by_decoding(path: Path, window: Window) -> dict[int, int]:
    with open_media(path) as container:
        frames = _presented(path, container, window)
        return {frame.pts: frame.duration or 0 for frame in frames}


def _timeline(path: Path, shown: dict[int, int], window: Window) -> _Timeline:
    if not shown:
        until = "" if window.end is None else f" to {window.end:g} s"
        raise MediaError(f"'{path}' shows no frames from {window.start:g} s{until}.")
    stamps = sorted(shown)
    with open_media(path) as container:
        stream = picture_stream(container)
        begin = presented_start(container) + Fraction(window.start)
        unit, rate = stream.time_base, stream.average_rate
    return _Timeline(stamps, shown[stamps[-1]], unit, begin, rate)


def _presented(path: Path, container: Any, window: Window) -> Iterator[Any]:
    """Yield the frames of the part in the order in which they are shown."""
    stream = picture_stream(container)
    origin = presented_start(container)
    stream.thread_count = 1
    seek_before(container, float(origin) + window.start)
    for packet in packets_of(path, container, stream):
        for frame in packet.decode():
            if frame.pts is None:
                raise MediaError(
                    f"'{path}' says of no frame when to show it.",
                    "Put it into a container such as .mp4 or .mkv.",
                )
            time = frame.pts * stream.time_base - origin
            if window.end is not None and time >= window.end:
                return
            if not window.holds(time):
                continue
            if frame.is_corrupt:
                raise damaged(path, f"the frame at {float(time):.3f} s is corrupt")
            yield frame


def _decode(
    path: Path, spec: InputSpec, window: Window, timeline: _Timeline
) -> Picture | None:
    """Return the picked frames; None if the file shows others than the timeline."""
    times = timeline.times()
    end = timeline.end()
    picks = pick_frames(times, end, spec, rate=timeline.rate, tick=float(timeline.unit))
    slots: dict[int, list[int]] = {}
    for slot, index in enumerate(picks):
        slots.setdefault(timeline.stamps[index], []).append(slot)
    frames: NDArray[np.uint8] | None = None
    last = None
    with open_media(path) as container:
        for frame in _presented(path, container, window):
            if last is None and frame.pts != timeline.stamps[0]:
                return None
            last = frame.pts
            if last not in slots:
                continue
            image = fit(_upright_rgb(frame), spec.size)
            if frames is None:
                frames = np.empty((len(picks), *image.shape), np.uint8)
            if frames.shape[1:] != image.shape:
                raise MediaError(f"'{path}' changes its picture size half-way.")
            frames[slots.pop(last)] = image
            if not slots:
                return Picture(frames, times[picks], end)
    if last is None or last < max(slots):
        seen = 0.0 if last is None else float(last * timeline.unit)
        raise damaged(path, f"no frame can be decoded after {seen:.3f} s")
    return None


def _upright_rgb(frame: Any) -> NDArray[np.uint8]:
    array: NDArray[np.uint8] = frame.to_ndarray(format="rgb24")
    turns = round(frame.rotation / 90) % 4
    return np.ascontiguousarray(np.rot90(array, turns)) if turns else array
