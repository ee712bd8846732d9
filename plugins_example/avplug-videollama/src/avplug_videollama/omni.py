"""Qwen2.5-Omni as a reader of clips: media and question once, then any answers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from transformers import DynamicCache

from avplug import UsageError
from avplug_videollama.frontend import HOP, SAMPLE_RATE, LogMel, Patches


@dataclass(frozen=True, slots=True, eq=False)
class Read:
    """What a model knows after media and question.

    Args:
        logits: [B, V], of the answer's first token.
        cache: Keys and values of each layer, of B clips.
        position: Where the answer begins, in the model's count.
    """

    logits: torch.Tensor
    cache: DynamicCache
    position: int

    def cache_of(self, clips: torch.Tensor) -> DynamicCache:
        """Return a cache of its own for clips int64 [R], each as often as it occurs."""
        chosen = DynamicCache()
        layers: list[Any] = self.cache.layers
        for index, layer in enumerate(layers):
            # A device map may have put layers on several devices.
            rows = clips.to(layer.keys.device)
            chosen.update(layer.keys[rows], layer.values[rows], index)
        return chosen


class Omni(nn.Module):
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
    """

    ids: torch.Tensor
    positions: torch.Tensor

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
        super().__init__()
        vision = network.config.vision_config
        step = vision.patch_size * vision.spatial_merge_size
        if frames < 1 or frames % vision.temporal_patch_size:
            raise UsageError(
                f"{frames} frames are not a multiple of {vision.temporal_patch_size}."
            )
        if image_size < step or image_size % step:
            raise UsageError(f"image_size {image_size} is not a multiple of {step}.")
        self.network = network
        self.mel = LogMel(network.config.audio_config.num_mel_bins)
        self.patches = Patches(
            vision.patch_size, vision.spatial_merge_size, vision.temporal_patch_size
        )
        self.grid = self.patches.grid(frames, image_size)
        self.hops = round(seconds * SAMPLE_RATE) // HOP
        # The tower halves time twice.
        self.sounds = ((self.hops - 1) // 2 + 1 - 2) // 2 + 1
        self.pictures = math.prod(self.grid) // vision.spatial_merge_size**2
        prompt = self._prompt(question, system)
        ids = torch.tensor([tokenizer(prompt, add_special_tokens=False)["input_ids"]])
        media = {
            network.config.video_token_id: self.pictures,
            network.config.audio_token_id: self.sounds,
        }
        if any((ids == token).sum() != count for token, count in media.items()):
            raise UsageError(
                "The prompt has another number of media tokens than the clip.",
                "A label or the question holds one, or the tokeniser is of another"
                " model.",
            )
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

    @property
    def device(self) -> torch.device:
        """Where its inputs belong; a device map may have put the rest elsewhere."""
        weight: torch.Tensor = self.network.get_input_embeddings().weight
        return weight.device

    def _prompt(self, question: str, system: str) -> str:
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
        known = self.network.model(
            input_ids=self.ids.to(device).expand(count, -1),
            position_ids=self.positions.to(device).expand(-1, count, -1),
            pixel_values_videos=self.patches(frames),
            video_grid_thw=torch.tensor([self.grid] * count, device=device),
            input_features=mel.to(self.network.dtype),
            feature_attention_mask=torch.ones(
                count, self.hops, dtype=torch.long, device=device
            ),
            past_key_values=DynamicCache(),
            use_cache=True,
        )
        # Scores of the whole vocabulary at each place of the prompt would fill memory.
        logits = self.network.lm_head(known.last_hidden_state[:, -1])
        position = int(self.positions.max()) + 1
        return Read(logits.to(device), known.past_key_values, position)

    def go_on(self, read: Read, clips: torch.Tensor, ids: torch.Tensor) -> torch.Tensor:
        """Return logits [R, K, V] after each of the tokens that follow a prompt.

        Args:
            read: What :meth:`read` returned.
            clips: int64 [R], the clip of each row.
            ids: int64 [R, K], tokens of each row.
        """
        places = torch.arange(ids.shape[1], device=ids.device) + read.position
        said = self.network.model(
            input_ids=ids,
            position_ids=places.expand(3, len(ids), -1),
            past_key_values=read.cache_of(clips),
            use_cache=True,
        )
        logits: torch.Tensor = self.network.lm_head(said.last_hidden_state)
        return logits.to(self.device)
