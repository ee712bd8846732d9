"""Rain: bluish streaks, a veil over the picture, and the noise of the drops."""

from __future__ import annotations

from typing import ClassVar

from avplug.builtin_corruptions.precipitation import Precipitation
from avplug.builtin_corruptions.streaks import StreakLaw


class Rain(Precipitation):
    """Bluish streaks that fall within 30 degrees of straight down, and a light veil.

    Falls 2 to 4 frame heights a second. Sound: rain noise at an SNR, not clipped.
    Severities are ordered by PSNR; in SSIM the paper's table lets severities 2 and 4 be
    milder than those before. Source: AVRobustBench (arXiv:2506.00358).
    """

    sound = "rain"
    laws: ClassVar[tuple[StreakLaw, ...]] = (
        StreakLaw(0.05, 0.2, 3.0, 0.3, 10.0, 4.0),
        StreakLaw(0.05, 0.2, 3.5, 0.3, 10.0, 5.0),
        StreakLaw(0.1, 0.2, 4.0, 0.25, 12.0, 6.0),
        StreakLaw(0.1, 0.2, 4.5, 0.25, 15.0, 8.0),
        StreakLaw(0.1, 0.25, 5.0, 0.2, 18.0, 10.0),
    )
    image_weights = (0.8, 0.7, 0.7, 0.65, 0.6)
    haze = (1.3, 0.3)
    colour = (0.5, 0.9, 1.2)
    slant = 30.0
    pace = (2.0, 4.0)
    rate_depth = 0.2
