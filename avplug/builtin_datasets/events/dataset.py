"""The data set ``events``: clips rendered by (split, index), nothing on disk."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np

from avplug.builtin_datasets.events.classes import CLASSES
from avplug.builtin_datasets.events.rhythm import DURATION
from avplug.builtin_datasets.events.scene import Scene
from avplug.builtin_datasets.events.sounds.synth import RATE
from avplug.core.clip import Clip, ClipRef, InputSpec
from avplug.core.dataset import Dataset
from avplug.core.errors import DatasetError, closest
from avplug.core.randomness import KeyedRandom
from avplug.media.picking import pick_frames
from avplug.media.sound import resample

#: Clips of each split, unless told otherwise.
SIZES = {"train": 6000, "val": 600, "test": 600}

#: Frames a second, and the side of a frame in pixels where none is asked for.
FPS, SIZE = 25, 96

#: When each frame of a clip is shown, in seconds.
TIMES = np.arange(round(DURATION * FPS)) / FPS

#: Raised whenever the same (split, index) looks or sounds different.
RENDERER = "events-2"


class Events(Dataset):
    """Twelve classes of moving things that make the sound they would make.

    Each clip lasts 3 s, at 25 frames a second and 16 kHz mono. Frames are rendered at
    the size and the moments asked for, so that a few frames cost a few milliseconds;
    a spec that keeps everything gives the whole clip, 75 frames of 96 x 96.

    Args:
        split: ``"train"``, ``"val"`` or ``"test"``; no clip is in two.
        root: Not used.
        clips: How many clips, from the first; None for the split's own size.

    Raises:
        DatasetError: The split is unknown, or ``clips`` is not positive.
    """

    def __init__(
        self,
        *,
        split: str = "test",
        root: Path | None = None,
        clips: int | None = None,
    ) -> None:
        if split not in SIZES:
            raise DatasetError(
                f"Data set 'events' has no split '{split}'.{closest(split, SIZES)}"
                f" Splits: {', '.join(SIZES)}."
            )
        count = SIZES[split] if clips is None else clips
        if count < 1:
            raise DatasetError(f"Data set 'events' cannot have {count} clips.")
        self.labels = tuple(kind.name for kind in CLASSES)
        self._rng = KeyedRandom(("events", split))
        self.clips = [
            ClipRef(f"{split}-{index:05d}", (label,), index)
            for index, label in enumerate(self._classes(count))
        ]

    def load(self, ref: ClipRef, spec: InputSpec) -> Clip:
        """Render one clip: as many frames as the spec picks, and all of the sound."""
        scene = self.scene(ref)
        picked = pick_frames(TIMES, DURATION, spec, rate=Fraction(FPS))
        times, rate = TIMES[picked], spec.sample_rate or RATE
        return Clip(
            id=ref.id,
            frames=scene.frames(times, spec.size or SIZE),
            times=times,
            audio=resample(scene.sound(), RATE, rate)[None],
            sample_rate=rate,
            duration=DURATION,
        )

    def scene(self, ref: ClipRef) -> Scene:
        """Return the clip as a function of time."""
        return Scene(self._rng.stream(ref.source), CLASSES[ref.labels[0]])

    def content_version(self) -> str:
        """Return the version of the renderer."""
        return RENDERER

    def _classes(self, count: int) -> list[int]:
        """Return a label for each clip: each class once in every twelve, shuffled."""
        blocks = -(-count // len(CLASSES))
        order = self._rng.stream("order")
        labels = [order.stream(b).permutation(len(CLASSES)) for b in range(blocks)]
        return [int(label) for label in np.concatenate(labels)[:count]]
