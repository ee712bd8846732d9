"""How a written data set lies on disk: trees of frames and sounds, or of videos."""

from __future__ import annotations

import csv
import io
import json
import posixpath
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from avplug.core.clip import Clip, InputSpec
from avplug.core.errors import MediaError
from avplug.media.frames import PARTS
from avplug.media.pictures import save_rgb
from avplug.media.wave import write_wave
from avplug.media.write import write_clip

CLASSES = "class_labels_indices.csv"

#: Of JPEG frames: that of the published corrupted sets.
JPEG_QUALITY = 85
_SETTINGS = {"jpg": {"quality": JPEG_QUALITY}, "png": {"compress_level": 1}}


@dataclass(frozen=True, slots=True)
class Listed:
    """A clip in a list: its id, the name of its files, its labels' machine ids."""

    id: str
    name: str
    labels: tuple[str, ...]


class Layout(Protocol):
    """Where files go, and how the lists name them; paths are relative to the root.

    A cell's folder is ``<corruption>/severity_<s>``.
    """

    @property
    def spec(self) -> InputSpec:
        """How clips are sampled."""

    def write(
        self, root: Path, cell: str, name: str, clip: Clip, comment: str
    ) -> list[str]:
        """Write a clip and return the paths of its files.

        Raises:
            MediaError: The clip lacks a track, or a file cannot be written.
        """

    def list_path(self, cell: str) -> str:
        """Return the path of a cell's list."""

    def list_content(self, cell: str, rows: Sequence[Listed]) -> bytes:
        """Return a cell's list of clips."""


@dataclass(frozen=True, slots=True)
class FrameTree:
    """Ten frames and a float sound for each clip, listed in json as CAV-MAE's are.

    ::

        video/<corruption>/severity_<s>/frame_<i>/<name>.jpg
        audio/<corruption>/severity_<s>/<name>.wav
        json/both/<corruption>/severity_<s>.json
        json/clean/severity_0.json

    Args:
        picture: ``"jpg"`` of quality 85, or ``"png"``, which keeps every value.
        kind: Folder of the lists: ``"both"``, ``"video"`` or ``"audio"``.
        size: Side of a frame; 0 keeps the clip's.
        sample_rate: Hz; 0 keeps the clip's.
    """

    picture: Literal["jpg", "png"] = "jpg"
    kind: str = "both"
    size: int = 224
    sample_rate: int = 16_000

    @property
    def spec(self) -> InputSpec:
        """A frame of each tenth, as the published extraction takes them."""
        picks = tuple(range(PARTS))
        return InputSpec(
            self.size, self.sample_rate, 0.0, PARTS, picks, "cav-mae", "first"
        )

    def write(
        self, root: Path, cell: str, name: str, clip: Clip, comment: str
    ) -> list[str]:
        """Write the frames and the sound; there is no place for the comment."""
        frames, audio = _require_both(clip)
        if len(frames) != PARTS:
            raise MediaError(f"Clip '{clip.id}' has {len(frames)} frames, not {PARTS}.")
        paths = []
        for number, frame in enumerate(frames):
            path = f"video/{cell}/frame_{number}/{name}.{self.picture}"
            save_rgb(root / path, frame, **_SETTINGS[self.picture])
            paths.append(path)
        path = f"audio/{cell}/{name}.wav"
        write_wave(root / path, audio, clip.sample_rate)
        return [*paths, path]

    def list_path(self, cell: str) -> str:
        """Return ``json/both/<cell>.json``, or ``json/clean/severity_0.json``."""
        kind = "" if cell.startswith("clean/") else f"{self.kind}/"
        return f"json/{kind}{cell}.json"

    def list_content(self, cell: str, rows: Sequence[Listed]) -> bytes:
        """Return json; its paths are relative to the list, so the tree can move."""
        here = posixpath.dirname(self.list_path(cell))
        video = posixpath.relpath(f"video/{cell}", here)
        audio = posixpath.relpath(f"audio/{cell}", here)
        data = [
            {
                "video_id": row.name,
                "wav": f"{audio}/{row.name}.wav",
                "video_path": video,
                "labels": ",".join(row.labels),
                **({} if row.id == row.name else {"source_id": row.id}),
            }
            for row in rows
        ]
        return json.dumps({"data": data}, indent=1).encode() + b"\n"


@dataclass(frozen=True, slots=True)
class MovieTree:
    """One mp4 for each clip, listed in a ``clips.csv`` beside it.

    ::

        <corruption>/severity_<s>/<name>.mp4
        <corruption>/severity_<s>/clips.csv

    Args:
        lossless: Keep every value; large, and not for browsers.
        size: Side of a frame; 0 keeps the clip's.
        sample_rate: Hz; 0 keeps the clip's.
    """

    lossless: bool = False
    size: int = 0
    sample_rate: int = 0

    @property
    def spec(self) -> InputSpec:
        """Every frame and every channel."""
        return InputSpec(self.size, self.sample_rate, 0.0, 0, (), "all", "all")

    def write(
        self, root: Path, cell: str, name: str, clip: Clip, comment: str
    ) -> list[str]:
        """Write the video, with what was done in its comment tag."""
        _require_both(clip)
        path = f"{cell}/{name}.mp4"
        write_clip(clip, root / path, lossless=self.lossless, comment=comment)
        return [path]

    def list_path(self, cell: str) -> str:
        """Return ``<cell>/clips.csv``."""
        return f"{cell}/clips.csv"

    def list_content(self, cell: str, rows: Sequence[Listed]) -> bytes:
        """Return csv; ids that a csv cannot keep give way to the name of the file."""
        cells = [
            (f"{row.name}.mp4", "|".join(row.labels), _csv_id(row)) for row in rows
        ]
        return csv_bytes([("file", "label", "id"), *cells])


def csv_bytes(rows: Sequence[Sequence[object]]) -> bytes:
    """Return rows as csv in UTF-8."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


def _csv_id(row: Listed) -> str:
    kept = row.id == row.id.strip() and row.id.isprintable()
    return row.id if kept and row.id else row.name


def _require_both(clip: Clip) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    if clip.frames is None or clip.audio is None or not clip.audio.size:
        lacks = "frames" if clip.frames is None else "sound"
        raise MediaError(
            f"Clip '{clip.id}' has no {lacks}; a data set on disk needs both."
        )
    return clip.frames, clip.audio
