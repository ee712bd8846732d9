"""Procedural textures have no seams, known statistics and equal values everywhere."""

import hashlib

import numpy as np
import pytest

from avplug.builtin_corruptions.crystals import MEAN, SIGMA, TEXTURES, frost_texture
from avplug.builtin_corruptions.smoke import BILLOWS, WISPS, smoke_textures
from avplug.builtin_corruptions.textures import (
    SIDE,
    colour_table,
    fitted,
    fractal,
    lattice,
    levels,
    rolled,
    texels,
    tinted,
    uniform,
    window,
)
from avplug.core.randomness import KeyedRandom

RNG = KeyedRandom(("test",))
#: First 16 hex digits of SHA-256.
HASHES = {
    "frost": "4610890cb9b497f0",
    "billows": "e5cf917fb58e83bf",
    "wisps": "a9dcf49d6b1ded50",
}


def steps(texture):
    """Mean change inside and across the seam, from one texel to the next."""
    change = np.abs(np.diff(texture.astype(float), axis=0, append=texture[:1]))
    return change[:-1].mean(), change[-1].mean()


def all_textures():
    billows, wisps = smoke_textures(0)
    return {"frost": frost_texture(0), "billows": billows, "wisps": wisps}


@pytest.mark.parametrize("name", HASHES)
@pytest.mark.parametrize("axis", [0, 1])
def test_there_is_no_seam(name, axis):
    texture = np.moveaxis(all_textures()[name], axis, 0)
    inside, across = steps(texture)
    assert across == pytest.approx(inside, rel=0.25)


@pytest.mark.parametrize("name", HASHES)
def test_textures_are_equal_on_every_machine(name):
    digest = hashlib.sha256(all_textures()[name].tobytes()).hexdigest()
    assert digest[:16] == HASHES[name]


def test_levels_are_as_said():
    found = all_textures()
    for name, mean, sigma in (
        ("frost", MEAN, SIGMA),
        ("billows", 127.5, BILLOWS),
        ("wisps", 127.5, WISPS),
    ):
        assert found[name].mean() == pytest.approx(mean, abs=2.5)
        assert found[name].std() == pytest.approx(sigma, rel=0.1)
        assert not found[name].flags.writeable


def test_textures_differ():
    panes = [frost_texture(number) for number in range(TEXTURES)]
    for one in range(TEXTURES):
        for other in range(one):
            assert abs(np.corrcoef(panes[one].flat, panes[other].flat)[0, 1]) < 0.2


def test_a_lattice_has_as_many_bumps_as_cells():
    few, many = (lattice(RNG, cells) for cells in (4, 64))
    assert few.shape == (SIDE, SIDE)
    assert steps(many)[0] > 8 * steps(few)[0]
    field = fractal(RNG, (4, 9), 0.5)
    assert field.mean() == pytest.approx(0, abs=1e-5)
    assert field.std() == pytest.approx(1, abs=1e-5)


def test_uniform_numbers_and_levels():
    numbers = uniform(RNG, 100, 50)
    assert 0 <= numbers.min() < numbers.max() < 1
    assert numbers.mean() == pytest.approx(0.5, abs=0.02)
    shades = levels(np.float32([[-9, 0, 1, 9]]), 10, 100)
    assert shades.tolist() == [[10, 100, 110, 190]]


@pytest.mark.parametrize(
    ("height", "width", "shown"),
    [
        (224, 224, (224, 224)),
        (360, 640, (224, 398)),
        (640, 360, (398, 224)),
        (16, 16, (224, 224)),
        (2160, 3840, (224, 398)),
    ],
)
def test_a_window_shows_as_much_at_every_size(height, width, shown):
    assert texels(height, width) == shown
    part = window(frost_texture(1), (0.9, 0.99), height, width)
    assert part.shape == (height, width)
    small = window(frost_texture(1), (0.9, 0.99), 224, round(width * 224 / height))
    if height >= 224:
        assert part.mean() == pytest.approx(small.mean(), rel=0.05)


def test_a_window_goes_round_the_edge():
    texture = frost_texture(2)
    part = window(texture, (0.75, 0.0), 224, 224)
    assert np.array_equal(part[:128], texture[384:, :224])
    assert np.array_equal(part[128:], texture[:96, :224])


def test_a_layer_of_the_right_size_is_not_copied():
    layer = np.zeros((20, 30), np.uint8)
    assert fitted(layer, 20, 30) is layer
    assert fitted(layer, 7, 9).shape == (7, 9)


@pytest.mark.parametrize("size", [(224, 224), (7, 1), (1, 5), (1, 1)])
def test_each_shade_takes_its_colour(size):
    rng = np.random.default_rng(1)
    shades = rng.integers(0, 256, size, np.uint8)
    colours = rng.integers(0, 256, (256, 3), np.uint8)
    assert np.array_equal(tinted(shades, colour_table(colours)), colours[shades])


@pytest.mark.parametrize("size", [(224, 224), (7, 1), (1, 5), (1, 1)])
@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_a_torus_rolls_as_in_numpy(size, share):
    torus = np.random.default_rng(1).integers(0, 256, size, np.uint8)
    move = int(share * size[0]), int(0.6 * size[1])
    assert np.array_equal(rolled(torus, *move), np.roll(torus, move, (0, 1)))
