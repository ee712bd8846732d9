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
MEAN, SIGMA = 178.0, 42.0
FEATHERS = 70


@dataclass(slots=True)
class _Plumage:
    """For each texel, where it lies in the feather that covers it; float32 [H, W].

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
        far = np.sqrt(np.square(u * np.float32(0.3)) + v * v)
        far *= np.float32(0.7) + np.float32(0.6) * size
        covers = far < nearest
        second = np.where(covers, nearest, np.minimum(second, far))
        nearest = np.where(covers, far, nearest)
        along[covers], aside[covers] = u[covers], np.abs(v[covers])
        pitch[covers], shade[covers] = 7 + 7 * size, bow
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
    unrest = 0.35 * fractal(rng.stream("unrest"), (37, 75), 0.7)
    barbs = _ridges((grown.along - 0.58 * grown.aside) / grown.pitch + unrest)
    barbules = _ridges((grown.along + 1.7 * grown.aside) / (0.4 * grown.pitch) + unrest)
    reach = np.clip(1 - grown.depth / 45, 0, 1)
    rib = np.clip(1 - grown.aside / (0.6 + 2 * reach), 0, 1)
    feathers = barbs * barbs * barbs * (0.3 + 0.7 * barbules) * (0.3 + 0.7 * reach)
    feathers += 0.8 * rib
    feathers *= 0.25 + 0.75 * np.clip(grown.gap / 7, 0, 1)
    ice = 0.75 * standardised(feathers + 0.2 * grown.shade)
    ice += 0.75 * fractal(rng.stream("cloud"), (5, 11, 23, 45), 0.7)
    ice += 0.25 * fractal(rng.stream("grain"), (151, 211), 0.8)
    return levels(standardised(ice), SIGMA, MEAN)
