"""One clip of ``events``: its picture at any moment, and its sound."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from avplug.builtin_datasets.events.classes import EventClass
from avplug.builtin_datasets.events.draw import Draw
from avplug.builtin_datasets.events.looks import LOOKS
from avplug.builtin_datasets.events.rhythm import Rhythm
from avplug.builtin_datasets.events.sounds import SOUNDS
from avplug.builtin_datasets.events.sounds.synth import SAMPLES, Wave, noise
from avplug.builtin_datasets.events.stage import Stage
from avplug.core.randomness import KeyedRandom

#: Amplitude of a 16-bit step. Sounds are rounded to it, as a recording is, so that
#: the last bit of a sine, which differs between processors, is gone.
_STEP = np.float32(1 / 32768)


class Scene:
    """A clip as a function of time.

    Args:
        rng: The clip's stream. It does not name the class: classes that share a look,
            or a sound, draw it alike.
        kind: What is seen and heard.

    Attributes:
        rhythm: The beats that tie both together.
    """

    def __init__(self, rng: KeyedRandom, kind: EventClass) -> None:
        self.rhythm = Rhythm.drawn(rng.stream("rhythm"))
        self._rng = rng
        self._stage = Stage.drawn(rng.stream("stage"))
        self._look = LOOKS[kind.look](
            Draw(rng.stream("look")), self.rhythm, self._stage.palette
        )
        self._sound = SOUNDS[kind.sound]

    def frames(self, times: NDArray[np.float64], size: int) -> NDArray[np.uint8]:
        """Return the picture at each time in seconds, uint8 [T, size, size, 3]."""
        background = self._stage.background(size)
        frames = np.empty((len(times), size, size, 3), np.uint8)
        for frame, time in zip(frames, times, strict=True):
            canvas = background.copy()
            self._look.paint(self._stage.pen(canvas), float(time))
            frame[:] = canvas.bytes(self._grain(float(time), frame.shape))
        return frames

    def background(self, size: int) -> NDArray[np.uint8]:
        """Return what is behind the look, without grain, uint8 [size, size, 3]."""
        return self._stage.background(size).bytes()

    def sound(self) -> Wave:
        """Return the sound, float32 [N] at ``synth.RATE``, its peak in 0.08 .. 0.8."""
        draw = Draw(self._rng.stream("level"))
        peak, hiss = draw.ratio(0.08, 0.8), draw.ratio(0.004, 0.04)
        slope = np.float32(-draw.between(0.2, 0.9))
        sound = self._sound(self._rng.stream("sound"), self.rhythm)
        sound = sound / max(float(np.abs(sound).max()), 1e-9)
        sound += hiss * noise(self._rng.stream("hiss"), lambda f: f**slope, SAMPLES)
        sound *= np.float32(peak / float(np.abs(sound).max()))
        rounded: Wave = np.rint(sound / _STEP) * _STEP
        return rounded

    def _grain(self, time: float, shape: tuple[int, ...]) -> NDArray[np.float32]:
        """Return the noise of the picture at a moment, in levels of 0..255."""
        values = self._rng.stream("grain").at(time).bytes(int(np.prod(shape)))
        levels = values.reshape(shape).astype(np.float32) - np.float32(127.5)
        return levels * np.float32(self._stage.grain / 127.5)
