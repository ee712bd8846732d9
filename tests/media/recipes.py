"""Media files made by recipe: every frame carries its number as a bar code."""

from __future__ import annotations

import random
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

BITS = 16
SQUARE = 8
MILLISECONDS = Fraction(1, 1000)


def picture(number: int, width: int = 128, height: int = 64) -> np.ndarray:
    """Return uint8 [H, W, 3]: 16 squares on top, white for a one, noise below."""
    frame = np.random.default_rng(number).integers(
        90, 166, (height, width, 3), dtype=np.uint8
    )
    for bit in range(BITS):
        left = bit * SQUARE
        frame[:SQUARE, left : left + SQUARE] = 255 if number >> bit & 1 else 0
    return frame


def number_of(frame: np.ndarray) -> int:
    """Return the number that a frame [H, W, 3] carries."""
    middle = SQUARE // 2
    samples = frame[middle, middle : BITS * SQUARE : SQUARE].mean(-1)
    return sum(1 << bit for bit, value in enumerate(samples) if value > 127)


def tone(seconds: float, rate: int, channels: int = 2) -> np.ndarray:
    """Return float32 [C, N]: 440 Hz in the first channel, 220 Hz more in each next."""
    time = np.arange(round(seconds * rate)) / rate
    rows = [0.5 * np.sin(2 * np.pi * 220 * (k + 2) * time) for k in range(channels)]
    return np.stack(rows).astype(np.float32)


def video(
    path: Path,
    *,
    count: int = 90,
    rate: int = 30,
    milliseconds: Sequence[int] | None = None,
    size: tuple[int, int] = (128, 64),
    sound: bool = True,
    layout: str = "stereo",
    sound_rate: int = 44_100,
    pix_fmt: str = "yuv420p",
    moov_first: bool = False,
    key_frame_each: int = 250,
) -> Path:
    """Write H.264 and AAC; ``milliseconds`` gives each frame its own time."""
    base = MILLISECONDS if milliseconds is not None else Fraction(1, rate)
    stamps = list(milliseconds) if milliseconds is not None else list(range(count))
    seconds = float(stamps[-1] * base) + 1 / rate
    options = {"movflags": "+faststart"} if moov_first else {}
    with av.open(str(path), "w", options=options) as container:
        stream = container.add_stream("libx264", rate=rate)
        stream.width, stream.height = size
        stream.pix_fmt = pix_fmt
        stream.options = {
            "crf": "20",
            "preset": "veryfast",
            "g": str(key_frame_each),
        }
        stream.codec_context.time_base = base
        track = None
        if sound:
            track = container.add_stream("aac", rate=sound_rate, layout=layout)
        for number, stamp in enumerate(stamps):
            frame = av.VideoFrame.from_ndarray(picture(number, *size), format="rgb24")
            frame.pts, frame.time_base = stamp, base
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
        if track is not None:
            samples = tone(seconds, sound_rate, track.layout.nb_channels)
            frame = av.AudioFrame.from_ndarray(
                samples.T.reshape(1, -1).copy(), format="flt", layout=layout
            )
            frame.sample_rate, frame.pts = sound_rate, 0
            container.mux(track.encode(frame))
            container.mux(track.encode())
    return path


def sound_only(path: Path) -> Path:
    """Write a container with a sound track alone."""
    with av.open(str(path), "w") as container:
        track = container.add_stream("aac", rate=44_100, layout="mono")
        frame = av.AudioFrame.from_ndarray(tone(1, 44_100, 1), "fltp", "mono")
        frame.sample_rate, frame.pts = 44_100, 0
        container.mux(track.encode(frame))
        container.mux(track.encode())
    return path


def cut_by_copy(source: Path, path: Path, first: int, rate: int = 30) -> Path:
    """Copy the picture so that it begins at frame ``first``, as stream copy does.

    The frames back to the key frame stay in the file; an edit list hides them.
    """
    with av.open(str(source)) as old, av.open(str(path), "w") as new:
        stream = old.streams.video[0]
        copy = new.add_stream_from_template(stream)
        shift = round(Fraction(first, rate) / stream.time_base)
        for packet in old.demux(stream):
            if packet.dts is None:
                continue
            packet.pts -= shift
            packet.dts -= shift
            packet.stream = copy
            new.mux(packet)
    return path


def without_key_frame(source: Path, path: Path) -> Path:
    """Copy the picture without its first key frame, as a bad cut does."""
    with av.open(str(source)) as old, av.open(str(path), "w") as new:
        copy = new.add_stream_from_template(old.streams.video[0])
        for number, packet in enumerate(old.demux(old.streams.video[0])):
            if number > 0 and packet.dts is not None:
                packet.stream = copy
                new.mux(packet)
    return path


def turned(source: Path, path: Path, degrees: int) -> Path:
    """Copy the picture with a display rotation."""
    with av.open(str(source)) as old, av.open(str(path), "w") as new:
        copy = new.add_stream_from_template(old.streams.video[0])
        copy.set_display_rotation(degrees)
        for packet in old.demux(old.streams.video[0]):
            if packet.dts is not None:
                packet.stream = copy
                new.mux(packet)
    return path


def half(source: Path, path: Path) -> Path:
    """Write the first half of the bytes."""
    content = source.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    return path


def rotten(source: Path, path: Path, count: int = 400) -> Path:
    """Change some bytes from one third on."""
    content = bytearray(source.read_bytes())
    draw = random.Random(0)
    for _ in range(count):
        content[draw.randrange(len(content) // 3, len(content))] = draw.randrange(256)
    path.write_bytes(content)
    return path


def holed(source: Path, path: Path) -> Path:
    """Zero a third of the bytes in the middle."""
    content = bytearray(source.read_bytes())
    middle, width = len(content) // 2, len(content) // 3
    content[middle : middle + width] = bytes(width)
    path.write_bytes(content)
    return path
