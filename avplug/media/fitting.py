"""From a clip as it is to what a model asks for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from avplug.core.clip import Clip, InputSpec
from avplug.media.pictures import fit
from avplug.media.sound import resample, select_channels


def as_is(spec: InputSpec) -> InputSpec:
    """Return a spec of the same moments, at the clip's own size, rate and channels."""
    return replace(spec, size=0, sample_rate=0, channels="all")


def every_frame(spec: InputSpec) -> InputSpec:
    """Return a spec of all moments, at the same size, rate and channels."""
    return replace(spec, grid=0, picks=(), frame_rule="all")


def shown_at(clip: Clip, times: NDArray[np.float64]) -> Clip:
    """Return a clip with the frames that it shows at these seconds, float64 [T]."""
    assert clip.frames is not None
    assert clip.times is not None
    # Stamps of one file are rounded alike; the margin is for others.
    shown = np.searchsorted(clip.times, times + 1e-9, side="right") - 1
    return replace(clip, frames=clip.frames[shown.clip(min=0)], times=times)


def fit_clip(clip: Clip, spec: InputSpec) -> Clip:
    """Return a clip loaded with :func:`as_is` at the size and rate that ``spec`` asks.

    Pictures are resized as by any loader; sound is resampled with
    ``scipy.signal.resample_poly``.
    """
    frames, audio, rate = clip.frames, clip.audio, clip.sample_rate
    if frames is not None and spec.size:
        frames = np.stack([fit(frame, spec.size) for frame in frames])
    if audio is not None:
        audio = resample(select_channels(audio, spec.channels), rate, spec.sample_rate)
        rate = spec.sample_rate or rate
    return replace(clip, frames=frames, audio=audio, sample_rate=rate)
