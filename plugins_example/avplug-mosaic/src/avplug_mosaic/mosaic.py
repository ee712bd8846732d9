"""Loss of resolution: the picture falls into blocks, the sound into steps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from avplug import ClipInfo, Corruption, KeyedRandom

#: Block in pixels at a short side of 224. Doubling puts each block inside one of the
#: next severity, so that a stronger step never brings detail back.
BLOCKS = (3, 6, 12, 24, 48)
REFERENCE_SIDE = 224
#: Samples per second that remain.
RATES = (8000, 4000, 2000, 1000, 500)


@dataclass(frozen=True)
class Grid:
    """The scene: how coarse picture and sound are."""

    block: int
    rate: int


class Mosaic(Corruption):
    """Square blocks of their mean colour; samples held at a falling rate.

    Nothing is random. In a picture with a short side under 32 pixels the strongest
    severities meet: one block then covers all of it.
    """

    profiles = ("paper",)

    def scene(self, info: ClipInfo, severity: int, rng: KeyedRandom) -> Grid:
        """Return block and rate of a severity."""
        side = min(info.height, info.width)
        smallest = max(2, round(BLOCKS[0] * side / REFERENCE_SIDE))
        growth = BLOCKS[severity - 1] // BLOCKS[0]
        return Grid(smallest * growth, RATES[severity - 1])

    def video(
        self,
        frames: NDArray[np.uint8],
        times: NDArray[np.float64],
        scene: Grid,
        rng: KeyedRandom,
    ) -> NDArray[np.uint8]:
        """Give each block its mean colour, frame by frame to bound the memory."""
        pixelated = np.empty_like(frames)
        for source, target in zip(frames, pixelated, strict=True):
            target[...] = pixelate(source, scene.block)
        return pixelated

    def audio(
        self,
        samples: NDArray[np.float32],
        sample_rate: int,
        scene: Grid,
        rng: KeyedRandom,
    ) -> NDArray[np.float32]:
        """Hold each sample that is kept until the next one."""
        count = samples.shape[1]
        if scene.rate >= sample_rate or count == 0:
            return samples.copy()
        # Integers: the step of a sample must not hang on a rounded product.
        step = np.arange(count) * scene.rate // sample_rate
        first = -(-step * sample_rate // scene.rate)
        return samples[:, first]


def pixelate(frame: NDArray[np.uint8], block: int) -> NDArray[np.uint8]:
    """Return a frame [H, W, 3] whose blocks have their rounded mean colour."""
    rows = np.arange(0, frame.shape[0], block)
    columns = np.arange(0, frame.shape[1], block)
    total = np.add.reduceat(frame, rows, axis=0, dtype=np.uint32)
    total = np.add.reduceat(total, columns, axis=1)
    heights = np.diff(rows, append=frame.shape[0])
    widths = np.diff(columns, append=frame.shape[1])
    area = (heights[:, None] * widths)[..., None].astype(np.uint32)
    mean = ((2 * total + area) // (2 * area)).astype(np.uint8)
    return mean.repeat(heights, axis=0).repeat(widths, axis=1)
