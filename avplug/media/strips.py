"""Sound drawn small: a spectrogram above a waveform."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from avplug.core.clip import Clip

#: Seconds of a spectrum, and the decibels from its brightest to its darkest shade.
WINDOW_SECONDS = 0.032
RANGE_DB = 80.0

_LOWEST_HZ = 50.0
_MISSING = 225
#: Shades from silence to the loudest, red, green and blue.
_SHADES = np.array(
    [(8, 6, 30), (70, 20, 110), (180, 50, 100), (245, 130, 40), (255, 250, 190)],
    np.float64,
)


@dataclass(frozen=True, slots=True)
class Loudness:
    """What counts as loud: the largest spectral power, and the largest amplitude."""

    power: float
    amplitude: float


def loudest(clip: Clip) -> Loudness:
    """Return the scale on which a clip fills its strips; 1 if it is silent or mute."""
    mono = _mono(clip)
    if mono is None or not np.any(mono):
        return Loudness(1.0, 1.0)
    power = _spectra(mono, clip.sample_rate)
    return Loudness(float(power.max()) or 1.0, float(np.abs(mono).max()))


def draw_sound(
    clip: Clip, width: int, spectrum: int, wave: int, reference: Loudness
) -> NDArray[np.uint8]:
    """Return a clip's sound drawn, uint8 [spectrum + wave, width, 3].

    The spectrogram runs from 50 Hz (below) to half the sample rate on a logarithmic
    scale; the waveform is cut where it is louder than twice the reference. A clip
    without sound is grey.
    """
    mono = _mono(clip)
    if mono is None:
        return np.full((spectrum + wave, width, 3), _MISSING, np.uint8)
    power = _spectra(mono, clip.sample_rate)
    return np.concatenate(
        [
            _draw_power(power, clip.sample_rate, width, spectrum, reference.power),
            _draw_wave(mono, width, wave, 2 * reference.amplitude),
        ]
    )


def _mono(clip: Clip) -> NDArray[np.float32] | None:
    if clip.audio is None or clip.audio.size == 0:
        return None
    mono: NDArray[np.float32] = clip.audio.mean(0)
    return mono


def _spectra(mono: NDArray[np.float32], rate: int) -> NDArray[np.float64]:
    """Return power [frames, bins] of half-overlapping Hann windows."""
    length = max(16, round(WINDOW_SECONDS * rate))
    padded = np.pad(mono, (0, max(0, length - len(mono))))
    frames = np.lib.stride_tricks.sliding_window_view(padded, length)[:: length // 2]
    spectra = np.fft.rfft(frames * np.hanning(length), axis=1)
    power: NDArray[np.float64] = np.abs(spectra) ** 2
    return power


def _draw_power(
    power: NDArray[np.float64], rate: int, width: int, height: int, loudest: float
) -> NDArray[np.uint8]:
    decibels = 10 * np.log10(np.maximum(power / loudest, 1e-30))
    shade = np.clip(1 + decibels / RANGE_DB, 0, 1)
    last = power.shape[1] - 1
    pitches = np.geomspace(rate / 2, min(_LOWEST_HZ, rate / 4), height)
    bins = np.minimum(np.rint(pitches / (rate / 2) * last).astype(int), last)
    image = Image.fromarray(shade[:, bins].T.astype(np.float32))
    shade = np.asarray(image.resize((width, height), Image.Resampling.BOX))
    place = np.linspace(0, 1, len(_SHADES))
    colours = [np.interp(shade, place, _SHADES[:, channel]) for channel in range(3)]
    return np.stack(colours, axis=-1).astype(np.uint8)


def _draw_wave(
    mono: NDArray[np.float32], width: int, height: int, limit: float
) -> NDArray[np.uint8]:
    edges = np.linspace(0, len(mono), width + 1).astype(int)
    starts = np.minimum(edges[:-1], len(mono) - 1)
    middle = (height - 1) / 2
    high = middle - middle * np.maximum.reduceat(mono, starts) / limit
    low = middle - middle * np.minimum.reduceat(mono, starts) / limit
    rows = np.arange(height)[:, None]
    inked = (rows >= np.floor(high)) & (rows <= np.ceil(low))
    strip = np.full((height, width, 3), 245, np.uint8)
    strip[inked] = (40, 90, 160)
    return strip
