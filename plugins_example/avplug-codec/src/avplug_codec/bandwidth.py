"""Collapse of bandwidth: at some moment the link carries far fewer bits."""

from __future__ import annotations

from dataclasses import dataclass

import av
import numpy as np
from numpy.typing import NDArray

from avplug import ClipInfo, KeyedRandom
from avplug_codec import picture, sound
from avplug_codec.codecs import AAC, X264
from avplug_codec.ffmpeg import Transcoding

#: Sides of the picture after the collapse over those before. Services meet a lower bit
#: rate by fewer pixels of the same quality; bits fall with the pixels, less steeply.
SIDES = (0.7, 0.5, 0.35, 0.25, 0.175)
#: Quality of every rendition.
QUALITY = {"crf": "26"}
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


class Bandwidth(Transcoding):
    """An adaptive stream whose link loses most of its bandwidth and does not recover.

    The moment lies between 20 and 50 % of the clip, the same for both senses and at
    all severities. From then on the picture comes from a smaller rendition, scaled up
    for display, and the sound from one of fewer bits; what came before is coded as on
    a good link. How many bits that saves depends on the clip; the picture's severity
    is the size of the rendition.
    """

    def encoders(self) -> tuple[str, ...]:
        """Return FFmpeg's names."""
        return X264.encoder, AAC.encoder

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
        return np.concatenate([part.frames for part in self.sent(frames, times, scene)])

    def sent(
        self, frames: NDArray[np.uint8], times: NDArray[np.float64], scene: Collapse
    ) -> list[picture.Coded]:
        """Return what is seen and what it took, before the moment and after it."""
        rate = picture.frame_rate(times)
        first = int(np.searchsorted(times, scene.moment))
        parts = []
        if first:
            parts.append(picture.code(frames[:first], rate, X264, QUALITY))
        if first < len(frames):
            small = _scaled(frames[first:], *_rendition(frames, scene))
            coded = picture.code(small, rate, X264, QUALITY)
            shown = _scaled(coded.frames, *frames.shape[1:3])
            parts.append(picture.Coded(shown, coded.size))
        return parts

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
    """Return the height and width of what is sent after the collapse."""
    height, width = frames.shape[1:3]
    side = SIDES[scene.depth]
    return max(1, round(height * side)), max(1, round(width * side))


def _scaled(frames: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """Return frames [T, height, width, 3], resized by FFmpeg's bicubic filter."""
    scaled = np.empty((len(frames), height, width, 3), np.uint8)
    for source, target in zip(frames, scaled, strict=True):
        shown = av.VideoFrame.from_ndarray(source, format="rgb24")
        resized = shown.reformat(width=width, height=height, format="rgb24")
        target[...] = resized.to_ndarray()
    return scaled
