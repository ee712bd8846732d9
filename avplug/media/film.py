"""A clip as a small film that any browser plays, in memory."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from avplug.core.clip import Clip
from avplug.media.pictures import save_rgb
from avplug.media.write import write_clip

#: Of x264: small rather than exact.
_CRF = 30
#: Of JPEG.
_POSTER = 70


def film(clip: Clip) -> tuple[bytes, bytes]:
    """Return a clip as mp4, and its middle frame as JPEG; b"" where it has no picture.

    Raises:
        MediaError: The clip is empty, or writing failed.
        MissingExtraError: PyAV is not installed.
    """
    with TemporaryDirectory() as folder:
        path, poster = Path(folder, "clip.mp4"), Path(folder, "poster.jpg")
        write_clip(clip, path, crf=_CRF)
        if clip.frames is None:
            return path.read_bytes(), b""
        save_rgb(poster, clip.frames[len(clip.frames) // 2], quality=_POSTER)
        return path.read_bytes(), poster.read_bytes()
