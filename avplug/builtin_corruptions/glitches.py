"""When a signal drops out, and what the picture does between those moments."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from avplug.builtin_corruptions.draws import uniforms
from avplug.core.randomness import KeyedRandom

#: Share of a chunk that the next two chunks have to mute anew.
_NEWS = 0.1
_TRIES = 32


@dataclass(frozen=True, slots=True)
class Glitches:
    """Chunks of one length that are muted, and a level of disturbance around them.

    Chunks may overlap. The first ``steady`` of them set how strongly the picture is
    disturbed; at a border of any chunk the disturbance changes sides. So it changes
    only where the sound comes or goes, its law is the same at any moment, and more
    chunks never make it weaker.

    Args:
        starts: Seconds, in the order in which they were drawn.
        length: Seconds that a chunk is long.
        magnitudes: 2 steady + 1 numbers in 0..1, from one of the first chunks'
            borders to the next.
        side: 1 or -1, before the first border.
    """

    starts: tuple[float, ...]
    length: float
    magnitudes: tuple[float, ...]
    side: int

    @classmethod
    def drawn(
        cls,
        rng: KeyedRandom,
        duration: float,
        length: float,
        count: int,
        steady: int = 2,
    ) -> Glitches:
        """Draw the first ``count`` chunks of a clip's list; more only add to them.

        Args:
            rng: What it is for.
            duration: Seconds of the clip; every chunk lies in it.
            length: Seconds of a chunk, at most the duration.
            count: Chunks, even.
            steady: How many of them set the magnitudes.
        """
        starts = _starts(rng.stream("starts"), duration - length, length, count)
        side, *draw = uniforms(rng.stream("picture"), 2 * steady + 2).tolist()
        return cls(tuple(starts), length, tuple(draw), 1 if side < 0.5 else -1)

    def disturbances(
        self, times: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Return how the picture is disturbed, and since which border.

        Args:
            times: float64 [T], seconds.

        Returns:
            float64 [T], uniform in -1..1 over clips, and how many borders were passed,
            int64 [T].
        """
        steady = len(self.magnitudes) // 2
        pieces = np.searchsorted(self._borders(steady), times, side="right")
        passed = np.searchsorted(self._borders(len(self.starts)), times, side="right")
        sides = np.where(passed % 2, -self.side, self.side)
        return sides * np.array(self.magnitudes)[pieces], passed

    def _borders(self, count: int) -> list[float]:
        """Return where the first chunks begin and end, in order."""
        starts = self.starts[:count]
        return sorted((*starts, *(start + self.length for start in starts)))

    def mute(
        self, samples: NDArray[np.float32], sample_rate: int
    ) -> NDArray[np.float32]:
        """Return sound with silent chunks, float32 [C, N], a new array."""
        muted = samples.copy()
        for start in self.starts:
            first = round(start * sample_rate)
            last = round((start + self.length) * sample_rate)
            muted[:, first:last] = 0
        return muted


def _starts(rng: KeyedRandom, room: float, length: float, count: int) -> list[float]:
    """Return uniform starts; two that mute nothing new are drawn again.

    Without that, one clip in hundreds would not get worse from one severity to the
    next: too few to change the share that is muted.
    """
    draw = rng.generator()
    spare: list[float] = []
    starts: list[float] = []
    while len(starts) < count:
        enough = _muted(starts, length) + _NEWS * length
        for _ in range(_TRIES):
            # The same numbers as two by two, with fewer calls.
            spare = spare or (room * draw.random(2 * count))[::-1].tolist()
            more = [*starts, spare.pop(), spare.pop()]
            if _muted(more, length) > enough:
                break
        starts = more
    return starts


def _muted(starts: list[float], length: float) -> float:
    """Return the seconds that the chunks mute together."""
    if not starts:
        return 0.0
    places = sorted(starts)
    gaps = (later - earlier for earlier, later in pairwise(places))
    return length + sum(min(gap, length) for gap in gaps)
