"""Drops on a lens: where blurred noise exceeds a threshold, and how they look.

There are a few fields of drops, each on a torus of the frame's size. A clip has one of
them, at a place of its own, maybe mirrored. As a drop measures some ten pixels, two
clips look alike only with the same field, mirrored alike and moved equally far to ten
pixels: in one of some 60,000 pairs. All others are as unrelated as if each clip drew
noise of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import sqrt
from statistics import NormalDist

import cv2
import numpy as np
from numpy.typing import NDArray

from avplug.builtin_corruptions.codebook import drawn_normals
from avplug.builtin_corruptions.draws import uniforms
from avplug.builtin_corruptions.pixels import Pixels
from avplug.builtin_corruptions.textures import rolled
from avplug.core.randomness import KeyedRandom

#: Fields of drops that there are of each law and size.
FIELDS = 32
#: Texels of the largest shape whose fields are kept: any up to 4 to 1.
_SMALL = 4 * 224 * 224
#: How far a texel's look depends on others: the widest blur, and the light in a drop.
REACH = 40
#: What water's light takes on a torus, by the blur's sigma. Drops that a published
#: frame's edge cuts are brighter or darker than whole ones; this gives the mean of the
#: logarithm of the light's mean square over 800 published frames.
_EVEN_LIGHT = {4.0: 1.065, 3.0: 0.973, 2.0: 0.974}
#: Below this share of mud a pixel stays clean.
CLEAN = 0.8


@dataclass(frozen=True, slots=True)
class DropLaw:
    """How drops are made; lengths are in pixels at 224.

    Args:
        noise_mean: Of the normals, in 0..1.
        noise_std: Of the normals.
        blur_sigma: Of the blur that makes drops of them.
        threshold: Where it is exceeded, there is liquid.
        strength: The weight of water, or the sigma of the blur around mud.
        mud: Mud in place of water.
    """

    noise_mean: float
    noise_std: float
    blur_sigma: float
    threshold: float
    strength: float
    mud: bool


def drawn_cover(law: DropLaw, height: int, width: int, rng: KeyedRandom) -> Pixels:
    """Return what drops do to each pixel of a frame, uint8 [H, W], of a new array.

    That is the light that water adds, or how much mud covers, in 255ths.
    """
    which, down, right, mirrored, inverted = uniforms(rng, 5).tolist()
    field_of = _kept_field if height * width <= _SMALL else cover_field
    field = field_of(law, height, width, int(which * FIELDS))
    if mirrored >= 0.5:
        field = np.asarray(cv2.flip(field, 1), np.uint8)
    if inverted >= 0.5:
        field = np.asarray(cv2.flip(field, 0), np.uint8)
    return rolled(field, int(down * height), int(right * width))


def cover_field(law: DropLaw, height: int, width: int, number: int) -> Pixels:
    """Return one of ``FIELDS`` fields, uint8 [height, width], a torus, read-only.

    It is the same for every clip, and one number has the same noise for every law.
    """
    drops = liquid(law, height, width, KeyedRandom(("drops", number)))
    wide = mud_cover(drops, law.strength) if law.mud else water_light(drops)
    field = wide[REACH : REACH + height, REACH : REACH + width]
    if law.mud:
        field = np.rint(255 * field)
    else:
        # Cut to whole levels like the public code's: faint drops would be brighter.
        field = brightest(field, 255 * law.strength * _EVEN_LIGHT[law.blur_sigma])
    cover: Pixels = field.astype(np.uint8)
    cover.flags.writeable = False
    return cover


@lru_cache(maxsize=5 * FIELDS)
def _kept_field(law: DropLaw, height: int, width: int, number: int) -> Pixels:
    """Return :func:`cover_field` of a usual shape; those of all severities are kept."""
    return cover_field(law, height, width, number)


def blurred(field: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    """Return a field after a Gaussian blur that reaches 4 sigma, float32 [H, W]."""
    size = (_taps(sigma), _taps(sigma))
    smooth = cv2.GaussianBlur(field, size, sigma, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(smooth, np.float32)


def _taps(sigma: float) -> int:
    return 2 * int(4 * sigma + 0.5) + 1


def liquid(
    law: DropLaw, height: int, width: int, rng: KeyedRandom
) -> NDArray[np.float32]:
    """Return blurred noise on a torus, 0 below the threshold.

    Returns:
        float32 [REACH + H + REACH, REACH + W + REACH]: what lies around the torus
        repeats it.
    """
    noise = drawn_normals(rng, height * width).reshape(height, width)
    noise *= np.float32(law.noise_std)
    noise += np.float32(law.noise_mean)
    around = cv2.copyMakeBorder(noise, REACH, REACH, REACH, REACH, cv2.BORDER_WRAP)
    smooth = blurred(np.asarray(around, np.float32), law.blur_sigma)
    cv2.threshold(smooth, even_threshold(law), 0, cv2.THRESH_TOZERO, dst=smooth)
    return np.asarray(smooth, np.float32)


@lru_cache(maxsize=8)
def even_threshold(law: DropLaw) -> float:
    """Return the threshold above which a torus has as much liquid as a published frame.

    The public code blurs frames of 224 whose edges it repeats outwards, so that noise
    varies more along them: there lie more drops, at severity 1 a fifth of all. On a
    torus no place differs from another, and the same share is spread evenly.
    """
    kernel = cv2.getGaussianKernel(_taps(law.blur_sigma), law.blur_sigma).ravel()
    half = kernel.size // 2
    # Row i: what each place of an edge of 224 gives to the blurred place i.
    reach = np.clip(np.arange(224)[:, None] + np.arange(-half, half + 1), 0, 223)
    given = np.stack([np.bincount(row, kernel, 224) for row in reach])
    power = (given**2).sum(axis=1)
    standard = NormalDist()
    distance = law.threshold - law.noise_mean
    levels, times = np.unique(np.outer(power, power).round(9), return_counts=True)
    wet = [standard.cdf(-distance / (law.noise_std * sqrt(p))) for p in levels]
    share = float(np.average(wet, weights=times))
    middle = law.noise_std * float((kernel**2).sum())
    return law.noise_mean - middle * standard.inv_cdf(share)


def water_light(drops: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the light that water adds, on a scale of its own, float32 [H, W].

    Args:
        drops: float32 [H, W], 0 outside of the drops.
    """
    shades = (drops * 255).clip(0, 255).astype(np.uint8)
    edges = cv2.Canny(shades, 50, 150)
    depth = cv2.distanceTransform(255 - edges, cv2.DIST_L2, 5)
    cv2.threshold(depth, 20, 0, cv2.THRESH_TRUNC, dst=depth)
    depth = cv2.blur(depth, (3, 3)).astype(np.uint8)
    equalised = np.asarray(cv2.equalizeHist(depth), np.uint8)
    relief = cv2.blur(embossed(equalised), (3, 3))
    light: NDArray[np.float32] = shades.astype(np.float32) * relief
    return light


def brightest(light: NDArray[np.float32], strength: float) -> NDArray[np.float32]:
    """Return light whose largest value is ``strength``; dark where there is none."""
    largest = light.max()
    return light * np.float32(strength / largest) if largest else light


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


def mud_cover(drops: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    """Return how much mud covers, 0 to 1, float32 [H, W].

    Args:
        drops: float32 [H, W], 0 outside of the drops.
        sigma: Of the blur around the drops.
    """
    cover = blurred((drops > 0).astype(np.float32), sigma)
    cover[cover < CLEAN] = 0
    return cover
