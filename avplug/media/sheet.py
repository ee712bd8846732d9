"""A contact sheet: how corruptions look, and under each picture how they sound."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from avplug.core.clip import Clip
from avplug.core.errors import MediaError
from avplug.media.strips import draw_sound, loudest

#: Pixels: width of a cell, heights of its two strips of sound, gaps and labels.
CELL, SPECTRUM, WAVE = 192, 48, 24
GAP, HEADER, MARGIN = 6, 22, 128
_PAPER, _INK, _MISSING = (255, 255, 255), (30, 30, 30), (225, 225, 225)


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the sheet: its name, and one clip for each column."""

    name: str
    clips: Sequence[Clip]


def draw_sheet(
    rows: Sequence[Row], columns: Sequence[str], *, cell: int = CELL
) -> NDArray[np.uint8]:
    """Return a contact sheet, uint8 [H, W, 3].

    Each cell shows the clip's middle frame, and under it the spectrogram and the
    waveform of its sound, on the scale of the row's first clip: put the clean one
    there. What a clip lacks stays grey.

    Args:
        rows: One for each corruption, each with a clip for every column.
        columns: Headings, such as ``"clean"``, ``"1"``, ``"3"``.
        cell: Width of a cell in pixels.

    Raises:
        MediaError: There is no row, or one has too few or too many clips.
    """
    if not rows or any(len(row.clips) != len(columns) for row in rows):
        raise MediaError(f"A sheet needs rows of {len(columns)} clips each.")
    heights = [_picture_height(row.clips, cell) for row in rows]
    tops = np.cumsum([HEADER, *(h + SPECTRUM + WAVE + GAP for h in heights)])
    width = MARGIN + len(columns) * (cell + GAP)
    sheet = Image.new("RGB", (width, int(tops[-1])), _PAPER)
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(13)
    for number, title in enumerate(columns):
        left = MARGIN + number * (cell + GAP)
        draw.text((left + cell / 2, HEADER / 2), title, _INK, font, anchor="mm")
    for row, top, height in zip(rows, tops.tolist(), heights, strict=False):
        middle = (MARGIN / 2, top + height / 2)
        draw.text(middle, _shortened(row.name, draw, font), _INK, font, anchor="mm")
        reference = loudest(row.clips[0])
        for number, clip in enumerate(row.clips):
            left = MARGIN + number * (cell + GAP)
            sheet.paste(_picture(clip, cell, height), (left, top))
            sound = draw_sound(clip, cell, SPECTRUM, WAVE, reference)
            sheet.paste(Image.fromarray(sound), (left, top + height))
    return np.asarray(sheet)


def _picture_height(clips: Sequence[Clip], cell: int) -> int:
    infos = [clip.info for clip in clips if clip.frames is not None]
    return max((round(cell * i.height / i.width) for i in infos), default=0) or HEADER


def _picture(clip: Clip, width: int, height: int) -> Image.Image:
    if clip.frames is None:
        return Image.new("RGB", (width, height), _MISSING)
    frame = Image.fromarray(clip.frames[len(clip.frames) // 2])
    return frame.resize((width, height), Image.Resampling.BICUBIC)


def _shortened(
    text: str,
    draw: ImageDraw.ImageDraw,
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
) -> str:
    shown = text
    while len(shown) > 2 and draw.textlength(shown, font) > MARGIN - 2 * GAP:
        shown = shown.rstrip("…")[:-1] + "…"
    return shown
