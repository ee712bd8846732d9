"""Sound and picture out of step."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from avplug import Clip, ClipInfo, Corruption, KeyedRandom

#: By how many milliseconds.
OFFSETS_MS = (100, 200, 400, 800, 1600)


class Desync(Corruption):
    """The sound comes too late or too early; which of the two is drawn for the clip.

    ITU-R BT.1359 has viewers notice sound that is 45 ms early or 125 ms late. The
    picture stays, and so does the sound but for its place: each sense by itself is
    intact, hence the senses one at a time tell nothing of this corruption. The gap is
    silent, and what is moved beyond the clip is lost.

    The scene is the delay of the sound in milliseconds, negative where it is early.
    """

    profiles = ("paper",)

    def distortion(self, clean: Clip, spoilt: Clip) -> tuple[float, float]:
        """Return the milliseconds of silence at an end, as the harm to either sense.

        ``avplug check`` asks for it: a difference of samples says nothing of a delay.
        """
        assert spoilt.audio is not None
        count = spoilt.audio.shape[1]
        heard = np.flatnonzero(spoilt.audio.any(0))
        silent = max(heard[0], count - 1 - heard[-1]) if len(heard) else count
        milliseconds = float(silent) / clean.sample_rate * 1000
        return milliseconds, milliseconds

    def scene(self, info: ClipInfo, severity: int, rng: KeyedRandom) -> int:
        """Draw which sense is late; the same at each severity."""
        late = rng.stream("late").bytes(1)[0] % 2
        offset = OFFSETS_MS[severity - 1]
        return offset if late else -offset

    def video(
        self,
        frames: NDArray[np.uint8],
        times: NDArray[np.float64],
        scene: int,
        rng: KeyedRandom,
    ) -> NDArray[np.uint8]:
        """Leave the picture where it is."""
        return frames.copy()

    def audio(
        self,
        samples: NDArray[np.float32],
        sample_rate: int,
        scene: int,
        rng: KeyedRandom,
    ) -> NDArray[np.float32]:
        """Move the sound."""
        count = samples.shape[1]
        shift = max(-count, min(count, round(scene * sample_rate / 1000)))
        moved = np.zeros_like(samples)
        if shift >= 0:
            moved[:, shift:] = samples[:, : count - shift]
        else:
            moved[:, :shift] = samples[:, -shift:]
        return moved
