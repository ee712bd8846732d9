"""Checks of a corruption: any picture, any sound, tracks that are missing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from avplug.core.clip import Clip
from avplug.core.corruption import SEVERITIES
from avplug.core.errors import UsageError
from avplug.testing.checks import (
    Subject,
    Violation,
    left_to,
    promise,
    require,
)
from avplug.testing.clips import FPS, clip, picture, sound
from avplug.testing.corruptions import applied

#: Frames, height, width.
_PICTURES = {
    "one frame": (1, 64, 96),
    "odd size": (2, 61, 97),
    "portrait": (2, 96, 54),
    "16 x 16": (2, 16, 16),
    "90 frames": (90, 20, 24),
}
#: Rate, samples, channels.
_SOUNDS = {
    "stereo": (16_000, 8_000, 2),
    "8 kHz": (8_000, 4_000, 1),
    "44.1 kHz": (44_100, 22_050, 1),
    "50 ms": (16_000, 800, 1),
    "one sample": (16_000, 1, 1),
}


@promise("corruption")
def shape_and_dtype(subject: Subject) -> None:
    """Size, number, dtype and length of picture and sound stay."""
    source = clip(subject.seed)
    for severity in SEVERITIES:
        _keeps(subject, source, severity, "an ordinary clip")


@promise("corruption")
def finite(subject: Subject) -> None:
    """Samples stay finite, and within what can be meant: 100 times full scale."""
    source = clip(subject.seed)
    for severity in SEVERITIES:
        spoilt = applied(
            subject.make(), subject.spec.name, source, severity, subject.seed
        )
        peak = float(np.abs(np.asarray(spoilt.audio)).max())
        require(peak <= 100, f"severity {severity}: the largest sample is {peak}")


@promise("corruption")
def any_picture(subject: Subject) -> None:
    """Any size and number of frames: odd, portrait, tiny, one, many."""
    for label, (count, height, width) in _PICTURES.items():
        frames = picture(subject.seed, count, height, width)
        times = np.arange(count) / FPS
        source = replace(clip(subject.seed), frames=frames, times=times)
        _comes_through(subject, source, label)


@promise("corruption")
def any_sound(subject: Subject) -> None:
    """Any rate, mono and stereo, a fraction of a second, a single sample."""
    for label, (rate, count, channels) in _SOUNDS.items():
        audio = sound(subject.seed, rate, count, channels)
        source = replace(clip(subject.seed), audio=audio, sample_rate=rate)
        _comes_through(subject, source, label)


@promise("corruption")
def silence(subject: Subject) -> None:
    """Silence and a black picture come through, finite."""
    for channels, label in ((1, "silence"), (2, "silence in stereo")):
        plain = clip(subject.seed, channels=channels)
        assert plain.frames is not None
        assert plain.audio is not None
        source = replace(
            plain, frames=np.zeros_like(plain.frames), audio=np.zeros_like(plain.audio)
        )
        with left_to(subject, any_sound):
            _comes_through(subject, source, label)


@promise("corruption")
def missing_track(subject: Subject) -> None:
    """A clip without sound, or without a picture, keeps what it has."""
    both = clip(subject.seed)
    _comes_through(subject, replace(both, audio=None, sample_rate=0), "no sound")
    _comes_through(subject, replace(both, frames=None, times=None), "no picture")


def _comes_through(subject: Subject, source: Clip, label: str) -> None:
    """Make sure that an unusual clip comes through, finite."""
    for severity in SEVERITIES:
        with left_to(subject, shape_and_dtype, finite):
            _is_whole(subject, source, severity, label)


def _is_whole(subject: Subject, source: Clip, severity: int, label: str) -> None:
    spoilt = _keeps(subject, source, severity, label)
    if source.audio is not None:
        odd = int((~np.isfinite(np.asarray(spoilt.audio))).sum())
        require(
            not odd,
            f"{label}, severity {severity}: {odd} of {source.audio.size} samples "
            "became infinite or NaN",
        )


def _keeps(subject: Subject, source: Clip, severity: int, label: str) -> Clip:
    """Corrupt a clip, and make sure that shapes and dtypes are kept."""
    where = f"{label}, severity {severity}"
    try:
        spoilt = applied(
            subject.make(), subject.spec.name, source, severity, subject.seed
        )
    except UsageError:
        raise
    except Exception as error:
        raise Violation(f"{where}: raised {type(error).__name__}: {error}") from error
    for before, after in (
        (source.frames, spoilt.frames),
        (source.audio, spoilt.audio),
    ):
        if before is None:
            continue
        require(
            isinstance(after, np.ndarray)
            and after.shape == before.shape
            and after.dtype == before.dtype,
            f"{where}: {before.dtype} {list(before.shape)} became "
            f"{getattr(after, 'dtype', type(after).__name__)} "
            f"{list(np.shape(after))}",  # type: ignore[arg-type]
        )
    return spoilt
