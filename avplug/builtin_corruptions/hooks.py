"""Descriptors of the built-in corruptions, in the order of the paper."""

from __future__ import annotations

from collections.abc import Iterable

from avplug.core.components import CorruptionSpec
from avplug.core.hookspecs import hookimpl

_HERE = "avplug.builtin_corruptions"
_PAPER = "arXiv:2506.00358"


def _spec(category: str, name: str, summary: str) -> CorruptionSpec:
    target = f"{_HERE}.{name}:{name.capitalize()}"
    return CorruptionSpec(name, target, summary, paper=_PAPER, category=category)


_CORRUPTIONS = (
    _spec(
        "digital",
        "gaussian",
        "Sensor noise on pixels, white noise at an SNR (profile released: inverted)",
    ),
    _spec(
        "digital",
        "impulse",
        "Salt and pepper on pixels, sparse clicks at an SNR",
    ),
    _spec(
        "digital",
        "shot",
        "Poisson noise of few photons, noise that follows the waveform at an SNR",
    ),
    _spec(
        "digital",
        "speckle",
        "Noise that multiplies pixels, and samples at an SNR",
    ),
    _spec(
        "digital",
        "compression",
        "JPEG at low quality, coarse DCT quantiser (profile released: low-pass)",
    ),
    _spec(
        "environmental",
        "snow",
        "Falling flakes over a pale picture, hiss at an SNR",
    ),
    _spec(
        "environmental",
        "frost",
        "Ice crystals on the lens, cracking ice at an SNR",
    ),
    _spec(
        "environmental",
        "spatter",
        "Drops of water, then of mud on the lens, dripping at an SNR",
    ),
    _spec(
        "environmental",
        "wind",
        "Motion blur that gusts with the noise of wind at an SNR",
    ),
    _spec(
        "environmental",
        "rain",
        "Bluish streaks over a veiled picture, rain at an SNR",
    ),
    _spec(
        "environmental",
        "underwater",
        "Red faded, blurred and hazy (profile released: blue), dive sounds at an SNR",
    ),
    _spec(
        "human-related",
        "concert",
        "Lights that dazzle on the beat of the music, which is added at an SNR",
    ),
    _spec(
        "human-related",
        "smoke",
        "Drifting smoke, a crackling fire and a siren at an SNR",
    ),
    _spec(
        "human-related",
        "crowd",
        "Shadows of people who walk through the picture, their babble at an SNR",
    ),
    _spec(
        "human-related",
        "interference",
        "A picture that turns where the sound drops out: dropped transmission",
    ),
)


@hookimpl
def avplug_corruptions() -> Iterable[CorruptionSpec]:
    """Return the corruptions of AVRobustBench that avplug brings."""
    return _CORRUPTIONS
