"""What snow and rain have in common: a brighter haze, and streaks that fall."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import radians, tan
from typing import ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray

from avplug.builtin_corruptions.background import (
    BackgroundCorruption,
    add_background,
)
from avplug.builtin_corruptions.draws import uniforms
from avplug.builtin_corruptions.falling import FallingLayer, sheared
from avplug.builtin_corruptions.frame_memory import new_frames
from avplug.builtin_corruptions.pixels import Pixels
from avplug.builtin_corruptions.streaks import StreakLaw, streak_layer
from avplug.builtin_corruptions.sway import Sway
from avplug.builtin_corruptions.textures import colour_table, tinted
from avplug.builtin_corruptions.timeline import Envelope
from avplug.core.clip import ClipInfo
from avplug.core.randomness import KeyedRandom

SWAY_DEGREES = 5.0
SNR_DB = {
    "paper": (40.0, 30.0, 20.0, 10.0, 0.0),
    "released": (20.0, 15.0, 10.0, 5.0, 0.0),
}
#: A rate is rounded to multiples of 1/64, so that every machine finds the same one.
_RATE_STEPS = 64
_GAIN_STEPS = 4096
#: Share of red, green and blue in the grey of a picture (ITU-R BT.601).
LUMA = (0.299, 0.587, 0.114)


@dataclass(frozen=True, slots=True, eq=False)
class PrecipitationScene:
    """Wind, rate and speeds that a clip's picture and sound share, and parameters.

    Args:
        noise_mean: Of the streaks, as the five after it; see :class:`StreakLaw`.
        image_weight: What is left of the picture beside the haze.
        snr_db: Of the sound.
        direction: Where the streaks' blur reads, in degrees; 90 is down.
        rate: How hard it falls: brightness of the streaks, loudness of the sound.
        speeds: Of the two layers, frame heights a second.
    """

    noise_mean: float
    noise_std: float
    zoom: float
    threshold: float
    blur_radius: float
    blur_sigma: float
    image_weight: float
    snr_db: float
    direction: Sway
    rate: Envelope
    speeds: tuple[float, float]

    @property
    def law(self) -> StreakLaw:
        """How a layer of streaks is drawn."""
        return StreakLaw(
            self.noise_mean,
            self.noise_std,
            self.zoom,
            self.threshold,
            self.blur_radius,
            self.blur_sigma,
        )


class Precipitation(BackgroundCorruption):
    """Haze of the picture's own grey, and two layers of streaks that fall through it.

    ``a x + (1 - a) max(x, haze(grey)) + C L + C L'``: L is interpolated noise above a
    threshold, blurred along the way it falls; L' another one, blurred the other way.
    The layers are drawn once for a clip and fall at speeds of their own, swaying
    slowly; all at a rate that also rules the sound. Subclasses say how much of it.
    """

    sound: ClassVar[str]
    #: By severity.
    laws: ClassVar[tuple[StreakLaw, ...]]
    image_weights: ClassVar[tuple[float, ...]]
    #: Slope and offset of the haze over the grey value, in 0..1.
    haze: ClassVar[tuple[float, float]]
    #: Of the streaks: red, green, blue.
    colour: ClassVar[tuple[float, float, float]]
    #: Largest angle between the way of fall and straight down, in degrees.
    slant: ClassVar[float]
    #: Slowest and fastest layer, frame heights a second.
    pace: ClassVar[tuple[float, float]]
    #: Of the rate's changes, near their coefficient of variation.
    rate_depth: ClassVar[float]

    def scene(
        self, info: ClipInfo, severity: int, rng: KeyedRandom
    ) -> PrecipitationScene:
        """Draw direction, rate and speeds; the rest are a severity's parameters."""
        level = severity - 1
        law = self.laws[level]
        slow, fast = self.pace
        draws = uniforms(rng.stream("speeds"), 2)
        near, far = (slow + (fast - slow) * float(draw) for draw in draws)
        return PrecipitationScene(
            law.noise_mean,
            law.noise_std,
            law.zoom,
            law.threshold,
            law.blur_radius,
            law.blur_sigma,
            self.image_weights[level],
            SNR_DB[self.profile][level],
            Sway.drawn(rng.stream("direction"), -90, self.slant, SWAY_DEGREES),
            Envelope.drawn(rng.stream("rate"), self.rate_depth),
            (near, far),
        )

    def video(
        self,
        frames: Pixels,
        times: NDArray[np.float64],
        scene: PrecipitationScene,
        rng: KeyedRandom,
    ) -> Pixels:
        """Return frames with haze and streaks, uint8 [T, H, W, 3]."""
        height, width = frames.shape[1:3]
        drawn_at = scene.direction.middle + scene.direction.base
        shifts = _shears(scene.direction.at(times), drawn_at, height)
        # A row that moves to the right by its distance shows what was left of it.
        lefts = -shifts.max(axis=1, keepdims=True)
        starts = -lefts - shifts
        spans = starts.max(axis=1).tolist()
        margin = max(spans, default=0)
        layers = [
            FallingLayer.of(
                streak_layer(
                    scene.law, height, width, drawn_at + back, rng.stream("layer", back)
                ),
                margin,
                drawn_at,
                speed,
            )
            for back, speed in zip((0, 180), scene.speeds, strict=True)
        ]
        compositor = _Compositor(height, width, scene.image_weight, *self.haze)
        rates = np.rint(_RATE_STEPS * scene.rate.at(times)) / _RATE_STEPS
        spoilt = new_frames(frames.shape)
        both = np.empty((height, width + margin), np.uint8)
        for frame, time, rate, left, start, span, target in zip(
            frames,
            times.tolist(),
            rates.tolist(),
            lefts.ravel().tolist(),
            starts,
            spans,
            spoilt,
            strict=True,
        ):
            near, far = (layer.window(time, left, width + span) for layer in layers)
            cv2.add(near, far, dst=both[:, : width + span])
            fallen = sheared(both, start, width) if span else both[:, :width]
            colour = tuple(_in_steps(rate * share) for share in self.colour)
            compositor.add(frame, fallen, colour, target)
        return spoilt

    def audio(
        self,
        samples: NDArray[np.float32],
        sample_rate: int,
        scene: PrecipitationScene,
        rng: KeyedRandom,
    ) -> NDArray[np.float32]:
        """Return sound with the weather in it, float32 [C, N]; may leave -1..1."""
        return add_background(
            samples, sample_rate, self.sound, scene.snr_db, rng, scene.rate
        )


class _Compositor:
    """Adds haze and streaks to frames of one size; its memory serves every frame.

    Fresh memory for each step of each frame costs more than the step.
    """

    def __init__(
        self, height: int, width: int, weight: float, slope: float, offset: float
    ) -> None:
        # a x + (1 - a) haze(grey) is one product with a matrix, rounded down, as the
        # published code truncates the result.
        self._haze = np.zeros((3, 4), np.float32)
        self._haze[:, :3] = (1 - weight) * slope * np.array(LUMA)
        self._haze[:, :3] += weight * np.eye(3)
        self._haze[:, 3] = (1 - weight) * 255 * offset - 0.5
        self._light = np.empty((height, width), np.uint8)
        self._coloured = np.empty((height, width, 3), np.uint8)

    def add(
        self, frame: Pixels, streaks: Pixels, colour: tuple[float, ...], out: Pixels
    ) -> None:
        """Write a frame with haze and streaks of a colour into ``out``."""
        # a x + (1 - a) max(x, haze) is max(x, a x + (1 - a) haze).
        cv2.transform(frame, self._haze, dst=out)
        cv2.max(frame, out, dst=out)
        coloured = self._coloured
        if len(set(colour)) == 1:
            cv2.convertScaleAbs(streaks, self._light, colour[0], 0)
            cv2.cvtColor(self._light, cv2.COLOR_GRAY2RGB, dst=coloured)
        else:
            coloured = tinted(streaks, streak_colours(colour))
        cv2.add(out, coloured, dst=out)


@lru_cache(maxsize=256)
def streak_colours(colour: tuple[float, ...]) -> NDArray[np.float32]:
    """Return what each level of streaks adds; see :func:`colour_table`."""
    levels = np.outer(np.arange(256), colour)
    return colour_table(np.rint(levels).clip(0, 255))


def _in_steps(gain: float) -> float:
    """Return a gain by which single precision multiplies levels exactly."""
    return round(gain * _GAIN_STEPS) / _GAIN_STEPS


def _shears(
    degrees: NDArray[np.float64], drawn_at: float, height: int
) -> NDArray[np.int64]:
    """Return how far each row moves to turn streaks, int64 [T, height], in pixels."""
    slope = np.tan(np.radians(degrees + 90)) - tan(radians(drawn_at + 90))
    rows = np.arange(height) - height // 2
    return np.rint(-slope[:, None] * rows).astype(np.int64)
