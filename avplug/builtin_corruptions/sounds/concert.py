"""Concert: dance music from big loudspeakers, and the people in front of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from avplug.builtin_corruptions.sounds.levels import levelled, spectrum_of
from avplug.builtin_corruptions.sounds.synth import (
    RATE,
    Signal,
    breathing,
    drift,
    normals,
    one_of,
    uniform,
    unit,
    varied,
)
from avplug.core.randomness import KeyedRandom

#: Octave levels in dB of recorded concerts, and their spread between recordings.
LEVELS = (-13.5, -3.0, -8.5, -11.0, -13.0, -11.5, -13.5, -13.5, -19.0)
SPREAD = 1.5
#: The same of the people.
PEOPLE = (-40.0, -35.0, -28.0, -18.0, -9.0, -4.0, -5.0, -11.0, -20.0)
#: How hard the loudspeakers limit peaks.
LIMIT = 0.2
#: Four chords of four bars: semitones of their roots, and the third of each.
PROGRESSIONS = (
    ((0, 3), (-4, 4), (3, 4), (-2, 4)),
    ((0, 3), (5, 3), (-4, 4), (-2, 4)),
    ((0, 3), (-2, 4), (-4, 4), (-2, 4)),
)


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """The beat: sixteenths a second, and where on that grid each sample lies.

    The clip begins ``lag`` seconds into a bar. ``step`` is the number of the
    sixteenth, int64 [N]; ``since`` the seconds since the last quarter, float64 [N].
    """

    rate: float
    lag: float
    step: NDArray[np.int64]
    since: Signal

    @classmethod
    def of(cls, count: int, bpm: float, lag: float) -> Grid:
        """Return the grid of a clip of ``count`` samples."""
        times, rate = np.arange(count) / RATE + lag, bpm / 15
        return cls(rate, lag, (times * rate).astype(np.int64), times % (60 / bpm))

    @property
    def steps(self) -> int:
        """How many sixteenths begin before the clip ends."""
        return int(self.step[-1]) + 1

    def place(self, hits: NDArray[np.int64], grain: Signal, gains: Signal) -> Signal:
        """Return a grain at the sixteenths ``hits``, float64 [N].

        What began before the clip rings on into it.
        """
        track = np.zeros(self.step.size)
        for hit, gain in zip(hits.tolist(), gains.tolist(), strict=True):
            start = round((hit / self.rate - self.lag) * RATE)
            part = grain[max(-start, 0) : max(track.size - start, 0)]
            start = max(start, 0)
            track[start : start + part.size] += gain * part
        return track


def render(rng: KeyedRandom, seconds: float) -> NDArray[np.float32]:
    """Return music and its public, float32 [N] at 16 kHz, RMS 1."""
    count = round(seconds * RATE)
    bpm = one_of(rng.stream("bpm"), 118, 132)
    grid = Grid.of(count, bpm, one_of(rng.stream("lag"), 0, 240 / bpm))
    full = _sections(rng.stream("sections"), grid)
    duck = 1 - 0.97 * np.exp(-((grid.since / 0.2) ** 2)) * full
    low, high = _tones(rng.stream("tones"), grid)
    drums = _drums(rng.stream("drums"), grid, full)
    swell = np.exp(0.6 * drift(rng.stream("swell"), count, 4.0))
    music = drums + duck * (0.5 * low * (0.1 + 0.9 * full) + 0.35 * swell * high)
    people = breathing(
        rng.stream("people"),
        count,
        PEOPLE,
        0.3 * drift(rng.stream("cheer"), count, 1.0, 1.0),
        0.2,
        4.0,
    )
    mixed = unit(music) + 0.12 * people
    levels = varied(rng.stream("levels"), LEVELS, SPREAD)
    heard = np.fft.irfft(levelled(spectrum_of(mixed), count, levels), count)
    return unit(np.tanh(LIMIT * unit(heard))).astype(np.float32)


def _sections(rng: KeyedRandom, grid: Grid) -> Signal:
    """Return 1 where the beat is there and 0 in breaks, float64 [N]."""
    halves = grid.step // 8
    count = int(halves[-1]) + 1
    on = uniform(rng, 0, 1, count) > 0.3
    on[0] = True
    edge = RATE // 100
    kernel = np.ones(edge) / edge
    return np.convolve(on[halves].astype(np.float64), kernel, "same")


def _drums(rng: KeyedRandom, grid: Grid, full: Signal) -> Signal:
    steps = np.arange(grid.steps)
    span = np.arange(RATE // 2) / RATE
    sweep = 48 * span + 3.2 * (1 - np.exp(-span / 0.03))
    kick = np.sin(2 * np.pi * sweep) * np.exp(
        -span / one_of(rng.stream("tau"), 0.1, 0.2)
    )
    noise = normals(rng.stream("noise"), span.size)
    bright = np.diff(noise, prepend=0.0)
    clap = (noise + bright) * np.exp(-span / 0.07)
    hat = np.diff(bright, prepend=0.0) * np.exp(-span / 0.045)
    loud = np.exp(0.2 * normals(rng.stream("loud"), steps.size))
    beats, fours = steps[steps % 4 == 0], steps[steps % 8 == 4]
    off = steps[steps % 4 == 2]
    track = 1.6 * grid.place(beats, kick, loud[beats]) * full
    track += 0.25 * grid.place(fours, clap, loud[fours])
    track += 0.04 * grid.place(off, hat, loud[off])
    track += 0.02 * grid.place(steps, hat, loud)
    return track


def _tones(rng: KeyedRandom, grid: Grid) -> tuple[Signal, Signal]:
    """Return the bass, and chords with a melody, float64 [N] each."""
    root = 55.0 * 2 ** (one_of(rng.stream("root"), -5, 4) / 12)
    which = int(one_of(rng.stream("progression"), 0, len(PROGRESSIONS)))
    chords = np.array(PROGRESSIONS[which])
    bar = np.arange(grid.steps) // 16 % 4
    base, third = chords[bar, 0], chords[bar, 1]
    bass = _saw(grid, root * 2 ** (base / 12))
    pad = np.zeros(grid.step.size)
    for number, above in enumerate((0 * third, third, 0 * third + 7)):
        spread = 1 + 0.004 * (number - 1)
        pad += _saw(grid, spread * 4 * root * 2 ** ((base + above) / 12))
    scale = np.array([0, 3, 5, 7, 10, 12])
    notes = scale[uniform(rng.stream("notes"), 0, 6, grid.steps).astype(int)]
    lead = _saw(grid, 8 * root * 2 ** ((base + notes) / 12))
    played = uniform(rng.stream("played"), 0, 1, grid.steps) < 0.5
    lead *= played[grid.step] * np.exp(-(grid.since * grid.rate % 1) / 0.5)
    return bass, pad / 3 + 0.8 * lead


def _saw(grid: Grid, pitches: Signal) -> Signal:
    """Return a saw whose pitch in Hz is given for each sixteenth, float64 [N]."""
    turns = np.cumsum(pitches[grid.step]) / RATE
    return 2 * (turns % 1.0) - 1
