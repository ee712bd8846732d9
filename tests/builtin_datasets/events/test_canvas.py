"""Shapes: their areas, their place, and pictures of any size."""

from math import pi

import numpy as np
import pytest

from avplug.builtin_datasets.events.canvas import Canvas, Pen

WHITE = np.ones(3, np.float32)


def area(paint, size=128, **pen):
    canvas = Canvas(np.zeros((size, size, 3), np.float32))
    paint(Pen(canvas, **pen))
    return float(canvas.pixels[..., 0].mean() * 4)


SHAPES = {
    "disc": (lambda pen: pen.disc(0.1, 0.2, 0.5, WHITE), pi * 0.25),
    "ellipse": (lambda pen: pen.ellipse(0, 0, 0.6, 0.3, WHITE, angle=1), pi * 0.18),
    "ring": (lambda pen: pen.ring(0, 0, 0.5, 0.1, WHITE), pi * (0.55**2 - 0.45**2)),
    "box": (lambda pen: pen.box(-0.1, 0.2, 0.5, 0.3, WHITE), 0.6),
    "turned box": (lambda pen: pen.box(0, 0, 0.5, 0.3, WHITE, angle=0.6), 0.6),
    "line": (lambda pen: pen.line((-0.5, 0), (0.4, 0.3), 0.2, WHITE), 0.2211),
    "polygon": (lambda pen: pen.polygon([(-0.5, 0), (0.5, 0), (0, 0.6)], WHITE), 0.3),
    "polygon the other way": (
        lambda pen: pen.polygon([(0, 0.6), (0.5, 0), (-0.5, 0)], WHITE),
        0.3,
    ),
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("size", [31, 128, 256])
def test_a_shape_covers_its_area_at_any_size(shape, size):
    paint, expected = SHAPES[shape]
    assert area(paint, size) == pytest.approx(expected, rel=0.12 if size < 64 else 0.04)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_pen_scales_and_mirrors(shape):
    paint, expected = SHAPES[shape]
    assert area(paint, scale=0.5, mirrored=True, x=0.2) == pytest.approx(
        expected / 4, rel=0.06
    )


def test_what_is_outside_is_not_painted():
    canvas = Canvas(np.zeros((16, 16, 3), np.float32))
    pen = Pen(canvas)
    pen.disc(5, 5, 1, WHITE)
    pen.box(-5, 0, 1, 1, WHITE)
    assert not canvas.pixels.any()


def test_alpha_mixes_and_noise_is_clipped():
    canvas = Canvas(np.full((16, 16, 3), 0.5, np.float32))
    Pen(canvas).box(0, 0, 2, 2, WHITE, alpha=0.5)
    np.testing.assert_allclose(canvas.pixels, 0.75)
    assert canvas.bytes(np.full((16, 16, 3), 400, np.float32)).max() == 255
    assert canvas.bytes(np.full((16, 16, 3), -400, np.float32)).max() == 0
