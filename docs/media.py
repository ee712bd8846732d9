"""Draw the corruptions' pictures, write their sounds: ``python docs/media.py``.

They are what ``avplug preview`` shows of a clip of ``events``, one sheet for each
corruption, and its sound under severity 5 as MP3.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile

from avplug import Clip, InputSpec
from avplug.cli.preview import preview_rows
from avplug.core.registry import get_registry
from avplug.media.pictures import save_rgb
from avplug.media.sheet import draw_sheet

DOCS = Path(__file__).parent
SEVERITIES = (1, 3, 5)
COLUMNS = ("clean", *(f"severity {severity}" for severity in SEVERITIES))


def main() -> None:
    """Write ``images/corruptions``, ``images/corruptions.jpg`` and ``sounds``."""
    dataset = get_registry().get("dataset", "events").load()(split="test")
    clip = dataset.load(dataset.clips[0], InputSpec(size=224))
    rows = preview_rows(clip, ["avplug/*"], SEVERITIES)
    save_rgb(DOCS / "images" / "corruptions.jpg", draw_sheet(rows, COLUMNS))
    write_sound(DOCS / "sounds" / "clean.mp3", clip)
    for row in rows:
        sheet = draw_sheet([row], COLUMNS)
        save_rgb(DOCS / "images" / "corruptions" / f"{row.name}.jpg", sheet, quality=60)
        write_sound(DOCS / "sounds" / f"{row.name}.mp3", row.clips[-1])


def write_sound(path: Path, clip: Clip) -> None:
    """Write a clip's sound, made softer where it leaves -1..1."""
    assert clip.audio is not None
    path.parent.mkdir(exist_ok=True)
    samples = clip.audio.T / max(1.0, float(np.abs(clip.audio).max()))
    soundfile.write(path, samples, clip.sample_rate, format="MP3")


if __name__ == "__main__":
    main()
