"""Textures of frost on glass: feathers of ice that grow until they meet."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import cos, pi, sin

import numpy as np
from numpy.typing import NDArray

from avplug.builtin_corruptions.pixels import Pixels
from avplug.builtin_corruptions.textures import (
    SIDE,
    fractal,
    levels,
    standardised,
    uniform,
)
from avplug.core.randomness import KeyedRandom

Field = NDArray[np.float32]

#: How many textures there are.
TEXTURES = 4
#: Shade of a texture: mean and standard deviation in levels.
MEAN, SIGMA = 172.0, 50.0
FEATHERS = 46


@dataclass(slots=True)
class _Plumage:
    """For each texel, where it lies in the feather that covers it.

    ``along`` and ``aside`` are texels from the feather's root; ``depth`` is the
    distance to its axis, ``gap`` how much nearer it is than the next feather's;
    ``pitch`` is the distance of its barbs, ``shade`` 0..1 its own.
    """

    along: Field
    aside: Field
    depth: Field
    gap: Field
    pitch: Field
    shade: Field


def _grown(rng: KeyedRandom) -> _Plumage:
    y, x = np.mgrid[:SIDE, :SIDE].astype(np.float32)
    # Feathers are not ruled with a straightedge.
    x = x + 9 * fractal(rng.stream("bend", 0), (5, 11, 23, 47), 0.5)
    y = y + 9 * fractal(rng.stream("bend", 1), (5, 11, 23, 47), 0.5)
    nearest, second = (np.full((SIDE, SIDE), 4 * SIDE, np.float32) for _ in range(2))
    along, aside, pitch, shade = (np.zeros((SIDE, SIDE), np.float32) for _ in range(4))
    for row, column, turn, bow, size in uniform(rng.stream("feathers"), FEATHERS, 5):
        right, down = cos(2 * pi * float(turn)), sin(2 * pi * float(turn))
        dx, dy = _around(x - column * SIDE), _around(y - row * SIDE)
        u = dx * np.float32(right) + dy * np.float32(down)
        v = dy * np.float32(right) - dx * np.float32(down)
        v += u * u * ((bow - np.float32(0.5)) * np.float32(0.006))
        far = np.sqrt(np.square(u * np.float32(0.38)) + v * v)
        far *= np.float32(0.7) + np.float32(0.6) * size
        covers = far < nearest
        second = np.where(covers, nearest, np.minimum(second, far))
        nearest = np.where(covers, far, nearest)
        along[covers], aside[covers] = u[covers], np.abs(v[covers])
        pitch[covers], shade[covers] = 10 + 10 * size, bow
    return _Plumage(along, aside, nearest, second - nearest, pitch, shade)


def _around(distance: Field) -> Field:
    """Return distances on the torus, within half a side."""
    half = np.float32(SIDE / 2)
    return (distance + half) % np.float32(SIDE) - half


def _ridges(phase: Field) -> Field:
    """Return a triangle wave in 0..1 with period 1."""
    return 1 - np.abs(2 * (phase - np.floor(phase)) - 1)


@lru_cache(maxsize=TEXTURES)
def frost_texture(number: int) -> Pixels:
    """Return the shades of a frosted pane, uint8 [SIDE, SIDE], without seams.

    The same for every clip, so that a clip needs only to choose a number below
    ``TEXTURES`` and a place; built once a process.
    """
    rng = KeyedRandom(("frost texture", number))
    grown = _grown(rng)
    barbs = _ridges((grown.along - 0.58 * grown.aside) / grown.pitch)
    barbules = _ridges((grown.along + 1.7 * grown.aside) / (0.33 * grown.pitch))
    rib = np.clip(1 - grown.aside / 2.2, 0, 1)
    thickness = np.clip(1 - grown.depth / 60, 0, 1)
    feathers = 0.75 * barbs**2 * (0.45 + 0.55 * barbules) + 0.9 * rib + 0.35 * thickness
    feathers *= 0.35 + 0.65 * np.clip(grown.gap / 5, 0, 1)
    cloud = fractal(rng.stream("cloud"), (3, 7, 13, 29), 0.6)
    grain = fractal(rng.stream("grain"), (97, 181), 0.8)
    ice = standardised(feathers + 0.12 * grown.shade) + 0.5 * cloud + 0.22 * grain
    return levels(standardised(ice), SIGMA, MEAN)
