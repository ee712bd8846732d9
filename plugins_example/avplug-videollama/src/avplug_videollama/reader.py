"""What readers of clips have in common: a prompt, and answers that follow it."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import nn
from transformers import DynamicCache

from avplug import UsageError
from avplug.core.errors import WeightsError
from avplug.core.model import Modalities
from avplug_videollama.answers import Answers
from avplug_videollama.frontend import Patches

#: What stands in a prompt for media, turns and speakers.
_SIGN = re.compile(r"<\|\w+\|>")


@dataclass(frozen=True, slots=True, eq=False)
class Read:
    """What a model knows after media and question; :meth:`Reader.go_on` uses it up.

    Args:
        state: [B, 1, D], from which the answer's first token is predicted.
        cache: Keys and values of each layer.
        position: Where the answer begins, in the model's count.
    """

    state: torch.Tensor
    cache: DynamicCache
    position: int


class Reader(nn.Module, ABC):
    """A language model with a front end and a prompt that is the same for all clips.

    Args:
        network: Of transformers, with parts ``model`` and ``lm_head``.
        patches: What becomes of frames.
        frames: Frames of a clip.
        image_size: Their side in pixels.

    Attributes:
        modalities: Senses that the network can be shown.

    Raises:
        UsageError: Frames do not come out even in patches.
    """

    modalities: ClassVar[Modalities] = "av"
    ids: torch.Tensor
    positions: torch.Tensor

    def __init__(
        self, network: Any, patches: Patches, frames: int, image_size: int
    ) -> None:
        super().__init__()
        step = patches.patch * patches.merge
        if frames < 1 or frames % patches.span:
            raise UsageError(f"{frames} frames are not a multiple of {patches.span}.")
        if image_size < step or image_size % step:
            raise UsageError(f"image_size {image_size} is not a multiple of {step}.")
        self.network = network
        self.patches = patches
        self.grid = patches.grid(frames, image_size)

    @abstractmethod
    def prompt(self, question: str, system: str) -> str:
        """Return all that is read before an answer, with signs for media."""

    @abstractmethod
    def read(self, frames: torch.Tensor, waveform: torch.Tensor) -> Read:
        """Return what the model knows of clips, before it says anything.

        Args:
            frames: [B, T, 3, H, W] in 0..1.
            waveform: [B, N], nominally -1..1, 16 kHz.
        """

    @property
    def device(self) -> torch.device:
        """Where its inputs belong; a device map may have put the rest elsewhere."""
        weight: torch.Tensor = self.network.get_input_embeddings().weight
        return weight.device

    def tokens_of(
        self, tokenizer: Any, question: str, system: str, media: Mapping[int, int]
    ) -> torch.Tensor:
        """Return the prompt's tokens, int64 [1, N].

        Args:
            tokenizer: Of the same checkpoint.
            question: What is asked about each clip.
            system: What the model is told before.
            media: How often the clip's tokens must occur.

        Raises:
            WeightsError: The tokeniser is of another model.
        """
        signs = set(_SIGN.findall(self.prompt("", "")))
        if foreign := sorted(signs - set(tokenizer.get_added_vocab())):
            raise WeightsError(
                f"The tokeniser does not know '{foreign[0]}'.",
                "It is of another model: fetch the checkpoint again.",
            )
        prompt = self.prompt(question, system)
        ids = torch.tensor([tokenizer(prompt, add_special_tokens=False)["input_ids"]])
        if any((ids == token).sum() != count for token, count in media.items()):
            raise WeightsError(
                "The prompt has another number of media tokens than the clip.",
                "The tokeniser is of another model: fetch the checkpoint again.",
            )
        return ids

    def read_prompt(self, count: int, **media: Any) -> Read:
        """Return what the model knows after the prompt with the media of B clips."""
        known = self.network.model(
            input_ids=self.ids.to(self.device).expand(count, -1),
            position_ids=self._for(count, self.positions),
            past_key_values=DynamicCache(),
            use_cache=True,
            **media,
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
            position_ids=self._for(count, read.position - 1 + answers.depths),
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

    def _for(self, count: int, positions: torch.Tensor) -> torch.Tensor:
        """Return positions [..., B, N]; some models count along three axes."""
        axes = self.positions.shape[:-2]
        return positions.to(self.device).expand(*axes, count, -1)
