"""Clips stored as a folder of frames and a sound file, in CAV-MAE's layout."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from avplug.core.clip import Clip, InputSpec
from avplug.core.errors import MediaError
from avplug.media.pictures import fit, open_rgb
from avplug.media.sound import read_sound

#: The published extraction stores one frame of each tenth of a clip.
PARTS = 10

#: Published sets hold JPEG; PNG keeps every value.
SUFFIXES = (".jpg", ".png")

_FOLDER = re.compile(r"frame_(\d+)\Z")


def read_frame_folder(
    video_path: str | Path,
    video_id: str,
    wav: str | Path,
    spec: InputSpec,
    parts: int = PARTS,
) -> Clip:
    """Return the clip of ``<video_path>/frame_<i>/<video_id>.jpg`` and a sound file.

    A ``.png`` stands in for a ``.jpg`` that is not there. Frame i stands for the i-th
    of ``parts`` equal parts of the clip and carries its start as time. What the spec
    picks out of another grid is looked up in these; rule ``"all"`` takes a frame of
    each ``frame_<i>`` that there is, sorted by number.

    Raises:
        MediaError: A frame or the sound is missing or damaged. No other frame is taken
            in its place.
    """
    folder = Path(video_path)
    audio, rate = read_sound(wav, spec.sample_rate, spec.channels)
    duration = audio.shape[1] / rate
    indices = _stored(folder) if spec.frame_rule == "all" else _stands_for(spec, parts)
    pictures = []
    for index in indices:
        path = _frame(folder / f"frame_{index}", video_id)
        if path is None:
            path = folder / f"frame_{index}" / f"{video_id}{SUFFIXES[0]}"
            raise MediaError(
                f"Clip '{video_id}' has no frame {index}: there is no file '{path}'."
            )
        pictures.append(fit(open_rgb(path), spec.size))
    if len({picture.shape for picture in pictures}) > 1:
        raise MediaError(f"The frames of clip '{video_id}' differ in size.")
    times = np.array([index * duration / parts for index in indices])
    return Clip(video_id, np.stack(pictures), times, audio, rate, duration)


def _frame(folder: Path, video_id: str) -> Path | None:
    paths = (folder / f"{video_id}{suffix}" for suffix in SUFFIXES)
    return next((path for path in paths if path.is_file()), None)


def _stands_for(spec: InputSpec, parts: int) -> list[int]:
    if spec.frame_rule in ("centre", "uavm"):
        return [(2 * pick + 1) * parts // (2 * spec.grid) for pick in spec.picks]
    return [pick * parts // spec.grid for pick in spec.picks]


def _stored(folder: Path) -> list[int]:
    matches = (_FOLDER.match(path.name) for path in folder.glob("frame_*"))
    numbers = sorted(int(match[1]) for match in matches if match)
    if not numbers:
        raise MediaError(f"There is no folder of frames '{folder / 'frame_<i>'}'.")
    return numbers
