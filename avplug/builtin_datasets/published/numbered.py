"""Clips as a folder of numbered frames and a sound, as the CVPR'21 attacks read."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from avplug.core.clip import Clip, InputSpec
from avplug.core.errors import MediaError
from avplug.media.picking import pick_frames
from avplug.media.pictures import fit, open_rgb
from avplug.media.sound import read_sound

#: The published extraction stores so many frames of each second.
RATE = 8


@dataclass(frozen=True, slots=True)
class NumberedFrames:
    """``<folder>/000001.jpg`` and so on, 8 a second, and a sound file."""

    folder: str
    wav: str

    def load(self, base: Path, spec: InputSpec, clip_id: str) -> Clip:
        """Read the sound and those frames that the spec asks for."""
        paths = sorted((base / self.folder).glob("*.jpg"))
        if not paths:
            raise MediaError(f"There is no frame '{base / self.folder}/000001.jpg'.")
        audio, rate = read_sound(base / self.wav, spec.sample_rate, spec.channels)
        times = np.arange(len(paths)) / RATE
        end = len(paths) / RATE
        picks = pick_frames(times, end, spec, rate=Fraction(RATE))
        pictures = [fit(open_rgb(paths[pick]), spec.size) for pick in picks]
        if len({picture.shape for picture in pictures}) > 1:
            raise MediaError(f"The frames of clip '{clip_id}' differ in size.")
        duration = max(end, audio.shape[1] / rate)
        return Clip(clip_id, np.stack(pictures), times[picks], audio, rate, duration)

    def files(self, base: Path) -> list[Path]:
        """Return the frames and the sound."""
        return [*sorted((base / self.folder).glob("*.jpg")), base / self.wav]

    def describe(self, base: Path) -> list[str | float | None]:
        """Return names and the size of the sound."""
        path = base / self.wav
        return [self.folder, path.stat().st_size if path.is_file() else -1]
