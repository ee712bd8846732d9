"""Spatter: water, then mud, on the lens; drops are heard."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from avplug.builtin_corruptions.background import (
    BackgroundCorruption,
    add_background,
)
from avplug.builtin_corruptions.codebook import drawn_normals
from avplug.builtin_corruptions.pixels import Pixels
from avplug.builtin_corruptions.textures import fitted, texels, tinted
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
#: Below this share of mud a pixel stays clean.
CLEAN = 0.8


@dataclass(frozen=True, slots=True)
class SpatterScene:
    """Noise, blur and threshold that make drops; what they are of; the SNR.

    Lengths are in pixels at 224. ``strength`` is the weight of water, or the sigma of
    the blur around mud.
    """

    noise_mean: float
    noise_std: float
    blur_sigma: float
    threshold: float
    strength: float
    mud: bool
    snr_db: float


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
        drops = liquid(scene, *texels(height, width), rng.stream("drops"))
        cover = mud_cover(drops, scene) if scene.mud else water_light(drops, scene)
        cover = fitted(cover, height, width)
        colour = MUD_COLOUR if scene.mud else WATER_COLOUR
        spattered = np.empty(frames.shape, np.uint8)
        shades = np.arange(256)[:, None] * np.array(colour) // 255
        layer = tinted(cover, shades)
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


def blurred(field: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    """Return a field after a Gaussian blur that reaches 4 sigma, float32 [H, W]."""
    taps = 2 * int(4 * sigma + 0.5) + 1
    smooth = cv2.GaussianBlur(
        field, (taps, taps), sigma, borderType=cv2.BORDER_REPLICATE
    )
    return np.asarray(smooth, np.float32)


def liquid(
    scene: SpatterScene, height: int, width: int, rng: KeyedRandom
) -> NDArray[np.float32]:
    """Return blurred noise, 0 below the threshold, float32 [H, W]."""
    noise = drawn_normals(rng, height * width).reshape(height, width)
    noise *= np.float32(scene.noise_std)
    noise += np.float32(scene.noise_mean)
    smooth = blurred(noise, scene.blur_sigma)
    cv2.threshold(smooth, scene.threshold, 0, cv2.THRESH_TOZERO, dst=smooth)
    return smooth


def water_light(drops: NDArray[np.float32], scene: SpatterScene) -> Pixels:
    """Return the light that water adds, in 255ths of its colour, uint8 [H, W].

    Args:
        drops: float32 [H, W], 0 outside of the drops.
        scene: Gives the light of the brightest pixel.
    """
    shades = (drops * 255).clip(0, 255).astype(np.uint8)
    edges = cv2.Canny(shades, 50, 150)
    depth = cv2.distanceTransform(255 - edges, cv2.DIST_L2, 5)
    cv2.threshold(depth, 20, 0, cv2.THRESH_TRUNC, dst=depth)
    depth = cv2.blur(depth, (3, 3)).astype(np.uint8)
    equalised = np.asarray(cv2.equalizeHist(depth), np.uint8)
    relief = cv2.blur(embossed(equalised), (3, 3))
    # Levels in, levels out: only the ratio to the brightest counts.
    light = shades.astype(np.float32) * relief
    brightest = float(light.max())
    if not brightest:
        return np.zeros(drops.shape, np.uint8)
    light *= np.float32(255 * scene.strength / brightest)
    # Cut to whole levels like the public code's, or faint drops would be brighter.
    return light.astype(np.uint8)


def embossed(shades: Pixels) -> Pixels:
    """Return shades lit from the lower right, uint8 [H, W], as a 3 x 3 filter would.

    The filter is ``[-2 -1 0; -1 1 1; 0 1 2]``, here as sums of shifted views: OpenCV's
    own filter is not equal on every version.
    """
    height, width = shades.shape
    wide = cv2.copyMakeBorder(shades, 1, 1, 1, 1, cv2.BORDER_REFLECT_101)
    wide = wide.astype(np.int16)

    def at(row: int, column: int) -> NDArray[np.int16]:
        return np.asarray(
            wide[1 + row : 1 + row + height, 1 + column : 1 + column + width], np.int16
        )

    light = 2 * (at(1, 1) - at(-1, -1)) + at(0, 0)
    light += at(0, 1) + at(1, 0) - at(0, -1) - at(-1, 0)
    return light.clip(0, 255).astype(np.uint8)


def mud_cover(drops: NDArray[np.float32], scene: SpatterScene) -> Pixels:
    """Return how much mud covers, in 255ths, uint8 [H, W].

    Args:
        drops: float32 [H, W], 0 outside of the drops.
        scene: Gives the blur around the drops.
    """
    cover = blurred((drops > 0).astype(np.float32), scene.strength)
    cover[cover < CLEAN] = 0
    return np.rint(255 * cover).astype(np.uint8)
