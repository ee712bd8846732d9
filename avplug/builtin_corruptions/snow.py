"""Snow: flakes before the lens, a whitened picture, and the hiss of the fall."""

from __future__ import annotations

from typing import ClassVar

from avplug.builtin_corruptions.precipitation import Precipitation
from avplug.builtin_corruptions.streaks import StreakLaw


class Snow(Precipitation):
    """White streaks that drift down within 45 degrees, and a picture gone pale.

    Falls .25 to .6 frame heights a second. Sound: snow noise at an SNR, not clipped.
    Severities are ordered by PSNR; in SSIM the paper's table lets severity 3 be milder
    than 2. Source: AVRobustBench (arXiv:2506.00358).
    """

    sound = "snow"
    laws: ClassVar[tuple[StreakLaw, ...]] = (
        StreakLaw(0.1, 0.3, 3.0, 0.5, 10.0, 4.0),
        StreakLaw(0.2, 0.3, 2.0, 0.5, 12.0, 4.0),
        StreakLaw(0.55, 0.3, 4.0, 0.9, 12.0, 8.0),
        StreakLaw(0.55, 0.3, 4.5, 0.85, 12.0, 8.0),
        StreakLaw(0.55, 0.3, 2.5, 0.85, 12.0, 12.0),
    )
    image_weights = (0.8, 0.7, 0.7, 0.65, 0.55)
    haze = (1.5, 0.5)
    colour = (1.0, 1.0, 1.0)
    slant = 45.0
    pace = (0.25, 0.6)
    rate_depth = 0.1
