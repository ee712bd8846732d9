"""Coding of pictures: frames in, the same number of decoded frames out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

#: Seconds between key frames, as streams have them.
KEY_INTERVAL = 2
#: What becomes of a packet on its way to the decoder: bytes, or None if all is lost.
#: Called with the frame's index.
Carry = Callable[[int, bytes], bytes | None]


@dataclass(frozen=True, slots=True)
class PictureCodec:
    """An encoder, its decoder, and what makes both deterministic.

    Args:
        encoder: FFmpeg's name.
        decoder: FFmpeg's name.
        options: Of the encoder. One thread: several may code otherwise each time.
        decoding: Of the decoder.
        multiple: Width and height must be a multiple of it.
        least: Least width and height.
    """

    encoder: str
    decoder: str
    options: Mapping[str, str] = field(default_factory=dict)
    decoding: Mapping[str, str] = field(default_factory=dict)
    multiple: int = 2
    least: int = 16


@dataclass(frozen=True, slots=True, eq=False)
class Coded:
    """Decoded frames, uint8 [T, H, W, 3], and the size of what was sent, in bytes."""

    frames: NDArray[np.uint8]
    size: int


def frame_rate(times: NDArray[np.float64]) -> int:
    """Return the whole frames per second, 1 to 120, that ``times`` [T] are closest to.

    A single frame counts as one of 25 a second.
    """
    if len(times) < 2 or times[-1] <= times[0]:
        return 25
    rate = (len(times) - 1) / float(times[-1] - times[0])
    return min(120, max(1, round(rate)))


def code(
    frames: NDArray[np.uint8],
    rate: int,
    codec: PictureCodec,
    options: Mapping[str, str],
    *,
    carry: Carry | None = None,
) -> Coded:
    """Encode frames in 4:2:0 and decode what arrives.

    Frames are padded by their edge to a size that the codec takes, and cropped
    afterwards. Where a frame does not arrive, the one before it is shown on.

    Args:
        frames: uint8 [T, H, W, 3], T >= 1.
        rate: Frames per second.
        codec: Encoder and decoder.
        options: Of the encoder, besides the codec's own.
        carry: The way from encoder to decoder; without loss by default. The first
            frame must arrive.
    """
    height, width = frames.shape[1:3]
    encoder = _encoder(codec, height, width, rate, {**codec.options, **options})
    decoder: Any = av.CodecContext.create(codec.decoder, "r")
    decoder.thread_count = 1
    decoder.options = dict(codec.decoding)
    decoded = np.empty_like(frames)
    arrived = np.zeros(len(frames), bool)
    size = 0

    def show(pictures: Any) -> None:
        for picture in pictures:
            array = picture.to_ndarray(format="rgb24")
            decoded[picture.pts] = array[:height, :width]
            arrived[picture.pts] = True

    for packet in _packets(encoder, frames, rate):
        size += packet.size
        sent = packet if carry is None else _carried(packet, carry)
        if sent is not None:
            show(decoder.decode(sent))
    show(decoder.decode(None))
    latest = np.maximum.accumulate(np.where(arrived, np.arange(len(frames)), 0))
    return Coded(decoded[latest], size)


def _encoder(
    codec: PictureCodec, height: int, width: int, rate: int, options: Mapping[str, str]
) -> Any:
    encoder: Any = av.CodecContext.create(codec.encoder, "w")
    encoder.height = _padded(height, codec)
    encoder.width = _padded(width, codec)
    encoder.pix_fmt = "yuv420p"
    encoder.framerate = Fraction(rate)
    encoder.time_base = Fraction(1, rate)
    encoder.gop_size = KEY_INTERVAL * rate
    encoder.thread_count = 1
    encoder.options = dict(options)
    return encoder


def _padded(side: int, codec: PictureCodec) -> int:
    return max(codec.least, -(-side // codec.multiple) * codec.multiple)


def _packets(encoder: Any, frames: NDArray[np.uint8], rate: int) -> Iterator[Any]:
    down = encoder.height - frames.shape[1]
    right = encoder.width - frames.shape[2]
    for index, frame in enumerate(frames):
        padded = np.pad(frame, ((0, down), (0, right), (0, 0)), mode="edge")
        picture = av.VideoFrame.from_ndarray(padded, format="rgb24")
        picture = picture.reformat(format="yuv420p")
        picture.pts, picture.time_base = index, Fraction(1, rate)
        yield from encoder.encode(picture)
    yield from encoder.encode(None)


def _carried(packet: Any, carry: Carry) -> Any:
    left = carry(packet.pts, bytes(packet))
    if left is None:
        return None
    # A packet made of bytes is read beyond their end, where a decoder wants zeros.
    sent = av.Packet(len(left))
    sent.update(left)
    sent.pts, sent.dts, sent.time_base = packet.pts, packet.dts, packet.time_base
    return sent
