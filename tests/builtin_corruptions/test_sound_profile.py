"""The statistics of sounds equal the published ones on the recordings themselves."""

import os
from pathlib import Path

import pytest
import soundfile

from tests.builtin_corruptions.sound_profile import PROFILES, profile, published

SHARED = Path(os.environ.get("AVPLUG_SHARED", Path(__file__).parents[3] / "shared"))
RECORDINGS = SHARED / "data" / "recordings"
#: One of each kind: digital silence in it, two channels, 44.1 kHz, clicks, low-passed.
FILES = (
    "concert/concert1_1.wav",
    "crowd_speech/crowd_2.wav",
    "crackling_fire_and_siren/5-189237-A-12.wav",
    "water_drops/5-259180-A-15.wav",
    "underwater/underwater1_8.wav",
)
needs_profiles = pytest.mark.skipif(
    not PROFILES.is_file() or not RECORDINGS.is_dir(),
    reason=f"no {PROFILES} or no {RECORDINGS} (set AVPLUG_GOLDEN, AVPLUG_SHARED)",
)


@needs_profiles
@pytest.mark.parametrize("file", FILES)
def test_profiles_of_recordings_are_the_published_ones(file):
    found = profile(*soundfile.read(RECORDINGS / file))
    expected = published()["files"][file]["profile"]
    # Published with 5 digits; frames of almost nothing decide the last of a centroid.
    assert found == pytest.approx(expected, rel=2e-3)
