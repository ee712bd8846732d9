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

#: Places whose scores of the whole vocabulary are held at once: 39 MB of Qwen's.
_AT_ONCE = 64


class VideoLlama(Model):
    """A language model that is shown a clip and asked for its class.

    The score of class c is :math:`\\sum_t \\log p(y_t | clip, question, y_{<t})` over
    the tokens y of its answer and the end of the turn, or their mean. The clip and the
    question are read once; their keys and values serve all classes, and a beginning
    that answers share is read once, too.

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
        frames: Frames of a clip, an even number for Qwen2.5-Omni.
        image_size: Their side in pixels, a multiple of 28.
        seconds: Of sound.
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
        if seconds < 0.1:
            raise UsageError(f"seconds {seconds} is too small: 0.1 is needed.")
        load = _loader()
        self.question = question_of(self.labels, answer, prompt)
        network, tokenizer, reader = load(weights, dtype, device_map)
        texts = answers_of(self.labels, answer)
        for text in (self.question, system, *texts):
            for sign in tokenizer.get_added_vocab():
                if sign in text:
                    raise UsageError(f"{text!r} holds the model's own sign '{sign}'.")
        self.modalities = reader.modalities
        self.reader = reader(
            network,
            tokenizer,
            self.question,
            system=system,
            frames=frames,
            image_size=image_size,
            seconds=seconds,
        )
        ended = [f"{text}<|im_end|>" for text in texts]
        ids = tokenizer(ended, add_special_tokens=False)["input_ids"]
        self.answers = Answers(ids, constrained=score == "constrained")
        if device_map:
            for part in (*self.reader.children(), self.answers):
                if part is not network:
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
        reader, answers = self.reader, self.answers
        states = reader.go_on(reader.read(frames, waveform), answers)
        # The whole vocabulary at all places at once would fill memory.
        size = max(1, _AT_ONCE // len(states))
        chosen = [
            answers.choose(reader.logits(states[:, part]), part)
            for part in (slice(i, i + size) for i in range(0, states.shape[1], size))
        ]
        scores = answers.log_likelihood(torch.cat(chosen, 1))
        if self.config["score"] == "likelihood" and self.config["length"] == "mean":
            scores = scores / answers.lengths
        return scores.to(frames.device)

    def to(self, *args: Any, **kwargs: Any) -> Self:
        """Move the model; one that a device map has spread stays where it is."""
        return self if self.config["device_map"] else super().to(*args, **kwargs)


def _loader() -> Any:
    try:
        from avplug_videollama.loading import load
    except ImportError as error:
        raise MissingExtraError(
            f"Model 'videollama' needs transformers 5.23 or later ({error}).",
            "Install it: pip install 'transformers>=5.23,<6'",
        ) from error
    return load
