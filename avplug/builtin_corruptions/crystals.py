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
#: How wide a feather is for its length, how far its edges wander in texels, and how
#: strongly its axis is bent (texels aside at one texel along, for the most bent).
NARROW, BEND, BOW = 0.3, 9, 0.006


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
    x = x + BEND * fractal(rng.stream("bend", 0), (5, 11, 23, 47), 0.5)
    y = y + BEND * fractal(rng.stream("bend", 1), (5, 11, 23, 47), 0.5)
    row, column, turn, shade, size = uniform(rng.stream("feathers"), FEATHERS, 5).T
    turns = [2 * pi * float(part) for part in turn]
    right = np.array([cos(angle) for angle in turns], np.float32)
    down = np.array([sin(angle) for angle in turns], np.float32)
    axes = (row * SIDE, column * SIDE, right, down, (shade - 0.5) * np.float32(BOW))
    slim = np.float32(0.7) + np.float32(0.6) * size
    nearest, second = (np.full((SIDE, SIDE), 4 * SIDE, np.float32) for _ in range(2))
    owner = np.zeros((SIDE, SIDE), np.int64)
    for number in range(FEATHERS):
        u, v = _coordinates(x, y, *(part[number] for part in axes))
        u *= np.float32(NARROW)
        far = np.sqrt(u * u + v * v) * slim[number]
        owner[far < nearest] = number
        second = np.minimum(second, np.maximum(nearest, far))
        nearest = np.minimum(nearest, far)
    along, across = _coordinates(x, y, *(part[owner] for part in axes))
    pitch = (7 + 7 * size)[owner]
    gap = second - nearest
    return _Plumage(along, np.abs(across), nearest, gap, pitch, shade[owner])


def _coordinates(
    x: Field, y: Field, row: Field, column: Field, right: Field, down: Field, bow: Field
) -> tuple[Field, Field]:
    """Return texels along and across the bent axis of one feather, or of many."""
    dx, dy = _around(x - column), _around(y - row)
    along = dx * right + dy * down
    return along, dy * right - dx * down + along * along * bow


def _around(distance: Field) -> Field:
    """Return distances on the torus, within half a side, in place."""
    distance -= SIDE * np.rint(distance * np.float32(1 / SIDE))
    return distance


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
