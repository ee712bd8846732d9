"""A layer of streaks: flakes or drops, blurred by their fall, on a torus.

The torus has the size of a frame, so that a window onto it can move for ever, and every
window holds all of it: the frames of a clip have equally many streaks.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import ceil
from statistics import NormalDist

import cv2
import numpy as np
from numpy.typing import NDArray

from avplug.builtin_corruptions.draws import uniforms
from avplug.builtin_corruptions.motion_blur import doubling, motion_blur
from avplug.builtin_corruptions.pixels import Pixels
from avplug.builtin_corruptions.textures import rolled
from avplug.builtin_corruptions.timeline import pixel_scale
from avplug.core.randomness import KeyedRandom
from avplug.signal.quantiles import normal_table

#: Normals are multiples of 1/128 and interpolation weights of 1/64: sums of products
#: are then whole numbers that single precision holds exactly, on every machine.
_NORMAL_STEPS = 128
_WEIGHT_STEPS = 64
_GAIN_STEPS = 4096
#: Layers of frames below 224 are drawn finer by a whole factor, at most this one.
_FINEST = 16
#: Fields of flakes that there are of each law and size, and how many are kept: those
#: of all severities of snow and of rain.
FIELDS = 8
_KEPT = 10 * FIELDS


@dataclass(frozen=True, slots=True)
class StreakLaw:
    """How a layer is drawn; lengths are in pixels of a frame of 224.

    Args:
        noise_mean: Of the normals, in 0..1 brightness.
        noise_std: Of the normals.
        zoom: Distance of the normals; between them they are interpolated.
        threshold: What is darker vanishes.
        blur_radius: Of the motion blur; see motion_blur.py.
        blur_sigma: Of the motion blur.
    """

    noise_mean: float
    noise_std: float
    zoom: float
    threshold: float
    blur_radius: float
    blur_sigma: float


def streak_layer(
    law: StreakLaw, height: int, width: int, degrees: float, rng: KeyedRandom
) -> Pixels:
    """Return one layer of streaks on a torus.

    Frames smaller than 224 see a finer layer through larger pixels, as a camera would:
    so flakes keep their share of the frame at any size. The flakes are one of a few
    fields, built when first needed, moved to a place of this layer's own.

    Args:
        law: How it is drawn.
        height: Of the frame and the torus, in pixels.
        width: Of the frame and the torus, in pixels.
        degrees: Where the motion blur reads, 90 is down.
        rng: What the layer is for.

    Returns:
        uint8 [height, width]. Its mean before the blur is the law's expectation,
        whatever was drawn.
    """
    finer = min(max(1, ceil(1 / pixel_scale(height, width))), _FINEST)
    shape = height * finer, width * finer
    scale = pixel_scale(*shape)
    which, down, right = uniforms(rng, 3).tolist()
    field = _flakes(law, *shape, max(1.0, law.zoom * scale), int(which * FIELDS))
    flakes = rolled(field, int(down * shape[0]), int(right * shape[1]))
    blurs = doubling(law.blur_radius, law.blur_sigma, scale)
    # Streaks as sharp as the published ones; no one sees their angle to the degree.
    streaks = motion_blur(flakes, blurs, degrees, cv2.BORDER_WRAP, precise=False)
    if finer == 1:
        return streaks
    smaller = np.empty((height, width), np.uint8)
    cv2.resize(streaks, (width, height), dst=smaller, interpolation=cv2.INTER_AREA)
    return smaller


@lru_cache(maxsize=_KEPT)
def _flakes(
    law: StreakLaw, height: int, width: int, zoom: float, number: int
) -> Pixels:
    """Return interpolated normals above the threshold, uint8 [height, width].

    They are on a torus, read-only, and the same for every clip.
    """
    rng = KeyedRandom(("flakes", number))
    rows, columns = ceil(height / zoom), ceil(width / zoom)
    nodes = _whole_normals().take(rng.uint16(rows * columns)).reshape(rows, columns)
    left, after = _between(width, columns, zoom)
    wide = _joined(nodes.T, left, after)
    upper, below = _between(height, rows, zoom)
    field = _joined(wide.T, upper, below)
    field *= np.float32(255 * law.noise_std / (_NORMAL_STEPS * _WEIGHT_STEPS**2))
    field += np.float32(255 * law.noise_mean)
    # Nothing is negative after this, so that an absolute value only rounds and clips.
    cv2.threshold(field, 255 * law.threshold, 0, cv2.THRESH_TOZERO, dst=field)
    drawn: Pixels = np.empty(field.shape, np.uint8)
    cv2.convertScaleAbs(field, drawn)
    total = int(cv2.sumElems(drawn)[0])
    if total:
        gain = drawn.size * expected_level(law) / total
        cv2.convertScaleAbs(drawn, drawn, round(gain * _GAIN_STEPS) / _GAIN_STEPS)
    drawn.flags.writeable = False
    return drawn


def _joined(
    nodes: NDArray[np.float32], before: NDArray[np.intp], after: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return what lies between the rows of a torus, times 64, float32 [K, W].

    Args:
        nodes: float32 [R, W].
        before: intp [K], the row before each place.
        after: float32 [K], how far behind it, in whole steps of 1/64.
    """
    # Here where there are few rows: what the next one has more, and 64 times this one.
    rise = np.empty_like(nodes)
    np.subtract(nodes[1:], nodes[:-1], out=rise[:-1])
    np.subtract(nodes[0], nodes[-1], out=rise[-1])
    joined: NDArray[np.float32] = rise.take(before, axis=0)
    joined *= after[:, None]
    joined += (nodes * np.float32(_WEIGHT_STEPS)).take(before, axis=0)
    return joined


@lru_cache(maxsize=1)
def _whole_normals() -> NDArray[np.float32]:
    """Return normal quantiles in whole steps of 1/128, float32 [65536]."""
    table: NDArray[np.float32] = np.rint(normal_table() * np.float32(_NORMAL_STEPS))
    table.flags.writeable = False
    return table


@lru_cache(maxsize=32)
def _between(
    count: int, nodes: int, zoom: float
) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """Return for each pixel of a circle the node before, and how far behind it.

    Returns:
        intp [count], and float32 [count] in whole steps of 1/64.
    """
    # As OpenCV enlarges: nodes in the middle of their pixels.
    places = np.rint(((np.arange(count) + 0.5) / zoom - 0.5) * _WEIGHT_STEPS)
    before, after = np.divmod(places.astype(np.intp), _WEIGHT_STEPS)
    return before % nodes, after.astype(np.float32)


@lru_cache(maxsize=64)
def expected_level(law: StreakLaw) -> float:
    """Return the mean of a layer in levels 0..255, over all that could be drawn."""
    standard = NormalDist()
    # Between nodes a normal's variance is smaller: the mean over where pixels of a
    # frame of 224 lie, which other sizes have to meet.
    shares = np.unique(np.mod((np.arange(224) + 0.5) / law.zoom - 0.5, 1).round(6))
    narrow = np.sqrt((1 - shares) ** 2 + shares**2)
    total = 0.0
    for factor in np.outer(narrow, narrow).ravel():
        std = law.noise_std * float(factor)
        low, high = ((x - law.noise_mean) / std for x in (law.threshold, 1.0))
        between = standard.cdf(high) - standard.cdf(low)
        slope = standard.pdf(high) - standard.pdf(low)
        total += law.noise_mean * between - std * slope + 1 - standard.cdf(high)
    return float(255 * total / narrow.size**2)
