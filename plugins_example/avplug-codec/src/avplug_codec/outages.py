"""Outages: the picture freezes, gets stuck or goes black, and the sound with it."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from avplug import ClipInfo, Corruption, KeyedRandom


@dataclass(frozen=True, eq=False)
class Schedule:
    """When nothing arrives: float64 [outages, 2], begin and end in seconds."""

    spans: NDArray[np.float64]

    def began(self, times: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return when the outage at each time began; infinity where there is none."""
        latest = np.searchsorted(self.spans[:, 0], times, side="right") - 1
        begins, ends = self.spans[latest].T
        return np.where((latest >= 0) & (times < ends), begins, np.inf)


class Outages(Corruption):
    """Outages at random moments, one in each period of the clip.

    The first period began at a random time before the clip. An outage lies at a
    random place of its period, and lasts for a share of it that grows with severity
    at its end: what a mild one takes a strong one takes too.
    """

    profiles = ("paper",)
    #: Length of a period in seconds.
    period: ClassVar[float]
    #: Share of the time without a signal, by severity.
    shares: ClassVar[tuple[float, ...]]

    def scene(self, info: ClipInfo, severity: int, rng: KeyedRandom) -> Schedule:
        """Draw when the outages begin."""
        periods = int(info.duration / self.period) + 2
        draws = rng.stream("outages").uint16(periods + 1) / 65536
        phase, places = draws[0], draws[1:]
        slack = 1 - max(self.shares)
        begins = (np.arange(periods) - phase + places * slack) * self.period
        length = self.shares[severity - 1] * self.period
        return Schedule(np.stack([begins, begins + length], 1))

    def video(
        self,
        frames: NDArray[np.uint8],
        times: NDArray[np.float64],
        scene: Schedule,
        rng: KeyedRandom,
    ) -> NDArray[np.uint8]:
        """Replace the frames of outages."""
        began = scene.began(times)
        spoilt = frames.copy()
        self.hide(spoilt, times, began)
        return spoilt

    def audio(
        self,
        samples: NDArray[np.float32],
        sample_rate: int,
        scene: Schedule,
        rng: KeyedRandom,
    ) -> NDArray[np.float32]:
        """Replace the samples of outages."""
        began = scene.began(np.arange(samples.shape[1]) / sample_rate)
        spoilt = samples.copy()
        self.mute(spoilt, sample_rate, began)
        return spoilt

    @abstractmethod
    def hide(
        self,
        frames: NDArray[np.uint8],
        times: NDArray[np.float64],
        began: NDArray[np.float64],
    ) -> None:
        """Replace frames in place; ``began`` [T] is infinite where all is well."""

    def mute(
        self, samples: NDArray[np.float32], rate: int, began: NDArray[np.float64]
    ) -> None:
        """Replace samples in place; ``began`` [N] is infinite where all is well."""
        samples[:, np.isfinite(began)] = 0


class Dropout(Outages):
    """The signal drops out for 25 to 250 ms: black and silent."""

    period = 0.5
    shares = (0.05, 0.1, 0.2, 0.35, 0.5)

    def hide(
        self,
        frames: NDArray[np.uint8],
        times: NDArray[np.float64],
        began: NDArray[np.float64],
    ) -> None:
        """Make them black."""
        frames[np.isfinite(began)] = 0


class Freeze(Outages):
    """The stream stalls for 0.2 to 1.5 s: the last picture stays, the sound is mute."""

    whole_clip = True
    period = 2.0
    shares = (0.1, 0.2, 0.35, 0.55, 0.75)

    def hide(
        self,
        frames: NDArray[np.uint8],
        times: NDArray[np.float64],
        began: NDArray[np.float64],
    ) -> None:
        """Show what was shown when the outage began, or the clip."""
        last = np.searchsorted(times, np.minimum(began, times), side="right") - 1
        frames[...] = frames[last.clip(min=0)]


class Stutter(Freeze):
    """The player gets stuck for 0.1 to 0.4 s: picture held, the last 50 ms repeated."""

    period = 0.5
    shares = (0.2, 0.35, 0.5, 0.65, 0.8)
    #: Seconds of sound that repeat.
    grain: ClassVar[float] = 0.05

    def mute(
        self, samples: NDArray[np.float32], rate: int, began: NDArray[np.float64]
    ) -> None:
        """Repeat what came last before the outage; silence where that is nothing."""
        place = np.flatnonzero(np.isfinite(began))
        first = np.ceil(began[place] * rate - 1e-9).astype(np.int64)
        length = max(1, round(self.grain * rate))
        source = first - length + (place - first) % length
        repeated = samples[:, source.clip(min=0)]
        samples[:, place] = np.where(source >= 0, repeated, 0)
