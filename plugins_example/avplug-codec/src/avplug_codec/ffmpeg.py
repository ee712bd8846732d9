"""What the linked FFmpeg can do, and which one it is."""

from __future__ import annotations

import os
import re
from abc import abstractmethod
from collections.abc import Iterable
from typing import Any

import av

from avplug import Corruption, UsageError

# SVT-AV1 prints its settings whenever it starts; only errors are of interest.
os.environ.setdefault("SVT_LOG", "1")


class Transcoding(Corruption):
    """A corruption that encodes and decodes all frames of a clip.

    Raises:
        UsageError: The linked FFmpeg lacks an encoder.
    """

    profiles = ("paper",)
    whole_clip = True

    def __init__(self, profile: str = "paper") -> None:
        super().__init__(profile)
        name = re.sub("(?<=[a-z])(?=[A-Z])", "-", type(self).__name__).lower()
        require(self.encoders(), f"Corruption '{name}'")

    @abstractmethod
    def encoders(self) -> tuple[str, ...]:
        """Return FFmpeg's names of the encoders that it takes."""

    def facts(self) -> dict[str, Any]:
        """Return which FFmpeg codes."""
        version = ".".join(map(str, av.library_versions["libavcodec"]))
        return {"pyav": av.__version__, "libavcodec": version}


def require(encoders: Iterable[str], what: str) -> None:
    """Make sure that all encoders are there.

    Args:
        encoders: FFmpeg's names.
        what: Who needs them, for the message.

    Raises:
        UsageError: Names those that are missing.
    """
    missing = [name for name in encoders if not _has(name)]
    if missing:
        raise UsageError(
            f"{what} needs the encoder {' and '.join(missing)}, which the FFmpeg "
            f"of PyAV {av.__version__} was built without.",
            "PyAV's wheels have it: pip install --force-reinstall --only-binary "
            "av av. The plugin's other corruptions do not need it.",
        )


def _has(encoder: str) -> bool:
    try:
        av.Codec(encoder, "w")
    except ValueError:
        return False
    return True
