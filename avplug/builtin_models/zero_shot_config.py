"""Options that all zero-shot models have, checked once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal, get_args

from avplug.builtin_models.options import Options, one_of
from avplug.builtin_models.prompts import Synonyms, resolve_templates
from avplug.builtin_models.published import CLIP_VOCABULARY
from avplug.core.errors import UsageError

Fusion = Literal["logits-mean", "embed-mean", "raw-sum", "audio", "visual"]
Frames = Literal["mean", "middle"]

#: OpenAI's vocabulary as the authors of AudioCLIP published it (MIT), and its content.
VOCABULARY, _, VOCABULARY_SHA256 = CLIP_VOCABULARY.partition("#sha256=")


@dataclass(frozen=True, slots=True, kw_only=True)
class ZeroShotConfig(Options):
    """What a zero-shot model does with a clip and with the names of the classes.

    A model's own configuration derives from this one; all of it belongs to the
    identity of a result.

    Args:
        fusion: How the senses' scores are joined. ``logits-mean``: the mean of both
            senses' logits. ``embed-mean``: unit vectors are averaged, the average has
            logits. ``raw-sum``: the towers' outputs are added as they are, whatever
            their lengths. ``audio``, ``visual``: one sense alone; the other's tower
            does not run.
        frames: ``mean`` of the unit vectors of all frames, or the ``middle`` one only.
        grid: Equal parts of the clip, each of which gives a frame.
        seconds: Of sound that is heard.
        templates: Sentences with ``{}`` for the class, of which a class's text vector
            is the average. Options may give one sentence, or a name in
            :data:`~avplug.builtin_models.prompts.TEMPLATES`.
        synonyms: What the commas in a class's name mean; see
            :data:`~avplug.builtin_models.prompts.Synonyms`.
        vocabulary: Where the tokeniser's vocabulary is: a path or an address.
        vocabulary_sha256: Of that file; another content is refused.

    Raises:
        UsageError: A value is unknown or does not fit.
    """

    title: ClassVar[str] = "The model"

    fusion: Fusion = "logits-mean"
    frames: Frames = "mean"
    grid: int = 10
    seconds: float = 10.0
    templates: tuple[str, ...] = ("{}",)
    synonyms: Synonyms = "keep"
    vocabulary: str = VOCABULARY
    vocabulary_sha256: str = VOCABULARY_SHA256

    def __post_init__(self) -> None:
        one_of("fusion", self.fusion, get_args(Fusion))
        one_of("frames", self.frames, get_args(Frames))
        one_of("synonyms", self.synonyms, get_args(Synonyms))
        if self.grid < 1 or self.seconds <= 0:
            raise UsageError(
                f"{self.title} needs a frame and some sound: grid {self.grid},"
                f" seconds {self.seconds}."
            )

    @classmethod
    def taken(cls, name: str, value: Any) -> Any:
        """Return what an option's plain value stands for; templates have names."""
        if name == "templates":
            return resolve_templates(value)
        return Options.taken(name, value)

    @property
    def picks(self) -> tuple[int, ...]:
        """Parts of the clip that give a frame each."""
        return (self.grid // 2,) if self.frames == "middle" else tuple(range(self.grid))
