"""Frost: ice crystals on the lens, and cracking ice."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from avplug.builtin_corruptions.background import (
    BackgroundCorruption,
    add_background,
)
from avplug.builtin_corruptions.crystals import TEXTURES, frost_texture
from avplug.builtin_corruptions.draws import uniforms
from avplug.builtin_corruptions.frame_memory import new_frames
from avplug.builtin_corruptions.pixels import Pixels
from avplug.builtin_corruptions.textures import colour_table, tinted, window
from avplug.core.clip import ClipInfo
from avplug.core.randomness import KeyedRandom

IMAGE_WEIGHT = (1.0, 0.8, 0.7, 0.65, 0.6)
FROST_WEIGHT = (0.4, 0.6, 0.7, 0.7, 0.75)
SNR_DB = {
    "paper": (40.0, 30.0, 20.0, 10.0, 0.0),
    "released": (20.0, 15.0, 10.0, 5.0, 0.0),
}
#: Colour of ice at the texture's mean shade, RGB in levels: fitted to the mean shifts
#: of the public code's frost pictures.
ICE = (139.0, 163.0, 176.0)


@dataclass(frozen=True, slots=True)
class FrostScene:
    """Weights of picture and frost, the SNR, which texture and where it is cut."""

    image_weight: float
    frost_weight: float
    snr_db: float
    texture: int
    place: tuple[float, float]


class Frost(BackgroundCorruption):
    """Frost crystals over the picture, still for the whole clip; ice cracking.

    Picture: ``w_i x + w_f F``, clipped, F a procedural texture of feathered ice. From
    severity 3 to 4 the published weights take away light as well as detail: the
    picture gets worse by SSIM, not by PSNR. Sound: frost at an SNR, not clipped.
    Source: AVRobustBench (arXiv:2506.00358).
    """

    def scene(self, info: ClipInfo, severity: int, rng: KeyedRandom) -> FrostScene:
        """Draw a piece of frost, and return the parameters of a severity."""
        level = severity - 1
        which, row, column = uniforms(rng.stream("texture"), 3).tolist()
        return FrostScene(
            IMAGE_WEIGHT[level],
            FROST_WEIGHT[level],
            SNR_DB[self.profile][level],
            int(which * TEXTURES),
            (row, column),
        )

    def video(
        self,
        frames: Pixels,
        times: NDArray[np.float64],
        scene: FrostScene,
        rng: KeyedRandom,
    ) -> Pixels:
        """Return frames behind frost, uint8 [T, H, W, 3]."""
        shades = window(frost_texture(scene.texture), scene.place, *frames.shape[1:3])
        layer = tinted(shades, ice_colours(scene.frost_weight))
        frosted = new_frames(frames.shape)
        for frame, target in zip(frames, frosted, strict=True):
            cv2.addWeighted(frame, scene.image_weight, layer, 1, 0, dst=target)
        return frosted

    def audio(
        self,
        samples: NDArray[np.float32],
        sample_rate: int,
        scene: FrostScene,
        rng: KeyedRandom,
    ) -> NDArray[np.float32]:
        """Return sound with cracking ice, float32 [C, N]; it may leave -1..1."""
        return add_background(samples, sample_rate, "frost", scene.snr_db, rng)


@lru_cache(maxsize=len(FROST_WEIGHT))
def ice_colours(weight: float) -> NDArray[np.float32]:
    """Return what each shade of ice adds at a weight; see :func:`colour_table`."""
    colours = np.arange(256)[:, None] * (np.array(ICE) / max(ICE))
    return colour_table(np.rint(weight * colours))
