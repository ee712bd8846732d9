"""Wind: gusts shake the camera and blow into the microphone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from avplug.builtin_corruptions.background import (
    BackgroundCorruption,
    add_background,
)
from avplug.builtin_corruptions.frame_memory import new_frames
from avplug.builtin_corruptions.motion_blur import Scratch, doubling, motion_blur
from avplug.builtin_corruptions.pixels import Pixels
from avplug.builtin_corruptions.sway import Sway
from avplug.builtin_corruptions.timeline import Envelope, pixel_scale
from avplug.core.clip import ClipInfo
from avplug.core.randomness import KeyedRandom

BLUR_RADIUS = (10.0, 15.0, 15.0, 15.0, 20.0)
BLUR_SIGMA = (3.0, 5.0, 8.0, 12.0, 15.0)
SNR_DB = {
    "paper": (40.0, 30.0, 20.0, 10.0, 0.0),
    "released": (20.0, 15.0, 10.0, 5.0, 0.0),
}
WIDTH_DEGREES = 45.0
SWAY_DEGREES = 10.0
GUST_DEPTH = 0.2

#: A gust's strength is rounded to multiples of 1/64: no blur shows the difference, and
#: kernels are computed once.
_STRENGTH_STEPS = 64


@dataclass(frozen=True, slots=True, eq=False)
class WindScene:
    """Gusts and direction that picture and sound share; radius and sigma in pixels."""

    blur_radius: float
    blur_sigma: float
    snr_db: float
    direction: Sway
    gust: Envelope


class Wind(BackgroundCorruption):
    """Motion blur along a swaying direction, and the noise of wind.

    Picture: a one-sided half-Gaussian motion blur; direction uniform within 45 degrees
    of the horizontal, drawn for the clip, with a slow sway. Sound: wind noise at an
    SNR, not clipped. A gust of mean strength 1 lengthens the blur and raises the noise
    in the same moments. Lengths are for frames of 224 pixels and follow the short
    side. Source: AVRobustBench (arXiv:2506.00358).
    """

    def scene(self, info: ClipInfo, severity: int, rng: KeyedRandom) -> WindScene:
        """Draw direction and gusts; the rest are a severity's parameters."""
        level = severity - 1
        return WindScene(
            BLUR_RADIUS[level],
            BLUR_SIGMA[level],
            SNR_DB[self.profile][level],
            Sway.drawn(rng.stream("direction"), 0, WIDTH_DEGREES, SWAY_DEGREES),
            Envelope.drawn(rng.stream("gust"), GUST_DEPTH),
        )

    def video(
        self,
        frames: Pixels,
        times: NDArray[np.float64],
        scene: WindScene,
        rng: KeyedRandom,
    ) -> Pixels:
        """Return blurred frames, uint8 [T, H, W, 3]."""
        scale = pixel_scale(*frames.shape[1:3])
        steps = np.rint(_STRENGTH_STEPS * scene.gust.at(times))
        angles = scene.direction.at(times)
        spoilt = new_frames(frames.shape)
        scratch = Scratch()
        for frame, strength, angle, target in zip(
            frames, steps / _STRENGTH_STEPS, angles, spoilt, strict=True
        ):
            length = scale * float(strength)
            blurs = doubling(scene.blur_radius, scene.blur_sigma, length)
            motion_blur(frame, blurs, float(angle), out=target, scratch=scratch)
        return spoilt

    def audio(
        self,
        samples: NDArray[np.float32],
        sample_rate: int,
        scene: WindScene,
        rng: KeyedRandom,
    ) -> NDArray[np.float32]:
        """Return sound with wind in it, float32 [C, N]; it may leave -1..1."""
        return add_background(
            samples, sample_rate, "wind", scene.snr_db, rng, scene.gust
        )
