"""Procedural textures without seams, and the window of one that a frame shows.

A texture is a torus of ``SIDE`` by ``SIDE`` texels: what leaves on one side enters on
the other. A texel is a pixel of a frame whose short side is 224; other frames show the
same texture finer or coarser. Only sums, products and table look-ups make the values,
never a library's sine, so that they are equal on every machine.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from avplug.builtin_corruptions.pixels import Pixels
from avplug.builtin_corruptions.timeline import pixel_scale
from avplug.core.randomness import KeyedRandom

#: Texels along each side of a texture.
SIDE = 512


def uniform(rng: KeyedRandom, *shape: int) -> NDArray[np.float32]:
    """Return uniform numbers in 0..1, float32 of a shape."""
    bits = rng.uint16(int(np.prod(shape)))
    return bits.reshape(shape).astype(np.float32) / np.float32(65_536)


def lattice(rng: KeyedRandom, cells: int) -> NDArray[np.float32]:
    """Return smooth noise with ``cells`` bumps a side, float32 [SIDE, SIDE].

    Random values on a lattice, joined by cubic B-splines.
    """
    values = uniform(rng.stream("values"), cells, cells)
    position = np.arange(SIDE, dtype=np.float32) * np.float32(cells / SIDE)
    cell = position.astype(np.int64)
    t = (position - cell).astype(np.float32)
    # Products, as powers are not equal on every machine.
    square, cube, rest = t * t, t * t * t, 1 - t
    weights = (
        rest * rest * rest / 6,
        (3 * cube - 6 * square + 4) / 6,
        (-3 * cube + 3 * square + 3 * t + 1) / 6,
        cube / 6,
    )
    for _ in range(2):
        taps = [values[(cell + k) % cells] * w[:, None] for k, w in enumerate(weights)]
        joined = taps[0] + taps[1] + taps[2] + taps[3]
        values = joined.T.astype(np.float32, copy=False)
    # Lattices of several octaves would else share their lines.
    shift = uniform(rng.stream("shift"), 2) * SIDE
    return np.roll(values, shift.astype(np.int64), axis=(0, 1))


def fractal(
    rng: KeyedRandom, cells: tuple[int, ...], persistence: float
) -> NDArray[np.float32]:
    """Return a sum of lattices, float32 [SIDE, SIDE], zero mean and unit variance.

    Args:
        rng: What it is for.
        cells: Bumps a side of each octave.
        persistence: Amplitude of an octave over that of the one before.
    """
    field = np.zeros((SIDE, SIDE), np.float32)
    for octave, count in enumerate(cells):
        noise = standardised(lattice(rng.stream("octave", octave), count))
        field += noise * np.float32(persistence**octave)
    return standardised(field)


def standardised(field: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return a field with zero mean and unit variance, float32 of the same shape."""
    exact = field.astype(np.float64)
    exact -= exact.mean()
    exact /= np.sqrt(np.mean(exact * exact))
    return exact.astype(np.float32)


def levels(field: NDArray[np.float32], sigma: float, mean: float = 127.5) -> Pixels:
    """Return a standardised field as read-only levels, uint8 of the same shape."""
    pixels = np.rint(field * np.float32(sigma) + np.float32(mean))
    shades: Pixels = pixels.clip(0, 255).astype(np.uint8)
    shades.flags.writeable = False
    return shades


def texels(height: int, width: int) -> tuple[int, int]:
    """Return how many texels a frame shows: height and width with a short side 224."""
    scale = pixel_scale(height, width)
    return round(height / scale), round(width / scale)


def fitted(layer: NDArray[np.uint8], height: int, width: int) -> Pixels:
    """Return a layer of texels, uint8 [h, w] or [h, w, C], resized to a frame's."""
    if layer.shape[:2] == (height, width):
        return layer
    way = cv2.INTER_AREA if height < layer.shape[0] else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(layer, (width, height), interpolation=way), np.uint8)


def rolled(torus: Pixels, down: int, right: int) -> Pixels:
    """Return a torus that was moved, as :func:`numpy.roll` does, in half its time.

    Args:
        torus: uint8 [H, W].
        down: Pixels, from 0 to H.
        right: Pixels, from 0 to W.

    Returns:
        uint8 [H, W], a part of a new array.
    """
    height, width = torus.shape
    top, left = height - down, width - right
    tiles = np.asarray(cv2.repeat(torus, 2, 2), np.uint8)
    return tiles[top : top + height, left : left + width]


def window(
    texture: Pixels, place: tuple[float, float], height: int, width: int
) -> Pixels:
    """Return what a frame shows of a texture, uint8 [H, W].

    Args:
        texture: uint8 [SIDE, SIDE].
        place: Row and column of the corner, in sides of the texture, from 0 to 1.
        height: Of the frame in pixels.
        width: Of the frame in pixels.
    """
    rows, columns = texels(height, width)
    top, left = (int(p * SIDE) for p in place)
    band = texture.take(np.arange(top, top + rows) % SIDE, axis=0)
    part = cv2.repeat(band, 1, -(-(left + columns) // SIDE))[:, left : left + columns]
    return fitted(np.asarray(part, np.uint8), height, width)


def colour_table(colours: NDArray[np.number[Any]]) -> NDArray[np.float32]:
    """Return colours for :func:`tinted`, four bytes each, float32 [256], no numbers.

    Args:
        colours: [256, 3], in 0..255.
    """
    table = np.zeros((256, 4), np.uint8)
    table[:, :3] = colours
    table.flags.writeable = False
    return table.view(np.float32).ravel()


def tinted(shades: Pixels, colours: NDArray[np.float32]) -> Pixels:
    """Return each shade's colour, uint8 [H, W, 3], a new array.

    Args:
        shades: uint8 [H, W].
        colours: Of :func:`colour_table`: one look-up moves all bytes of a colour.
    """
    found = np.asarray(cv2.LUT(shades, colours))
    pixels = found.view(np.uint8).reshape(*shades.shape, 4)
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGBA2RGB), np.uint8)
