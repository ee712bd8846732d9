"""How much noise a corrupted sound really has, and what clipping takes of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from avplug.signal.mixing import achieved_snr_db, power


@dataclass(frozen=True, slots=True)
class NoiseLevel:
    """The signal-to-noise ratios of a clip's sound, pooled over the channels.

    Args:
        nominal_snr_db: At which the corruption adds its noise.
        snr_db: Of the samples as the corruption leaves them; some clip to -1..1.
        clipped_snr_db: Of the samples clipped to -1..1, as files of whole numbers and
            lossy ones hold them. Mostly above the nominal one: peaks of noise are cut.
        clipped: Share of the samples that noise has brought to -1 or 1, or beyond.
    """

    nominal_snr_db: float
    snr_db: float
    clipped_snr_db: float
    clipped: float

    def as_dict(self) -> dict[str, float]:
        """Return plain data for records: decibels to 0.01, the share to a millionth."""
        return {
            "nominal_snr_db": round(self.nominal_snr_db, 2),
            "snr_db": round(self.snr_db, 2),
            "clipped_snr_db": round(self.clipped_snr_db, 2),
            "clipped": round(self.clipped, 6),
        }


def noise_level(
    clean: NDArray[np.float32], corrupted: NDArray[np.float32], nominal_snr_db: float
) -> NoiseLevel | None:
    """Measure the noise of a sound; None for a silent clip, which has no SNR.

    Args:
        clean: float32 [C, N].
        corrupted: float32 [C, N], not clipped after the corruption.
        nominal_snr_db: What the corruption was to reach.
    """
    clipped = corrupted.clip(-1, 1)
    if not power(clean) or np.array_equal(clean, clipped):
        return None
    reached = (np.abs(corrupted) >= 1) & (corrupted != clean)
    return NoiseLevel(
        nominal_snr_db,
        achieved_snr_db(clean, corrupted),
        achieved_snr_db(clean, clipped),
        float(np.count_nonzero(reached)) / corrupted.size,
    )
