"""An audio-visual language model as a classifier: how likely is each class's answer."""

from __future__ import annotations

from typing import Any, ClassVar, Literal, Self, get_args

import torch

from avplug import InputSpec, Model, UsageError
from avplug.core.errors import MissingExtraError
from avplug_videollama.answers import Answers
from avplug_videollama.prompts import Answer, answers_of, question_of

#: ``likelihood``: the model may say anything. ``constrained``: only answers.
Score = Literal["likelihood", "constrained"]
#: What the tokens' log-probabilities are joined to.
Length = Literal["mean", "sum"]
Dtype = Literal["auto", "float32", "bfloat16", "float16"]


class VideoLlama(Model):
    """A language model that is shown a clip and asked for its class.

    The score of class c is :math:`\\sum_t \\log p(y_t | clip, question, y_{<t})` over
    the tokens y of its answer and the end of the turn, or their mean. The clip and the
    question are read once; their keys and values serve all classes.

    With ``constrained``, probabilities are those among tokens that lead to an answer:
    the distribution of answers when generation is held to the list, found exactly
    rather than by sampling. They sum to one over the classes.

    Args:
        labels: Names of the classes.
        weights: What ``--weights`` says; see :func:`avplug_videollama.loading.load`.
        score: ``likelihood`` or ``constrained``.
        answer: ``label``, the class's name; ``letter``, which the question gives it.
        length: Of a likelihood, the ``mean`` over its tokens or the ``sum``; a
            constrained answer has the sum.
        prompt: The question; ``{labels}`` stands for the list. "" for the paper's.
        system: What the model is told before.
        frames: Frames of a clip, an even number.
        image_size: Their side in pixels, a multiple of 28.
        seconds: Of sound.
        pairs: Clips times classes that are scored at once; costs memory.
        dtype: Of the weights; ``auto`` for the checkpoint's own.
        device_map: Spreads the weights over devices, such as ``auto`` or
            ``balanced``; needs accelerate. "" for the run's one device.

    Raises:
        UsageError: An option does not fit.
        WeightsError: The checkpoint cannot be loaded.
        MissingExtraError: transformers is not installed.
    """

    pretrained: ClassVar[bool] = True

    def __init__(
        self,
        labels: tuple[str, ...],
        *,
        weights: str = "Qwen/Qwen2.5-Omni-7B",
        score: Score = "likelihood",
        answer: Answer = "label",
        length: Length = "mean",
        prompt: str = "",
        system: str = "You are a helpful assistant.",
        frames: int = 8,
        image_size: int = 224,
        seconds: float = 10.0,
        pairs: int = 32,
        dtype: Dtype = "auto",
        device_map: str = "",
    ) -> None:
        super().__init__(
            labels,
            weights=weights,
            score=score,
            answer=answer,
            length=length,
            prompt=prompt,
            system=system,
            frames=frames,
            image_size=image_size,
            seconds=seconds,
            pairs=pairs,
            dtype=dtype,
            device_map=device_map,
        )
        for name, choices in (
            ("score", Score),
            ("answer", Answer),
            ("length", Length),
            ("dtype", Dtype),
        ):
            if self.config[name] not in get_args(choices):
                raise UsageError(
                    f"Unknown {name} {self.config[name]!r}.",
                    f"Possible: {', '.join(get_args(choices))}.",
                )
        if pairs < 1 or seconds < 0.1:
            raise UsageError(f"pairs {pairs} or seconds {seconds} is too small.")
        load, omni = _parts()
        self.question = question_of(self.labels, answer, prompt)
        network, tokenizer = load(weights, dtype, device_map)
        self.reader = omni(
            network,
            tokenizer,
            self.question,
            system=system,
            frames=frames,
            image_size=image_size,
            seconds=seconds,
        )
        texts = [f"{text}<|im_end|>" for text in answers_of(self.labels, answer)]
        ids = tokenizer(texts, add_special_tokens=False)["input_ids"]
        self.answers = Answers(ids, constrained=score == "constrained")
        if device_map:
            for part in (self.reader.mel, self.reader.patches, self.answers):
                part.to(self.reader.device)
        self.input = InputSpec(
            size=image_size,
            seconds=seconds,
            grid=frames,
            picks=tuple(range(frames)),
            frame_rule="centre",
            channels="mean",
        )

    def forward(self, frames: torch.Tensor, waveform: torch.Tensor) -> torch.Tensor:
        """Return each class's score [B, C], in natural logarithms.

        Args:
            frames: [B, T, 3, H, W] in 0..1.
            waveform: [B, N], nominally -1..1, 16 kHz.
        """
        read = self.reader.read(frames, waveform)
        device = self.reader.device
        clips, classes = torch.meshgrid(
            torch.arange(len(frames), device=device),
            torch.arange(len(self.answers), device=device),
            indexing="ij",
        )
        parts = zip(
            clips.flatten().split(self.config["pairs"]),
            classes.flatten().split(self.config["pairs"]),
            strict=True,
        )
        scores = torch.cat([self._score(read, *part) for part in parts])
        return scores.view(clips.shape).to(frames.device)

    def _score(
        self, read: Any, clips: torch.Tensor, classes: torch.Tensor
    ) -> torch.Tensor:
        logits = read.logits[clips][:, None]
        fed = self.answers.fed[classes]
        if fed.shape[1]:
            following = self.reader.go_on(read, clips, fed)
            logits = torch.cat([logits, following], 1)
        # Probabilities of a large vocabulary need more than half precision.
        logits = logits if logits.dtype == torch.float64 else logits.float()
        total = self.answers.log_likelihood(logits, classes).sum(1)
        if self.config["score"] == "likelihood" and self.config["length"] == "mean":
            return total / self.answers.lengths[classes]
        return total

    def to(self, *args: Any, **kwargs: Any) -> Self:
        """Move the model; one that a device map has spread stays where it is."""
        return self if self.config["device_map"] else super().to(*args, **kwargs)


def _parts() -> tuple[Any, Any]:
    try:
        from avplug_videollama.loading import load
        from avplug_videollama.omni import Omni
    except ImportError as error:
        raise MissingExtraError(
            f"Model 'videollama' needs transformers 5.23 or later ({error}).",
            "Install it: pip install 'transformers>=5.23,<6'",
        ) from error
    return load, Omni
