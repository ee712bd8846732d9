"""``avplug preview``: a sheet or a gallery of an embedded clip or of a file."""

import io
import re
from base64 import b64decode

import av
import numpy as np
import pytest
import soundfile

from avplug.media.excerpt import RATE, WIDTH
from avplug.media.pictures import open_rgb
from avplug.media.sheet import CELL, GAP, HEADER, MARGIN, SPECTRUM, WAVE
from tests.media import recipes


def grid(path, picture_height):
    """Return the rows and columns of a sheet."""
    height, width = open_rgb(path).shape[:2]
    rows = (height - HEADER) / (picture_height + SPECTRUM + WAVE + GAP)
    return rows, (width - MARGIN) / (CELL + GAP)


def test_the_embedded_clip_under_all_that_is_built_in(avplug, tmp_path):
    out = tmp_path / "sheets" / "sheet.png"
    result = avplug("preview", "-o", str(out))
    assert (result.exit_code, result.stdout) == (0, f"{out}\n")
    assert grid(out, CELL) == (15, 4)


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


@pytest.mark.parametrize("name", ["sheet.png", "page.html"])
def test_recordings_are_heard_where_a_folder_is_given(avplug, tmp_path, name):
    folder = tmp_path / "recordings"
    (folder / "rain").mkdir(parents=True)
    hum = 0.3 * np.sin(2 * np.pi * 440 * np.arange(32_000) / 16_000)
    soundfile.write(folder / "rain" / "hum.wav", hum, 16_000)
    made, out = [], tmp_path / name
    arguments = ("preview", "-s", "5", "--seconds", "0.5", "-o", str(out))
    for options in ((), ("--recordings", str(folder))):
        result = avplug(*arguments, "-c", "rain", *options)
        assert result.exit_code == 0, result.stderr
        made.append(out.read_bytes())
    assert made[0] != made[1]
    result = avplug(*arguments, "-c", "wind", "--recordings", str(folder))
    assert result.exit_code == 2
    assert "wind" in result.stderr


def films(page):
    """Return the embedded clips of a page."""
    found = re.findall(r'src="data:video/mp4;base64,([^"]+)"', page.read_text())
    return [b64decode(text) for text in found]


def test_a_page_plays_the_clip_clean_and_corrupted(avplug, tmp_path):
    out = tmp_path / "new" / "page.html"
    result = avplug(
        "preview", "-c", "gaussian,compression", "-s", "1,5", "--seconds", "1",
        "-o", str(out),
    )  # fmt: skip
    assert (result.exit_code, result.stdout) == (0, f"{out}\n")
    assert [path.name for path in out.parent.iterdir()] == ["page.html"]
    text = out.read_text()
    assert text.count("<video") == 5
    assert re.findall(r"<h2[^>]*>(\w+)</h2>", text) == [
        "clean",
        "gaussian",
        "compression",
    ]
    noise = []
    for film in films(out):
        with av.open(io.BytesIO(film)) as container:
            assert container.streams.video[0].codec_context.pix_fmt == "yuv420p"
            assert container.streams.audio
            frames = [f.to_ndarray(format="rgb24") for f in container.decode(video=0)]
        assert len(frames) == RATE
        noise.append(np.abs(np.diff(frames[4].astype(int), axis=0)).mean())
    clean, weak, strong = noise[:3]
    assert clean < weak < strong


def test_even_noise_stays_small(avplug, tmp_path):
    out = tmp_path / "page.html"
    avplug("preview", "-c", "gaussian", "-s", "1,2,3,4,5", "-o", str(out))
    embedded = films(out)
    assert len(embedded) == 6
    assert sum(map(len, embedded)) / len(embedded) < 15e6 / 76 * 2.2


@pytest.mark.parametrize("sound", [True, False])
def test_a_page_of_a_file_of_ones_own(avplug, tmp_path, sound):
    source = tmp_path / "<b>clip.mp4"
    recipes.video(source, size=(402, 202), pix_fmt="yuv420p", count=30, sound=sound)
    out = tmp_path / "page.html"
    result = avplug(
        "preview",
        str(source),
        "-c",
        "shot",
        "-s",
        "2",
        "--seconds",
        "0.5",
        "-o",
        str(out),
    )
    assert result.exit_code == 0, result.stderr
    assert "<b>" not in out.read_text()
    with av.open(io.BytesIO(films(out)[1])) as container:
        picture = container.streams.video[0]
        assert (picture.width, picture.height) == (WIDTH, 120)
        assert picture.frames == 0.5 * RATE
        assert bool(container.streams.audio) == sound


def test_a_page_of_a_sound(avplug, tmp_path):
    source = recipes.sound_only(tmp_path / "sound.mp4")
    out = tmp_path / "page.html"
    result = avplug("preview", str(source), "-c", "shot", "-s", "2", "-o", str(out))
    assert result.exit_code == 0, result.stderr
    assert out.read_text().count("<audio") == 2
