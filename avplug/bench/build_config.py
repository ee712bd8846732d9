"""What decides a data set that is written: a selection as of a run, and a layout."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from avplug.bench.config import RunConfig
from avplug.bench.layouts import FrameTree, Layout, MovieTree
from avplug.core.errors import UsageError

#: Folder of the lists by the senses that are corrupted, as READ names them.
_LISTS = {"av": "both", "v": "video", "a": "audio"}


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildConfig:
    """What to write, and how.

    Args:
        out: The folder.
        select: Data set, corruptions, severities, profile and seed, as of a run; what
            concerns models is not used.
        format: ``"frames"``, the tree of the published sets, or ``"mp4"``.
        frame_format: Of frames: ``"jpg"`` of quality 85, or ``"png"``.
        lossless: Of mp4: every value is kept.
        size: Side of a frame; 0 keeps the clip's. None: 224 for frames, 0 for mp4.
        sample_rate: Hz; 0 keeps the clip's. None: 16000 for frames, 0 for mp4.
        clean: Write the clean clips, too.

    Raises:
        UsageError: Settings exclude each other.
    """

    out: str
    select: RunConfig
    format: Literal["frames", "mp4"] = "frames"
    frame_format: Literal["jpg", "png"] = "jpg"
    lossless: bool = False
    size: int | None = None
    sample_rate: int | None = None
    clean: bool = True

    def __post_init__(self) -> None:
        for name in ("seeds", "modalities"):
            values = getattr(self.select, name)
            if len(values) > 1:
                raise UsageError(
                    f"{name} are {', '.join(map(str, values))}; a folder holds one.",
                    "Build the others into folders of their own.",
                )
        for name in ("size", "sample_rate"):
            value = getattr(self, name)
            if value is not None and value < 0:
                raise UsageError(f"{name} is {value}; it must be at least 0.")
        if self.lossless and self.format == "frames":
            raise UsageError(
                "lossless belongs to the format mp4.",
                "Frames without loss: --frame-format png.",
            )

    @property
    def seed(self) -> int:
        """Seed of everything random."""
        return self.select.seeds[0]

    def layout(self) -> Layout:
        """Return how the files lie."""
        if self.format == "mp4":
            return MovieTree(self.lossless, self.size or 0, self.sample_rate or 0)
        size = 224 if self.size is None else self.size
        rate = 16_000 if self.sample_rate is None else self.sample_rate
        kind = _LISTS[self.select.modalities[0]]
        return FrameTree(self.frame_format, kind, size, rate)
