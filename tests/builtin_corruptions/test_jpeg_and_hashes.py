"""Bit-exact outputs: JPEG as Pillow has it, and equal noise on every machine."""

import hashlib
import io

import numpy as np
import pytest
from PIL import Image

from avplug.builtin_corruptions import compression
from avplug.builtin_corruptions.compression import JPEG_QUALITY
from avplug.core.corruption import corrupt
from avplug.core.errors import MediaError
from tests.builtin_corruptions.clips import clip, load, picture, sound

#: First 16 hex digits of SHA-256 over severities 1 to 5 of ``clip()``.
PICTURE_HASHES = {
    "gaussian": "f2fbc5894df4d6ef",
    "impulse": "7678fa9656fc21bf",
    "shot": "8d745ec85ee344f7",
    "speckle": "2ba64f57f9c10528",
    "compression": "8a9bc0266c4717be",
    "snow": "4d4dbfb5fbfd43f8",
    "frost": "4c52e2c12ace070c",
    "spatter": "3f5a8cdf5a2ec8a6",
    "wind": "c75eec5695d6656f",
    "rain": "1ad430b2a2a7eae0",
    "underwater": "1c9a092017201903",
    "concert": "8b6586bed63a80f5",
    "smoke": "785bbcd0a4f59119",
}
#: The same of the sound, in steps of 1/4096.
SOUND_HASHES = {
    "gaussian": "194e755fb21501b6",
    "impulse": "8fd6ae4a8f8a03fc",
    "shot": "c9546b26861e6ccf",
    "speckle": "3f38564346ef240f",
    "snow": "f34f4cb9456a8a81",
    "frost": "d486e2cb220c19a2",
    "spatter": "2b0d6c5182935314",
    "wind": "a24ddf95339f34c3",
    "rain": "f84d51c3db7bb090",
    "underwater": "308e6757b89a5190",
    "concert": "077ec821d59c9073",
    "smoke": "fc6e6f8ae13ed53a",
    "crowd": "6e69a4cc1f33c6f9",
    "interference": "db21d17246da564e",
}


def digest(arrays):
    return hashlib.sha256(b"".join(a.tobytes() for a in arrays)).hexdigest()[:16]


def severities(name):
    source = clip(audio=sound(2))
    return [corrupt(source, load(name), name, severity) for severity in range(1, 6)]


@pytest.mark.parametrize(("name", "expected"), PICTURE_HASHES.items())
def test_pictures_are_equal_on_every_machine(name, expected):
    assert digest([step.frames for step in severities(name)]) == expected


@pytest.mark.parametrize(("name", "expected"), SOUND_HASHES.items())
def test_sounds_are_equal_on_every_machine(name, expected):
    steps = [np.rint(step.audio * 4096).astype("<i2") for step in severities(name)]
    assert digest(steps) == expected


@pytest.mark.parametrize(
    ("height", "width"), [(224, 224), (203, 361), (16, 16), (1, 9)]
)
@pytest.mark.parametrize("severity", range(1, 6))
def test_jpeg_equals_pillow(severity, height, width):
    frames, times = picture(2, height, width)
    spoilt = corrupt(clip("clip", frames, times), load("compression"), "x", severity)
    for clean, frame in zip(frames, spoilt.frames, strict=True):
        file = io.BytesIO()
        quality = JPEG_QUALITY[severity - 1]
        Image.fromarray(clean).save(file, "JPEG", quality=quality)
        assert np.array_equal(frame, np.asarray(Image.open(file)))


def test_a_frame_too_large_for_jpeg_is_refused():
    frames, times = picture(1, 1, 65_501)
    with pytest.raises(MediaError, match="65501x1 pixels cannot be stored as JPEG"):
        corrupt(clip("wide", frames, times), load("compression"), "compression", 1)


def test_an_opencv_that_reads_blue_first_gives_the_same(monkeypatch):
    frame = np.random.default_rng(3).integers(0, 256, (37, 41, 3), np.uint8)
    direct = compression._jpeg(frame, 15)
    monkeypatch.setattr(compression, "_READ_RGB", 0)
    np.testing.assert_array_equal(compression._jpeg(frame, 15), direct)
