"""Collapse of bandwidth: at some moment the link carries far fewer bits."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from avplug import ClipInfo, Corruption, KeyedRandom
from avplug_codec import ffmpeg, picture, sound
from avplug_codec.codecs import AAC, X264

#: What is left of the picture's bit rate.
SHARES = (1 / 2, 1 / 3, 1 / 5, 1 / 8, 1 / 12)
#: Bits of a frame are ``BITS * pixels ** POWER``: a picture of fewer pixels needs more
#: for each of them, as ladders of streaming services have it. This is .1 bit a pixel
#: at 540 x 360.
BITS, POWER = 2.1, 0.75
#: Bits per second and channel of sound, and its highest sample rate: before, and after.
SOUND_BEFORE = (64_000, 48_000)
SOUND_AFTER = (
    (48_000, 48_000),
    (32_000, 32_000),
    (20_000, 22_050),
    (12_000, 12_000),
    (8_000, 8_000),
)


@dataclass(frozen=True)
class Collapse:
    """When it happens, in seconds, and how far it goes, from 0 to 4."""

    moment: float
    depth: int


class Bandwidth(Corruption):
    """An adaptive stream whose link loses most of its bandwidth and does not recover.

    The moment lies between 20 and 50 % of the clip, the same for both senses and at
    all severities. From then on the picture comes from a smaller rendition, scaled up
    for display, and the sound from one of fewer bits; what came before is coded as on
    a good link. H.264 keeps to its bit rate over each second (VBV).

    Raises:
        UsageError: The linked FFmpeg lacks an encoder.
    """

    profiles = ("paper",)
    whole_clip = True

    def __init__(self, profile: str = "paper") -> None:
        super().__init__(profile)
        ffmpeg.require((X264.encoder, AAC.encoder), "Corruption 'bandwidth'")

    def facts(self) -> dict[str, Any]:
        """Return which FFmpeg codes."""
        return ffmpeg.build()

    def scene(self, info: ClipInfo, severity: int, rng: KeyedRandom) -> Collapse:
        """Draw the moment."""
        share = 0.2 + 0.3 * int(rng.stream("moment").uint16(1)[0]) / 65536
        return Collapse(share * info.duration, severity - 1)

    def video(
        self,
        frames: NDArray[np.uint8],
        times: NDArray[np.float64],
        scene: Collapse,
        rng: KeyedRandom,
    ) -> NDArray[np.uint8]:
        """Code what is before the moment at full size, the rest at a smaller one."""
        rate = picture.frame_rate(times)
        first = int(np.searchsorted(times, scene.moment))
        parts = []
        if first:
            parts.append(_stream(frames[:first], rate).frames)
        if first < len(frames):
            small = _scaled(frames[first:], *_rendition(frames, scene))
            sent = _stream(small, rate).frames
            parts.append(_scaled(sent, *frames.shape[1:3]))
        return np.concatenate(parts)

    def audio(
        self,
        samples: NDArray[np.float32],
        sample_rate: int,
        scene: Collapse,
        rng: KeyedRandom,
    ) -> NDArray[np.float32]:
        """Code all of it at both rates, and change over at the moment."""
        good, poor = (
            sound.code(samples, sample_rate, AAC, bit_rate=bits, highest=highest)
            for bits, highest in (SOUND_BEFORE, SOUND_AFTER[scene.depth])
        )
        first = round(scene.moment * sample_rate)
        return np.concatenate([good[:, :first], poor[:, first:]], 1)


def _rendition(frames: NDArray[np.uint8], scene: Collapse) -> tuple[int, int]:
    """Return height and width that the remaining bit rate is meant for."""
    height, width = frames.shape[1:3]
    side = SHARES[scene.depth] ** (0.5 / POWER)
    return max(1, round(height * side)), max(1, round(width * side))


def bit_rate(height: float, width: float, rate: int) -> float:
    """Return the bits per second of a picture at ``rate`` frames per second."""
    return rate * BITS * math.pow(height * width, POWER)


def _stream(frames: NDArray[np.uint8], rate: int) -> picture.Coded:
    # x264 counts in kilobits; nothing would mean no limit.
    height, width = frames.shape[1:3]
    bits = max(1000, round(bit_rate(height, width, rate)))
    limits = {"maxrate": str(bits), "bufsize": str(bits)}
    return picture.code(frames, rate, X264, limits, bit_rate=bits)


def _scaled(frames: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """Return frames [T, height, width, 3], resized by FFmpeg's bicubic filter."""
    scaled = np.empty((len(frames), height, width, 3), np.uint8)
    for source, target in zip(frames, scaled, strict=True):
        shown = av.VideoFrame.from_ndarray(source, format="rgb24")
        resized = shown.reformat(width=width, height=height, format="rgb24")
        target[...] = resized.to_ndarray()
    return scaled
