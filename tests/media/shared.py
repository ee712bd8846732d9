"""Real clips and reference figures, where this checkout has them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

SHARED = Path(
    os.environ.get("AVPLUG_SHARED") or Path(__file__).resolve().parents[3] / "shared"
)
BASKETBALL = SHARED / "data" / "clips" / "BkjpjAohg-0.mp4"
FOLDER = SHARED / "data" / "frames_and_wav"
PREPROCESS = SHARED / "golden" / "models" / "preprocess"

needs_shared = pytest.mark.skipif(
    not BASKETBALL.is_file(), reason="the real clips are not here: set AVPLUG_SHARED"
)
