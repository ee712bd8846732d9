"""Added noise has its nominal SNR on every real clip and recording, at every severity.

Clips, recordings and every 250th spoken digit of the shared data. The SNR is that
before clipping to -1..1; what clipping takes is measured, and is little.
"""

import io
import os
import zipfile
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import soundfile

from avplug.core.clip import Clip
from avplug.core.corruption import SEVERITIES, corrupt, nominal_snr_db
from avplug.media.container import import_av
from avplug.signal.mixing import achieved_snr_db, power
from avplug.signal.noise_level import noise_level
from tests.builtin_corruptions.clips import SPECS, load

SHARED = Path(os.environ.get("AVPLUG_SHARED") or Path(__file__).parents[3] / "shared")
DATA = SHARED / "data"
DIGITS = DATA / "avdigits" / "fsdd_recordings.zip"

DIGITAL = (40.0, 30.0, 20.0, 10.0, 0.0)
RECORDED = (20.0, 15.0, 10.0, 5.0, 0.0)
BACKGROUNDS = (
    *("snow", "frost", "spatter", "wind", "rain", "underwater"),
    *("concert", "smoke", "crowd"),
)
#: Nominal SNR by corruption and profile, where a profile has levels of its own.
LEVELS = {
    ("gaussian", "paper"): DIGITAL,
    ("gaussian", "released"): (1.0, 2.0, 3.0, 4.0, 5.0),
    **{(name, "paper"): DIGITAL for name in ("impulse", "shot", "speckle")},
    **{(name, "paper"): DIGITAL for name in BACKGROUNDS},
    **{(name, "released"): RECORDED for name in BACKGROUNDS},
}
#: These clip by themselves, as the public code does.
LIMITED = ("impulse", "shot", "speckle")


@cache
def real_files():
    """Paths of sounds in the shared data, with those inside the digits' archive."""
    files = [*DATA.glob("clips/*.wav"), *DATA.glob("clips/*.mp4")]
    files += [*DATA.glob("frames_and_wav/**/*.wav"), *DATA.glob("recordings/**/*.wav")]
    names = [path.relative_to(DATA).as_posix() for path in sorted(files)]
    if DIGITS.is_file():
        with zipfile.ZipFile(DIGITS) as archive:
            digits = [n for n in sorted(archive.namelist()) if n.endswith(".wav")]
        names += digits[::250]
    return names or [pytest.param("", marks=pytest.mark.skip(f"no sounds in {DATA}"))]


def container_sound(path):
    with import_av("A test").open(str(path)) as container:
        rate = container.streams.audio[0].rate
        blocks = [frame.to_ndarray() for frame in container.decode(audio=0)]
    return np.concatenate(blocks, axis=1), rate


def read(name):
    """Return a file's samples, float32 [C, N], and its rate."""
    path = DATA / name
    if path.suffix == ".mp4":
        return container_sound(path)
    if not path.is_file():
        with zipfile.ZipFile(DIGITS) as archive:
            path = io.BytesIO(archive.read(name))
    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    return np.ascontiguousarray(samples.T), rate


def heard(name, samples, rate):
    return Clip(name, None, None, samples, rate, samples.shape[1] / rate)


def test_every_corruption_that_adds_noise_is_here():
    clip = heard("clip", np.ones((1, 10), np.float32), 16_000)
    for name, spec in SPECS.items():
        for profile in spec.profiles:
            component = load(name, profile)
            found = tuple(nominal_snr_db(clip, component, name, s) for s in SEVERITIES)
            without = LEVELS.get((name, "paper"), (None,) * 5)
            assert found == LEVELS.get((name, profile), without), (name, profile)


@pytest.mark.parametrize("file", real_files())
def test_the_nominal_snr_is_reached(file, monkeypatch):
    monkeypatch.delenv("AVPLUG_RECORDINGS", raising=False)
    samples, rate = read(file)
    assert power(samples) > 0
    # The SNR does not depend on the level; this one is out of reach of clipping.
    faint = heard(file, samples / 128, rate)
    for (name, profile), levels in LEVELS.items():
        component = load(name, profile)
        for severity, nominal in zip(SEVERITIES, levels, strict=True):
            spoilt = corrupt(faint, component, name, severity, modalities="a").audio
            assert np.abs(spoilt).max() < 1
            found = achieved_snr_db(faint.audio, spoilt)
            assert found == pytest.approx(nominal, abs=0.01), (name, profile, severity)


@pytest.mark.parametrize("file", real_files())
def test_clipping_takes_little_and_is_measured(file, monkeypatch):
    monkeypatch.delenv("AVPLUG_RECORDINGS", raising=False)
    samples, rate = read(file)
    source = heard(file, samples, rate)
    for name, profile in LEVELS:
        if profile == "released":
            continue
        spoilt = corrupt(source, load(name), name, 5, modalities="a").audio
        level = noise_level(samples, spoilt, 0.0)
        if name not in LIMITED:
            assert level.snr_db == pytest.approx(0, abs=0.01), name
        # Noise of high peaks loses most: the drops of spatter up to 4.6 dB.
        assert -0.01 < level.clipped_snr_db < 5, name
        assert 0 <= level.clipped < 0.06, name
