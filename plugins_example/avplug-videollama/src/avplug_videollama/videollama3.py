"""VideoLLaMA 3 as a reader of clips. It has no ears: sound changes no answer."""

from __future__ import annotations

import logging
import math
from typing import Any, ClassVar

import torch
from transformers.image_utils import IMAGENET_STANDARD_MEAN, IMAGENET_STANDARD_STD

from avplug.core.model import Modalities
from avplug_videollama.frontend import Patches
from avplug_videollama.reader import Read, Reader

_log = logging.getLogger("avplug")

#: Patches in each direction that become one token of a video; its processor's.
_MERGE = 2


class VideoLlama3(Reader):
    """VideoLLaMA 3 with a front end and a prompt that names each frame's time.

    Tokens of patches that hardly change are not left out, as its processor does: every
    clip has the same number of tokens, and gradients reach all of them.

    Args:
        network: ``VideoLlama3ForConditionalGeneration``.
        tokenizer: Of the same checkpoint.
        question: What is asked about each clip.
        system: What the model is told before.
        frames: Frames of a clip.
        image_size: Their side in pixels.
        seconds: Over which they are spread.

    Raises:
        UsageError: Frames do not come out even in patches.
        WeightsError: The tokeniser is of another model.
    """

    modalities: ClassVar[Modalities] = "v"

    def __init__(
        self,
        network: Any,
        tokenizer: Any,
        question: str,
        *,
        system: str,
        frames: int,
        image_size: int,
        seconds: float,
    ) -> None:
        patches = Patches(
            network.config.vision_config.patch_size,
            _MERGE,
            1,
            mean=IMAGENET_STANDARD_MEAN,
            std=IMAGENET_STANDARD_STD,
        )
        super().__init__(network, patches, frames, image_size)
        _log.warning("VideoLLaMA 3 hears nothing: sound changes none of its answers.")
        # Each frame is the middle of its share of the clip.
        self.times = [(index + 0.5) * seconds / frames for index in range(frames)]
        self.pictures = math.prod(self.grid[1:]) // _MERGE**2
        media = {network.config.video_token_id: frames * self.pictures}
        ids = self.tokens_of(tokenizer, question, system, media)
        self.register_buffer("ids", ids, persistent=False)
        positions = torch.arange(ids.shape[1])[None]
        self.register_buffer("positions", positions, persistent=False)

    def prompt(self, question: str, system: str) -> str:
        """Return all that is read before an answer."""
        picture = "<|video_pad|>" * self.pictures
        video = ",".join(f"Time {time:.1f}s:{picture}" for time in self.times)
        return (
            f"<|im_start|>system\n{system}<|im_end|>\n<|im_start|>user\n"
            f"{video}\n{question}<|im_end|>\n<|im_start|>assistant\n"
        )

    def read(self, frames: torch.Tensor, waveform: torch.Tensor) -> Read:
        """Return what the model knows of clips, before it says anything.

        Args:
            frames: [B, T, 3, H, W] in 0..1.
            waveform: Not heard.
        """
        count, device = len(frames), self.device
        return self.read_prompt(
            count,
            pixel_values_videos=self.patches(frames.to(device)),
            video_grid_thw=torch.tensor([self.grid] * count, device=device),
            video_merge_sizes=torch.tensor([_MERGE] * count, device=device),
        )
