import numpy as np
import pytest

from avplug.core.clip import Clip
from avplug.core.errors import MediaError
from avplug.media.sheet import HEADER, MARGIN, SPECTRUM, WAVE, Row, draw_sheet
from avplug.media.strips import draw_sound, loudest

RATE = 16_000


def clip(shade=100, gain=0.5, pitch=440.0, picture=True, sound=True) -> Clip:
    time = np.arange(RATE) / RATE
    tone = (gain * np.sin(2 * np.pi * pitch * time)).astype(np.float32)[None]
    frames = np.full((3, 60, 80, 3), shade, np.uint8) if picture else None
    times = np.arange(3) / 3 if picture else None
    return Clip("x", frames, times, tone if sound else None, RATE, 1.0)


def test_each_cell_shows_its_clip():
    row = Row("gaussian", [clip(40), clip(200)])
    sheet = draw_sheet([row, row], ["clean", "severity 5"], cell=80)
    assert sheet.dtype == np.uint8
    line = HEADER + 30
    assert sheet[line, MARGIN + 40].tolist() == [40, 40, 40]
    assert sheet[line, MARGIN + 86 + 40].tolist() == [200, 200, 200]
    below = line + 60 + SPECTRUM + WAVE
    assert sheet[below, MARGIN + 40].tolist() == [40, 40, 40]


def test_the_heading_and_the_name_are_written():
    rows = [Row("a-name-much-longer-than-its-margin", [clip()])]
    sheet = draw_sheet(rows, ["clean"], cell=80)
    assert sheet[:HEADER, MARGIN:].min() < 128
    assert sheet[HEADER:, :MARGIN].min() < 128
    assert sheet[HEADER:, : MARGIN // 20].min() == 255


def test_a_clip_without_picture_or_sound_stays_grey():
    rows = [Row("x", [clip(), clip(picture=False, sound=False)])]
    sheet = draw_sheet(rows, ["clean", "1"], cell=80)
    cell = sheet[HEADER : HEADER + 60 + SPECTRUM, MARGIN + 86 : MARGIN + 166]
    assert np.ptp(cell) == 0


def test_rows_must_fill_the_columns():
    with pytest.raises(MediaError, match="rows of 2 clips"):
        draw_sheet([Row("x", [clip()])], ["clean", "1"])


def test_a_tone_is_a_line_at_its_pitch():
    low, high = (
        draw_sound(clip(pitch=pitch), 90, 48, 24, loudest(clip()))[:48].sum((1, 2))
        for pitch in (200.0, 3000.0)
    )
    assert low.argmax() > high.argmax()


def test_louder_is_drawn_larger_on_the_same_scale():
    scale = loudest(clip(gain=0.5))

    def inked(gain: float) -> int:
        wave = draw_sound(clip(gain=gain), 90, 48, 24, scale)[48:]
        return int((wave[..., 0] < 128).sum())

    assert inked(0.1) < inked(0.5) < inked(0.9)


def test_silence_and_single_samples_can_be_drawn():
    silent = clip(gain=0.0)
    assert draw_sound(silent, 90, 48, 24, loudest(silent)).shape == (72, 90, 3)
    short = Clip("x", None, None, np.ones((1, 1), np.float32), RATE, 0.1)
    assert draw_sound(short, 90, 48, 24, loudest(short)).shape == (72, 90, 3)
