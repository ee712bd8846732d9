"""Where a clip's picture and sound come from, and how they are loaded."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Protocol

from avplug.core.clip import Clip, InputSpec
from avplug.core.errors import MediaError
from avplug.media.frames import PARTS, read_frame_folder
from avplug.media.pair import read_pair
from avplug.media.read import Tracks, read_clip
from avplug.media.sound import read_sound


class Source(Protocol):
    """The files of a clip, found and read when the clip is loaded."""

    def load(self, base: Path, spec: InputSpec, clip_id: str) -> Clip:
        """Read the clip; relative paths are relative to ``base``.

        Raises:
            MediaError: A file is missing or damaged.
        """

    def files(self, base: Path) -> list[Path]:
        """Return the files that are read.

        Raises:
            MediaError: One cannot be named.
        """

    def describe(self, base: Path) -> list[str | float | None]:
        """Return what tells this content from other content: names, sizes, times."""


@dataclass(frozen=True, slots=True)
class Video:
    """A video file, or a part of it; ``wav`` replaces its sound if given."""

    file: str
    wav: str = ""
    start: float = 0.0
    end: float | None = None

    def load(self, base: Path, spec: InputSpec, clip_id: str) -> Clip:
        """Read both tracks, or the picture and the sound file."""
        need: Tracks = "v" if self.wav else "av"
        path = base / self.file
        clip = read_clip(path, spec, clip_id, start=self.start, end=self.end, need=need)
        if not self.wav:
            return clip
        return _with_sound(clip, base / self.wav, spec, self.start, self.end)

    def files(self, base: Path) -> list[Path]:
        """Return the video, and the sound file if there is one."""
        return [base / self.file, *([base / self.wav] if self.wav else [])]

    def describe(self, base: Path) -> list[str | float | None]:
        """Return names, part and sizes."""
        sizes = [_size(base / self.file), _size(base / self.wav) if self.wav else 0]
        return [self.file, self.wav, self.start, self.end, *sizes]


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture shown while a sound file is heard."""

    file: str
    wav: str

    def load(self, base: Path, spec: InputSpec, clip_id: str) -> Clip:
        """Read the picture and the sound."""
        return read_pair(base / self.file, base / self.wav, spec, clip_id)

    def files(self, base: Path) -> list[Path]:
        """Return the picture and the sound."""
        return [base / self.file, base / self.wav]

    def describe(self, base: Path) -> list[str | float | None]:
        """Return names and sizes."""
        return [self.file, self.wav, _size(base / self.file), _size(base / self.wav)]


@dataclass(frozen=True, slots=True)
class Frames:
    """Frames in ``<folder>/frame_<i>/<name>.jpg``, ten by default, and a sound file.

    The paths may be those of another machine: they are then looked for under the base
    by their last parts.
    """

    folder: str
    wav: str
    name: str
    parts: int = PARTS

    def load(self, base: Path, spec: InputSpec, clip_id: str) -> Clip:
        """Read the frames and the sound."""
        folder, wav = resolve(base, self.folder), resolve(base, self.wav)
        clip = read_frame_folder(folder, self.name, wav, spec, self.parts)
        return replace(clip, id=clip_id)

    def files(self, base: Path) -> list[Path]:
        """Return the frames and the sound."""
        frames = resolve(base, self.folder).glob(f"frame_*/{self.name}.*")
        return [*sorted(frames), resolve(base, self.wav)]

    def describe(self, base: Path) -> list[str | float | None]:
        """Return the name and the size of the sound."""
        try:
            return [self.name, _size(resolve(base, self.wav))]
        except MediaError:
            return [self.name, -1]


def resolve(base: Path, stated: str) -> Path:
    """Return the file or folder that a path names, here or by its last parts.

    Raises:
        MediaError: There is none.
    """
    path = base / stated
    if path.exists():
        return path
    parts = PurePosixPath(stated).parts
    for first in range(1, len(parts)):
        candidate = base.joinpath(*parts[first:])
        if candidate.exists():
            return candidate
    raise MediaError(f"There is no '{stated}', nor its last parts under '{base}'.")


def _with_sound(
    clip: Clip, wav: Path, spec: InputSpec, start: float, end: float | None
) -> Clip:
    audio, rate = read_sound(wav, spec.sample_rate, spec.channels)
    last = None if end is None else round(end * rate)
    audio = audio[:, round(start * rate) : last]
    if audio.shape[1] == 0:
        raise MediaError(f"'{wav}' has no sound at {start:g} s.")
    duration = max(clip.duration, audio.shape[1] / rate)
    return replace(clip, audio=audio, sample_rate=rate, duration=duration)


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else -1
