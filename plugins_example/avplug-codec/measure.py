"""Print the README's tables for a recording: bit rate, PSNR and SNR by severity."""

from __future__ import annotations

import argparse
import sys
from importlib import import_module

import numpy as np
from avplug_codec import avplug_corruptions
from avplug_codec.bandwidth import Bandwidth
from avplug_codec.codecs import Codec
from numpy.typing import NDArray

from avplug import (
    AvplugError,
    Clip,
    Corruption,
    InputSpec,
    KeyedRandom,
    corrupt,
)
from avplug.media.read import read_clip

#: The recording as it is: every frame and every channel at their own rates.
WHOLE = InputSpec(size=0, sample_rate=0, seconds=0, frame_rule="all", channels="all")
SEVERITIES = range(1, 6)
#: Leaves either sense as it is: there is nothing to measure.
INTACT = "desync"


def decibels(
    power: float, clean: NDArray[np.generic], spoilt: NDArray[np.generic]
) -> float:
    """Return a power by the mean square of the difference; infinite without one."""
    error = float(np.square(spoilt.astype(np.float64) - clean).mean())
    return float(10 * np.log10(power / error)) if error else np.inf


def harm(clean: Clip, spoilt: Clip) -> str:
    """Return the picture's PSNR and the sound's SNR."""
    psnr = decibels(255**2, clean.frames, spoilt.frames)
    power = float(np.square(clean.audio, dtype=np.float64).mean())
    snr = decibels(power, clean.audio, spoilt.audio)
    return f"{psnr:.1f} dB, {snr:.1f} dB"


def cell(clip: Clip, corruption: Corruption, name: str, severity: int) -> str:
    """Return what a table says of one severity."""
    said = harm(clip, corrupt(clip, corruption, name, severity))
    if not isinstance(corruption, Codec):
        return said
    size = corruption.coded(clip.frames, clip.times, severity - 1).size
    return f"{size * 8 / clip.duration / 1000:.0f} kbit/s, {said}"


def collapse(clip: Clip, corruption: Bandwidth) -> str:
    """Return the bit rates before and after the bandwidth's collapse."""
    rates = []
    for severity in SEVERITIES:
        rng = KeyedRandom((0, "corruption", "bandwidth", clip.id)).stream("scene")
        scene = corruption.scene(clip.info, severity, rng)
        spans = scene.moment, clip.duration - scene.moment
        parts = corruption.sent(clip.frames, clip.times, scene)
        rates.append(
            [part.size * 8 / s / 1000 for part, s in zip(parts, spans, strict=True)]
        )
    after = ", ".join(f"{late:.0f}" for _, late in rates)
    return f"`bandwidth`: {rates[0][0]:.0f} kbit/s before its moment, {after} after it."


def main(recording: str) -> None:
    """Measure every corruption, and print a row for each as soon as it is known."""
    clip = read_clip(recording, WHOLE, "recording")
    for spec in avplug_corruptions():
        if spec.name == INTACT:
            continue
        module, kind = spec.target.split(":")
        corruption = getattr(import_module(module), kind)()
        cells = [cell(clip, corruption, spec.name, s) for s in SEVERITIES]
        sys.stdout.write(f"| `{spec.name}` | {' | '.join(cells)} |\n")
        sys.stdout.flush()
        if isinstance(corruption, Bandwidth):
            sys.stdout.write(collapse(clip, corruption) + "\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recording", help="a file with a picture and a sound")
    try:
        main(parser.parse_args().recording)
    except AvplugError as problem:
        sys.exit(str(problem))
