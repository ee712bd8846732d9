"""What the linked FFmpeg can do, and which one it is."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

import av

from avplug import UsageError

# SVT-AV1 prints its settings whenever it starts; only errors are of interest.
os.environ.setdefault("SVT_LOG", "1")


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


def build() -> dict[str, Any]:
    """Return what decides the bits of a coded clip, as plain data."""
    version = ".".join(map(str, av.library_versions["libavcodec"]))
    return {"pyav": av.__version__, "libavcodec": version}


def _has(encoder: str) -> bool:
    try:
        av.Codec(encoder, "w")
    except ValueError:
        return False
    return True
