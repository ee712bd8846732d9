"""Impulse noise: dead and hot pixels, clicks of a bad connection."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from avplug.builtin_corruptions.pixels import Pixels, spoil_frames
from avplug.builtin_corruptions.sound import channel_bits, limited
from avplug.core.clip import ClipInfo
from avplug.core.corruption import Corruption
from avplug.core.randomness import KeyedRandom
from avplug.signal.mixing import mix_at_snr

AMOUNT = (0.03, 0.06, 0.09, 0.17, 0.27)
SNR_DB = (40.0, 30.0, 20.0, 10.0, 0.0)
CLICK_PROBABILITY = 0.05


@dataclass(frozen=True, slots=True)
class ImpulseScene:
    """Share of channel values replaced, share of samples with a click, audio's SNR."""

    amount: float
    click_probability: float
    snr_db: float


def _share(probability: float) -> int:
    """Return how many of 65,536 values are one half of the impulses."""
    return round(probability / 2 * 65_536)


def _mask(chosen: NDArray[np.bool_]) -> Pixels:
    """Return 255 where chosen, else 0."""
    return np.negative(chosen.view(np.uint8))


class Impulse(Corruption):
    """Salt and pepper in the picture, positive and negative clicks in the sound.

    Picture: each channel value is replaced with probability ``amount``, half by 0 and
    half by 255; what a severity replaces, the next one replaces too. Sound: clicks of
    one height, scaled to an SNR, clipped to -1..1; their density is the same at all
    severities. Both profiles are alike. Source: AVRobustBench (arXiv:2506.00358).
    """

    def scene(self, info: ClipInfo, severity: int, rng: KeyedRandom) -> ImpulseScene:
        """Return the parameters of a severity from 1 to 5."""
        level = severity - 1
        return ImpulseScene(AMOUNT[level], CLICK_PROBABILITY, SNR_DB[level])

    def video(
        self,
        frames: Pixels,
        times: NDArray[np.float64],
        scene: ImpulseScene,
        rng: KeyedRandom,
    ) -> Pixels:
        """Return frames with salt and pepper, uint8 [T, H, W, 3]."""
        share = _share(scene.amount)

        def replace(values: Pixels, moment: KeyedRandom, out: Pixels) -> None:
            bits = moment.uint16(values.size).reshape(1, -1)
            salt = _mask(bits < share)
            kept = _mask(bits < 65_536 - share)
            np.bitwise_and(values | salt, kept, out=out)

        return spoil_frames(frames, times, rng, replace)

    def audio(
        self,
        samples: NDArray[np.float32],
        sample_rate: int,
        scene: ImpulseScene,
        rng: KeyedRandom,
    ) -> NDArray[np.float32]:
        """Return sound with clicks, float32 [C, N], in -1..1."""
        share = _share(scene.click_probability)
        bits = channel_bits(rng, samples.shape)
        clicks = (bits < share).astype(np.float32)
        clicks -= bits >= 65_536 - share
        return limited(mix_at_snr(samples, clicks, scene.snr_db))
