"""``avplug preview``: a contact sheet of an embedded clip or of a file."""

import numpy as np
import pytest

from avplug.media.pictures import open_rgb
from avplug.media.sheet import CELL, GAP, HEADER, MARGIN, SPECTRUM, WAVE
from tests.media import recipes


def grid(path, picture_height):
    """Return the rows and columns of a sheet."""
    height, width = open_rgb(path).shape[:2]
    rows = (height - HEADER) / (picture_height + SPECTRUM + WAVE + GAP)
    return rows, (width - MARGIN) / (CELL + GAP)


def test_the_embedded_clip_under_digital_corruptions(avplug, tmp_path):
    out = tmp_path / "sheets" / "sheet.png"
    result = avplug("preview", "-o", str(out))
    assert (result.exit_code, result.stdout) == (0, f"{out}\n")
    assert grid(out, CELL) == (5, 4)


def test_corruptions_and_severities_are_chosen(avplug, tmp_path):
    out = tmp_path / "sheet.png"
    result = avplug(
        "preview", "-c", "gaussian,shot", "-c", "impulse", "-s", "2,5", "-o", str(out)
    )
    assert result.exit_code == 0
    assert grid(out, CELL) == (3, 3)


def test_severity_shows_in_picture_and_sound(avplug, tmp_path):
    out = tmp_path / "sheet.png"
    avplug("preview", "-c", "gaussian", "-s", "1,3,5", "-o", str(out))
    sheet = open_rgb(out).astype(int)
    for top, height in ((HEADER, CELL), (HEADER + CELL, SPECTRUM)):
        cells = [
            sheet[top : top + height, left : left + CELL]
            for left in range(MARGIN, sheet.shape[1] - CELL, CELL + GAP)
        ]
        changes = [np.abs(cell - cells[0]).mean() for cell in cells]
        assert changes == sorted(changes)
        assert changes[1] > 0


@pytest.mark.parametrize("sound", [True, False])
def test_a_file_of_ones_own(avplug, tmp_path, sound):
    clip = recipes.video(tmp_path / "clip.mp4", count=5, sound=sound)
    out = tmp_path / "sheet.png"
    result = avplug("preview", str(clip), "-c", "speckle", "-o", str(out))
    assert result.exit_code == 0, result.stderr
    assert grid(out, CELL * 64 // 128) == (1, 4)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("-c", "nothing"), "Unknown corruption 'nothing'"),
        (("-s", "1,6"), "Severity 6 is not one of"),
        (("-s", ","), "Severity ',' is not one of"),
        (("-o", "sheet.nothing"), "Cannot write the picture"),
        (("gone.mp4",), "'gone.mp4' does not exist"),
    ],
)
def test_refusals(avplug, tmp_path, monkeypatch, options, words):
    monkeypatch.chdir(tmp_path)
    result = avplug("preview", "-o", "sheet.png", *options)
    assert result.exit_code == 2
    assert words in result.stderr
    assert not list(tmp_path.iterdir())
