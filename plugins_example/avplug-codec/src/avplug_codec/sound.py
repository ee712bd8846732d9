"""Coding of sound: samples in, as many decoded samples in the same place out."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray
from scipy.signal import resample_poly


@dataclass(frozen=True, slots=True)
class SoundCodec:
    """An encoder and its decoder.

    Args:
        encoder: FFmpeg's name.
        decoder: FFmpeg's name.
        format: Of the samples that the encoder takes.
        rates: Sample rates that it takes, in Hz, ascending.
        delay: Samples by which the decoder's answer is late, at the coding rate. What
            a decoder cuts off by itself does not count.
        stereo: Whether it codes two channels together.
    """

    encoder: str
    decoder: str
    format: str
    rates: tuple[int, ...]
    delay: int = 0
    stereo: bool = False


def code(
    samples: NDArray[np.float32],
    rate: int,
    codec: SoundCodec,
    *,
    bit_rate: int = 0,
    highest: int = 1 << 20,
) -> NDArray[np.float32]:
    """Encode sound and decode it.

    Pairs of channels are coded together where the codec can, all others one by one.

    Args:
        samples: float32 [C, N], N >= 1; beyond -1..1 it is clipped.
        rate: Hz; resampled to the next one that the codec takes.
        codec: Encoder and decoder.
        bit_rate: Bits per second and channel; 0 where the codec has one only.
        highest: Highest sample rate to code at, in Hz.

    Returns:
        float32 [C, N] at the rate given.
    """
    choices = [r for r in codec.rates if r <= highest]
    coding = next((r for r in choices if r >= rate), choices[-1])
    source = _resampled(samples.clip(-1, 1), rate, coding).clip(-1, 1)
    together = 2 if codec.stereo and len(samples) == 2 else 1
    parts = [
        _coded(source[first : first + together], coding, codec, bit_rate * together)
        for first in range(0, len(samples), together)
    ]
    decoded = _resampled(np.concatenate(parts), coding, rate)
    return _of_length(decoded, samples.shape[1])


def _coded(
    samples: NDArray[np.float32], rate: int, codec: SoundCodec, bit_rate: int
) -> NDArray[np.float32]:
    layout = "stereo" if len(samples) == 2 else "mono"
    encoder: Any = av.CodecContext.create(codec.encoder, "w")
    encoder.sample_rate, encoder.layout, encoder.format = rate, layout, codec.format
    encoder.time_base = Fraction(1, rate)
    encoder.thread_count = 1
    if bit_rate:
        encoder.bit_rate = bit_rate
    encoder.open()
    packets = _packets(encoder, samples, rate, codec)
    first = next(packets)
    decoder: Any = av.CodecContext.create(codec.decoder, "r")
    decoder.sample_rate, decoder.layout = rate, layout
    decoder.thread_count = 1
    if encoder.extradata:
        decoder.extradata = encoder.extradata
    frames = list(decoder.decode(first))
    for packet in packets:
        frames += decoder.decode(packet)
    frames += decoder.decode(None)
    decoded = np.concatenate([_floats(frame) for frame in frames], 1)
    decoded = _resampled(decoded, frames[0].sample_rate, rate)
    return _of_length(decoded[:, codec.delay :], samples.shape[1])


def _packets(
    encoder: Any, samples: NDArray[np.float32], rate: int, codec: SoundCodec
) -> Iterator[Any]:
    # Codecs of single samples have no frames of their own: 20 ms, as calls have.
    step = encoder.frame_size or rate // 50
    count = samples.shape[1] + codec.delay
    whole = np.pad(samples, ((0, 0), (0, -count % step + codec.delay)))
    for first in range(0, whole.shape[1], step):
        yield from encoder.encode(_frame(whole[:, first : first + step], rate, codec))
    yield from encoder.encode(None)


def _frame(samples: NDArray[np.float32], rate: int, codec: SoundCodec) -> Any:
    values: NDArray[Any] = samples
    if codec.format.startswith("s16"):
        values = np.rint(samples * 32767).astype(np.int16)
    if not codec.format.endswith("p"):
        values = values.T.reshape(1, -1)
    layout = "stereo" if len(samples) == 2 else "mono"
    frame = av.AudioFrame.from_ndarray(
        np.ascontiguousarray(values), format=codec.format, layout=layout
    )
    frame.sample_rate, frame.time_base = rate, Fraction(1, rate)
    return frame


def _floats(frame: Any) -> NDArray[np.float32]:
    """Return a decoded frame as float32 [C, n]."""
    values: NDArray[Any] = frame.to_ndarray()
    if not frame.format.is_planar:
        values = values.reshape(-1, len(frame.layout.channels)).T
    if values.dtype == np.int16:
        return np.asarray(values / np.float32(32768), np.float32)
    return np.asarray(values, np.float32)


def _resampled(
    samples: NDArray[np.float32], rate: int, target: int
) -> NDArray[np.float32]:
    if rate == target:
        return samples
    common = math.gcd(rate, target)
    changed = resample_poly(samples, target // common, rate // common, axis=1)
    return np.asarray(changed, np.float32)


def _of_length(samples: NDArray[np.float32], count: int) -> NDArray[np.float32]:
    missing = max(0, count - samples.shape[1])
    return np.ascontiguousarray(np.pad(samples, ((0, 0), (0, missing)))[:, :count])
