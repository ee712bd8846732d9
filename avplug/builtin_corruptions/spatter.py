"""Spatter: water, then mud, on the lens; drops are heard."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from avplug.builtin_corruptions.background import (
    BackgroundCorruption,
    add_background,
)
from avplug.builtin_corruptions.drops import DropLaw, drawn_cover
from avplug.builtin_corruptions.frame_memory import new_frames
from avplug.builtin_corruptions.pixels import Pixels
from avplug.builtin_corruptions.textures import colour_table, fitted, texels, tinted
from avplug.core.clip import ClipInfo
from avplug.core.randomness import KeyedRandom

NOISE_MEAN = (0.65, 0.65, 0.65, 0.65, 0.67)
NOISE_STD = (0.3, 0.3, 0.3, 0.3, 0.4)
BLUR_SIGMA = (4.0, 3.0, 2.0, 1.0, 1.0)
THRESHOLD = (0.69, 0.68, 0.68, 0.65, 0.65)
STRENGTH = (0.6, 0.6, 0.5, 1.5, 1.5)
MUD = (False, False, False, True, True)
SNR_DB = {
    "paper": (40.0, 30.0, 20.0, 10.0, 0.0),
    "released": (20.0, 15.0, 10.0, 5.0, 0.0),
}
WATER_COLOUR = (175, 238, 238)
MUD_COLOUR = (63, 42, 20)


@dataclass(frozen=True, slots=True)
class SpatterScene:
    """What makes drops, as :class:`DropLaw` tells; the SNR."""

    noise_mean: float
    noise_std: float
    blur_sigma: float
    threshold: float
    strength: float
    mud: bool
    snr_db: float

    @property
    def law(self) -> DropLaw:
        """How drops are made."""
        return DropLaw(
            self.noise_mean,
            self.noise_std,
            self.blur_sigma,
            self.threshold,
            self.strength,
            self.mud,
        )


class Spatter(BackgroundCorruption):
    """Drops of water (severities 1 to 3) or mud (4 and 5) stick to the lens.

    Drops are where blurred noise exceeds a threshold, still for the whole clip. Water
    adds light that depends on how deep inside the drop a pixel lies; mud covers. From
    severity 3 to 4 the published values cover less, with darker drops: the picture
    gets worse by PSNR, not by SSIM. Sound: water drops at an SNR, not clipped.
    Source: AVRobustBench (arXiv:2506.00358).
    """

    def scene(self, info: ClipInfo, severity: int, rng: KeyedRandom) -> SpatterScene:
        """Return the parameters of a severity from 1 to 5."""
        level = severity - 1
        return SpatterScene(
            NOISE_MEAN[level],
            NOISE_STD[level],
            BLUR_SIGMA[level],
            THRESHOLD[level],
            STRENGTH[level],
            MUD[level],
            SNR_DB[self.profile][level],
        )

    def video(
        self,
        frames: Pixels,
        times: NDArray[np.float64],
        scene: SpatterScene,
        rng: KeyedRandom,
    ) -> Pixels:
        """Return frames behind drops, uint8 [T, H, W, 3]."""
        height, width = frames.shape[1:3]
        # Made at 224 and enlarged, so that all sizes of a clip show the same drops.
        cover = drawn_cover(scene.law, *texels(height, width), rng.stream("drops"))
        cover = fitted(cover, height, width)
        spattered = new_frames(frames.shape)
        layer = tinted(cover, drop_colours(scene.mud))
        if not scene.mud:
            for frame, target in zip(frames, spattered, strict=True):
                cv2.add(frame, layer, dst=target)
            return spattered
        clear = cv2.cvtColor(255 - cover, cv2.COLOR_GRAY2RGB)
        for frame, target in zip(frames, spattered, strict=True):
            cv2.multiply(frame, clear, dst=target, scale=1 / 255)
            cv2.add(target, layer, dst=target)
        return spattered

    def audio(
        self,
        samples: NDArray[np.float32],
        sample_rate: int,
        scene: SpatterScene,
        rng: KeyedRandom,
    ) -> NDArray[np.float32]:
        """Return sound with drops, float32 [C, N]; it may leave -1..1."""
        return add_background(samples, sample_rate, "water_drops", scene.snr_db, rng)


@cache
def drop_colours(mud: bool) -> NDArray[np.float32]:
    """Return what mud or water adds, by its cover; see :func:`colour_table`."""
    colour = MUD_COLOUR if mud else WATER_COLOUR
    return colour_table(np.arange(256)[:, None] * np.array(colour) // 255)
