"""Qwen2.5-Omni as a reader of clips: media and question once, then any answers."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from transformers import DynamicCache

from avplug import UsageError
from avplug.core.errors import WeightsError
from avplug_videollama.answers import Answers
from avplug_videollama.frontend import HOP, SAMPLE_RATE, LogMel, Patches

#: What stands in a prompt for media, turns and speakers.
_SIGN = re.compile(r"<\|\w+\|>")


@dataclass(frozen=True, slots=True, eq=False)
class Read:
    """What a model knows after media and question; :meth:`Omni.go_on` uses it up.

    Args:
        state: [B, 1, D], from which the answer's first token is predicted.
        cache: Keys and values of each layer.
        position: Where the answer begins, in the model's count.
    """

    state: torch.Tensor
    cache: DynamicCache
    position: int


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
        WeightsError: The tokeniser is of another model.
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
        signs = set(_SIGN.findall(self._prompt("", "")))
        if foreign := sorted(signs - set(tokenizer.get_added_vocab())):
            raise WeightsError(
                f"The tokeniser does not know '{foreign[0]}'.",
                "It is of another model: fetch the checkpoint again.",
            )
        prompt = self._prompt(question, system)
        ids = torch.tensor([tokenizer(prompt, add_special_tokens=False)["input_ids"]])
        media = {
            network.config.video_token_id: self.pictures,
            network.config.audio_token_id: self.sounds,
        }
        if any((ids == token).sum() != count for token, count in media.items()):
            raise WeightsError(
                "The prompt has another number of media tokens than the clip.",
                "The tokeniser is of another model: fetch the checkpoint again.",
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
        position = int(self.positions.max()) + 1
        return Read(known.last_hidden_state[:, -1:], known.past_key_values, position)

    def go_on(self, read: Read, answers: Answers) -> torch.Tensor:
        """Return the states [B, 1 + N, D] at the places of a tree of answers.

        Each clip's keys and values stay where they are: all answers are fed as one
        sequence, in which a token sees the clip, the question and its own way only.
        """
        if not len(answers.tokens):
            return read.state
        count, before = len(read.state), read.cache.get_seq_length()
        sees = nn.functional.pad(answers.sees, (before, 0), value=True)
        mask = torch.zeros(sees.shape, dtype=self.network.dtype, device=sees.device)
        mask = mask.masked_fill(~sees, torch.finfo(mask.dtype).min)
        said = self.network.model(
            input_ids=answers.tokens.expand(count, -1),
            attention_mask=mask.expand(count, 1, -1, -1),
            position_ids=(read.position - 1 + answers.depths).expand(3, count, -1),
            past_key_values=read.cache,
            use_cache=True,
        )
        following = said.last_hidden_state.to(read.state.device)
        return torch.cat([read.state, following], 1)

    def logits(self, states: torch.Tensor) -> torch.Tensor:
        """Return scores of the vocabulary [B, n, V], in float32 at least."""
        logits: torch.Tensor = self.network.lm_head(states).to(self.device)
        # Probabilities of a large vocabulary need more than half precision.
        return logits if logits.dtype == torch.float64 else logits.float()
