"""Qwen2.5-Omni as a reader of clips: media and question once, then any answers."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import nn
from transformers.image_utils import OPENAI_CLIP_MEAN, OPENAI_CLIP_STD

from avplug_videollama.frontend import HOP, SAMPLE_RATE, LogMel, Patches
from avplug_videollama.reader import Read, Reader


class Omni(Reader):
    """The thinker of Qwen2.5-Omni with a front end and a prompt.

    Picture and sound are two segments of the prompt, one after the other. Every clip
    has the same number of tokens: short sound is followed by silence.

    Args:
        network: ``Qwen2_5OmniThinkerForConditionalGeneration``.
        tokenizer: Of the same checkpoint.
        question: What is asked about each clip.
        system: What the model is told before.
        frames: Frames of a clip.
        image_size: Their side in pixels.
        seconds: Of sound.

    Raises:
        UsageError: Frames do not come out even in patches.
        WeightsError: The tokeniser is of another model.
    """

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
        vision = network.config.vision_config
        patches = Patches(
            vision.patch_size,
            vision.spatial_merge_size,
            vision.temporal_patch_size,
            mean=OPENAI_CLIP_MEAN,
            std=OPENAI_CLIP_STD,
        )
        super().__init__(network, patches, frames, image_size)
        self.mel = LogMel(network.config.audio_config.num_mel_bins)
        self.hops = round(seconds * SAMPLE_RATE) // HOP
        # The tower halves time twice.
        self.sounds = ((self.hops - 1) // 2 + 1 - 2) // 2 + 1
        self.pictures = math.prod(self.grid) // vision.spatial_merge_size**2
        media = {
            network.config.video_token_id: self.pictures,
            network.config.audio_token_id: self.sounds,
        }
        ids = self.tokens_of(tokenizer, question, system, media)
        positions, _ = network.model.get_rope_index(
            ids,
            video_grid_thw=torch.tensor([self.grid]),
            attention_mask=torch.ones_like(ids),
            audio_seqlens=torch.tensor([self.hops]),
            second_per_grids=torch.tensor(
                [vision.temporal_patch_size * seconds / frames]
            ),
        )
        self.register_buffer("ids", ids, persistent=False)
        self.register_buffer("positions", positions, persistent=False)

    def prompt(self, question: str, system: str) -> str:
        """Return all that is read before an answer, the picture before the sound."""
        return (
            f"<|im_start|>system\n{system}<|im_end|>\n<|im_start|>user\n"
            f"<|vision_bos|>{'<|VIDEO|>' * self.pictures}<|vision_eos|>"
            f"<|audio_bos|>{'<|AUDIO|>' * self.sounds}<|audio_eos|>"
            f"{question}<|im_end|>\n<|im_start|>assistant\n"
        )

    def read(self, frames: torch.Tensor, waveform: torch.Tensor) -> Read:
        """Return what the model knows of clips, before it says anything.

        Args:
            frames: [B, T, 3, H, W] in 0..1.
            waveform: [B, N], nominally -1..1, 16 kHz; padded or cut to ``seconds``.
        """
        count, device = len(frames), self.device
        frames, waveform = frames.to(device), waveform.to(device)
        samples = self.hops * HOP
        heard = nn.functional.pad(waveform, (0, max(0, samples - waveform.shape[1])))
        mel = self.mel(heard[:, :samples])
        return self.read_prompt(
            count,
            pixel_values_videos=self.patches(frames),
            video_grid_thw=torch.tensor([self.grid] * count, device=device),
            input_features=mel.to(self.network.dtype),
            feature_attention_mask=torch.ones(
                count, self.hops, dtype=torch.long, device=device
            ),
        )
