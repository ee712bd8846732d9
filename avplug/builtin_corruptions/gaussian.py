"""Gaussian noise: a hot sensor and a noisy microphone amplifier."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import cv2
import numpy as np
from numpy.typing import NDArray

from avplug.builtin_corruptions.pixels import Pixels, spoil_frames
from avplug.builtin_corruptions.sound import white_noise
from avplug.core.clip import ClipInfo
from avplug.core.corruption import Corruption
from avplug.core.randomness import KeyedRandom
from avplug.signal.mixing import mix_at_snr
from avplug.signal.quantiles import normal_levels

SIGMA = (0.08, 0.12, 0.18, 0.26, 0.38)
SNR_DB = {
    "paper": (40.0, 30.0, 20.0, 10.0, 0.0),
    # The public code takes the severity number for the SNR: 1 is the worst.
    "released": (1.0, 2.0, 3.0, 4.0, 5.0),
}


@dataclass(frozen=True, slots=True)
class GaussianScene:
    """Standard deviation of the pixel noise (pixels in 0..1), and the audio's SNR."""

    sigma: float
    snr_db: float


class Gaussian(Corruption):
    """Independent normal noise on every channel value and every sample.

    Picture: ``x + sigma n``, rounded and clipped. Sound: white noise at an SNR, not
    clipped. In profile ``released`` the sound gets *better* with severity, as in the
    public code. Source: AVRobustBench (arXiv:2506.00358).
    """

    def scene(self, info: ClipInfo, severity: int, rng: KeyedRandom) -> GaussianScene:
        """Return the parameters of a severity from 1 to 5."""
        level = severity - 1
        return GaussianScene(SIGMA[level], SNR_DB[self.profile][level])

    def video(
        self,
        frames: Pixels,
        times: NDArray[np.float64],
        scene: GaussianScene,
        rng: KeyedRandom,
    ) -> Pixels:
        """Return noisy frames, uint8 [T, H, W, 3]."""
        # Levels ascend and are antisymmetric: those from 128 on are positive.
        sizes = np.abs(np.rint(255 * scene.sigma * normal_levels()))
        sizes = sizes.clip(0, 255).astype(np.uint8)
        part = np.empty((1, prod(frames.shape[1:])), np.uint8)

        def add(values: Pixels, moment: KeyedRandom, out: Pixels) -> None:
            bits = moment.bytes(values.size).reshape(1, -1)
            size = cv2.LUT(bits, sizes)
            cv2.threshold(bits, 127, 255, cv2.THRESH_BINARY, dst=part)
            cv2.bitwise_and(size, part, dst=part)
            cv2.add(values, part, dst=out)
            cv2.subtract(size, part, dst=part)
            cv2.subtract(out, part, dst=out)

        return spoil_frames(frames, times, rng, add)

    def audio(
        self,
        samples: NDArray[np.float32],
        sample_rate: int,
        scene: GaussianScene,
        rng: KeyedRandom,
    ) -> NDArray[np.float32]:
        """Return noisy sound, float32 [C, N]; it may leave -1..1."""
        return mix_at_snr(samples, white_noise(rng, samples.shape), scene.snr_db)
