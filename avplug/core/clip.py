"""Value types: a decoded clip, a reference to one, and what a model wants to see."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

FrameRule = Literal["cav-mae", "uavm", "centre", "all"]


@dataclass(frozen=True, slots=True)
class InputSpec:
    """What a model wants to see and hear of a clip; tells the loader what to sample.

    Args:
        size: Side of the square frame in pixels (shorter side resized with Pillow's
            antialiased bicubic filter, then cropped at the centre). 0 keeps the size.
        sample_rate: Audio rate in Hz. 0 keeps the file's.
        seconds: Length of audio that the model uses. The loader keeps more; the
            batch cuts it after the corruption. 0 keeps all.
        grid: The clip is divided into this many equal parts ...
        picks: ... and these of them give one frame each, by ``frame_rule``.
        frame_rule: ``"cav-mae"``: the frame before the one shown at the part's start,
            as the published feature extraction of CAV-MAE does. ``"uavm"``: the last
            one shown before the middle of the part, as that of UAVM does, where thirty
            parts of ten seconds are three frames a second. Both look at the first ten
            seconds. ``"centre"``: the frame shown in the middle of the part.
            ``"all"``: every frame; ``grid`` and ``picks`` are ignored.
        channels: ``"first"`` takes the first audio channel, ``"mean"`` mixes them,
            ``"all"`` keeps them.
    """

    size: int = 224
    sample_rate: int = 16_000
    seconds: float = 10.0
    grid: int = 10
    picks: tuple[int, ...] = (5,)
    frame_rule: FrameRule = "cav-mae"
    channels: Literal["first", "mean", "all"] = "first"

    @property
    def samples(self) -> int:
        """Audio samples that the model uses."""
        return round(self.seconds * self.sample_rate)


#: Every frame at its own size, every sample at its own rate and channel.
AS_IS = InputSpec(0, 0, 0.0, 0, (), "all", "all")


@dataclass(frozen=True, slots=True)
class ClipInfo:
    """What a scene may depend on: the clip as it is in the world, not as sampled.

    ``duration`` is in seconds; sizes are 0 where the clip has no such track.
    """

    id: str
    duration: float
    height: int = 0
    width: int = 0
    sample_rate: int = 0
    channels: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Clip:
    """A decoded clip. Arrays are never changed in place.

    Args:
        id: Name of the clip, unique in its data set; keys its random numbers.
        frames: uint8 [T, H, W, 3], RGB, or None without a video track.
        times: float64 [T], when each frame is presented, in seconds, increasing.
        audio: float32 [C, N], nominally -1..1, or None without an audio track.
        sample_rate: Hz, 0 without audio.
        duration: Seconds; of the whole clip, whatever frames were sampled.

    Raises:
        ValueError: An array has another dtype or shape.
    """

    id: str
    frames: NDArray[np.uint8] | None
    times: NDArray[np.float64] | None
    audio: NDArray[np.float32] | None
    sample_rate: int
    duration: float

    def __post_init__(self) -> None:
        if self.frames is not None:
            if self.frames.ndim != 4 or self.frames.shape[3] != 3:
                raise ValueError(
                    f"Expected frames [T, H, W, 3], got {list(self.frames.shape)}."
                )
            if self.frames.dtype != np.uint8:
                raise ValueError(f"Expected uint8 frames, got {self.frames.dtype}.")
            if self.times is None or self.times.shape != self.frames.shape[:1]:
                raise ValueError("Expected one time in seconds for each frame.")
        if self.audio is not None:
            if self.audio.ndim != 2 or self.audio.shape[0] > 64:
                raise ValueError(
                    f"Expected audio [channels, samples], got {list(self.audio.shape)}."
                    " Transpose it, or add the channel axis."
                )
            if self.audio.dtype != np.float32:
                raise ValueError(f"Expected float32 audio, got {self.audio.dtype}.")
            if self.sample_rate <= 0:
                raise ValueError("Audio needs a positive sample_rate.")

    @property
    def info(self) -> ClipInfo:
        """The facts that a corruption's scene may depend on."""
        height, width = (0, 0) if self.frames is None else self.frames.shape[1:3]
        channels = 0 if self.audio is None else self.audio.shape[0]
        rate = self.sample_rate if channels else 0
        return ClipInfo(self.id, self.duration, height, width, rate, channels)

    def with_media(
        self,
        *,
        frames: NDArray[np.uint8] | None = None,
        audio: NDArray[np.float32] | None = None,
    ) -> Clip:
        """Return this clip with other frames or audio; None keeps what there is."""
        return replace(
            self,
            frames=self.frames if frames is None else frames,
            audio=self.audio if audio is None else audio,
        )


@dataclass(frozen=True, slots=True)
class ClipRef:
    """A clip of a data set, not yet decoded.

    Args:
        id: Unique in the data set.
        labels: Indices into the data set's class names; several if multi-label.
        source: What the data set needs to load it, such as a path.
        group: The recording that clips share; "" stands for the clip itself.
    """

    id: str
    labels: tuple[int, ...]
    source: Any = field(default=None, compare=False)
    group: str = ""
