"""Classification without training on the classes: a clip is compared with their names.

A zero-shot model has a tower for each sense and one for text, whose vectors live in one
space. The class whose text is most like what is seen and heard wins.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import ClassVar, Literal

import torch
from torch import nn
from torch.nn import functional as F

from avplug.builtin_models.class_texts import read_classes
from avplug.builtin_models.colours import CLIP_COLOURS, Colours
from avplug.builtin_models.frontend import check_frames
from avplug.builtin_models.text_cache import hash_tensors
from avplug.builtin_models.two_steps import TwoSteps
from avplug.builtin_models.vit import each_row
from avplug.builtin_models.zero_shot_config import Fusion, ZeroShotConfig
from avplug.core.batch import Batch
from avplug.core.clip import InputSpec
from avplug.core.errors import CapabilityError, UsageError
from avplug.core.model import Modalities, PerSense, Surface

Sense = Literal["audio", "visual"]
Tower = Literal["audio", "visual", "text"]

_ONE_SENSE: dict[Fusion, Modalities] = {"audio": "a", "visual": "v"}
_NORMS = (nn.LayerNorm, nn.BatchNorm1d, nn.BatchNorm2d)


@dataclass(frozen=True, slots=True, eq=False)
class Embeddings:
    """The towers' outputs for B clips, of the length that each tower gives them.

    None stands for a sense that the fusion leaves out.

    Args:
        audio: [B, D].
        video: [B, T, D], a vector for each frame.
    """

    audio: torch.Tensor | None
    video: torch.Tensor | None


class ZeroShot(TwoSteps[Embeddings]):
    """A model that knows classes by name; base class.

    A subclass states its ``towers`` and how it embeds; cleaning of labels, prompts,
    their vectors, frames, scales and fusion are done here. The vectors of the class
    texts are computed at the first prediction, kept on disk (``AVPLUG_CACHE``), and
    are no part of the weights: any data set's labels fit any checkpoint.

    Args:
        labels: Names of the classes; see :func:`~avplug.builtin_models.prompts.clean`.
        options: What to do with them, and with a clip.
        image_size: Side of the square picture in pixels.

    Raises:
        UsageError: The fusion needs a sense that the model lacks.

    Example::

        class Toy(ZeroShot):
            towers = {"audio": ("ear",), "visual": ("eye",), "text": ("words",)}

            def __init__(self, labels, **config):
                super().__init__(labels, ZeroShotConfig.from_options(config))
                self.ear, self.eye, self.words = ...

            def embed_sound(self, waveform, lengths): ...    # [B, N] -> [B, D]
            def embed_pictures(self, pictures): ...          # [N, 3, H, W] -> [N, D]
            def embed_texts(self, tokens): ...               # [K, 77] -> [K, D]
            def scale(self, sense): ...                      # -> a factor
    """

    #: Names of the modules that belong to each tower; a tower that is not named is
    #: not there.
    towers: ClassVar[Mapping[Tower, tuple[str, ...]]]
    #: Rate of the waveform in Hz.
    sample_rate: ClassVar[int] = 16_000
    #: Of a file with several channels, the first or their mean.
    channels: ClassVar[Literal["first", "mean"]] = "mean"
    #: Whether texts of more than 77 tokens are cut; an error if not.
    truncates: ClassVar[bool] = False

    _texts: torch.Tensor | None

    def __init__(
        self,
        labels: tuple[str, ...],
        options: ZeroShotConfig,
        *,
        image_size: int = 224,
    ) -> None:
        super().__init__(labels, **asdict(options))
        self.options = options
        self.modalities = _ONE_SENSE.get(options.fusion, "av")
        for sense in self.senses:
            if sense not in self.towers:
                raise UsageError(
                    f"{type(self).__name__} has no {sense} tower for the fusion"
                    f" {options.fusion!r}.",
                    f"It has: {', '.join(self.towers)}.",
                )
        self.input = InputSpec(
            size=image_size,
            sample_rate=self.sample_rate,
            seconds=options.seconds,
            grid=options.grid,
            picks=options.picks,
            channels=self.channels,
        )
        self.colours = Colours(*CLIP_COLOURS)
        self.register_buffer("_texts", None, persistent=False)
        self.register_load_state_dict_post_hook(_forget_texts)  # type: ignore[no-untyped-call]

    @property
    def senses(self) -> tuple[Sense, ...]:
        """The senses that a prediction uses."""
        fusion = self.options.fusion
        if fusion == "audio" or fusion == "visual":
            return (fusion,)
        return ("audio", "visual")

    def embed_sound(
        self, waveform: torch.Tensor, lengths: torch.Tensor
    ) -> torch.Tensor:
        """Return the audio tower's vectors [B, D], of its own length.

        Args:
            waveform: float32 [B, N], nominally -1..1, zeros after each clip's end.
            lengths: int64 [B], samples of each clip before the zeros.
        """
        raise CapabilityError(f"{type(self).__name__} hears nothing.")

    def embed_pictures(self, pictures: torch.Tensor) -> torch.Tensor:
        """Return the picture tower's vectors [N, D] of normalised [N, 3, H, W]."""
        raise CapabilityError(f"{type(self).__name__} sees nothing.")

    def embed_texts(self, tokens: torch.Tensor) -> torch.Tensor:
        """Return the text tower's vectors [K, D] of ids int64 [K, 77]."""
        raise CapabilityError(f"{type(self).__name__} reads nothing.")

    def scale(self, sense: Sense) -> torch.Tensor | float:
        """Return what the cosine of a sense and a text is multiplied with."""
        raise CapabilityError(f"{type(self).__name__} has no scale for {sense}.")

    def encode(self, batch: Batch) -> Embeddings:
        """Return what the towers say of the senses that the fusion uses.

        In the weights' type, whatever the towers compute in.

        Raises:
            ValueError: A tensor has another shape.
        """
        audio = video = None
        dtype = self.colours.mean.dtype
        if "audio" in self.senses:
            audio = self.embed_sound(batch.waveform, batch.lengths).to(dtype)
        if "visual" in self.senses:
            check_frames(batch.frames, self.input.size)
            pictures = self.embed_pictures(self.colours(batch.frames.flatten(0, 1)))
            video = pictures.view(*batch.frames.shape[:2], -1).to(dtype)
        return Embeddings(audio, video)

    def fuse(self, tokens: Embeddings) -> torch.Tensor:
        """Return logits [B, C] of embeddings, joined as the option ``fusion`` says."""
        if tokens.audio is None or tokens.video is None:
            return self._logits(self.senses[0], self._direction(tokens))
        fusion = self.options.fusion
        if fusion == "raw-sum":
            joined = tokens.audio + tokens.video.mean(1)
            return self._joint_logits(_unit(joined))
        each = self.features(tokens)
        if fusion == "embed-mean":
            return self._joint_logits(_unit((each.audio + each.video) / 2))
        return (
            self._logits("audio", each.audio) + self._logits("visual", each.video)
        ) / 2

    def unimodal(self, tokens: Embeddings, *, padded: bool = False) -> PerSense:
        """Return logits [B, C] from the sound alone and from the pictures alone.

        Raises:
            CapabilityError: ``padded``, or the fusion uses one sense only.
        """
        if padded:
            raise CapabilityError(
                f"{type(self).__name__} has no joint transformer to pad the input of."
            )
        each = self.features(tokens)
        return PerSense(
            self._logits("audio", each.audio), self._logits("visual", each.video)
        )

    def features(self, tokens: Embeddings) -> PerSense:
        """Return a unit vector [B, D] for each sense.

        Raises:
            CapabilityError: The fusion uses one sense only.
        """
        if tokens.audio is None or tokens.video is None:
            raise CapabilityError(
                f"Fusion {self.options.fusion!r} leaves out a sense.",
                "Both are used by logits-mean, embed-mean and raw-sum.",
            )
        return PerSense(_unit(tokens.audio), _over_frames(tokens.video))

    @property
    def embeds(self) -> bool:
        """Whether the fusion uses both senses."""
        return len(self.senses) == 2

    def embed(self, tokens: Embeddings) -> PerSense:
        """Return a unit vector [B, D] for each sense: the towers share one space.

        Raises:
            CapabilityError: The fusion uses one sense only.
        """
        return self.features(tokens)

    def _direction(self, tokens: Embeddings) -> torch.Tensor:
        """Return unit vectors [B, D] of the one sense that is there."""
        if tokens.video is not None:
            return _over_frames(tokens.video)
        assert tokens.audio is not None
        return _unit(tokens.audio)

    def _joint_logits(self, vectors: torch.Tensor) -> torch.Tensor:
        scale = (self.scale("audio") + self.scale("visual")) / 2
        return scale * self._cosines(vectors)

    def _logits(self, sense: Sense, vectors: torch.Tensor) -> torch.Tensor:
        return self.scale(sense) * self._cosines(vectors)

    def _cosines(self, vectors: torch.Tensor) -> torch.Tensor:
        texts = self.class_texts().T
        # In half precision times 100, classes that differ would be equal.
        with torch.autocast(vectors.device.type, enabled=False):
            return each_row(lambda row: row @ texts, vectors.to(texts.dtype))

    def class_texts(self) -> torch.Tensor:
        """Return a unit vector for each class, [C, D], the mean over its prompts.

        Computed once after the weights have been loaded, without gradient.

        Raises:
            WeightsError: The vocabulary cannot be had.
            MissingExtraError: ``tokenizers`` is not installed.
        """
        if self._texts is None:
            # Tensors born in inference mode could never take part in a backward pass.
            with torch.inference_mode(False), torch.no_grad():
                self._texts = self._read_classes()
        return self._texts

    # Files and hashes are nothing for a compiler to look into.
    @torch.compiler.disable  # type: ignore[untyped-decorator]
    def _read_classes(self) -> torch.Tensor:
        device, names = self.colours.mean.device, self.towers["text"]
        tower = (
            (name, tensor)
            for name, tensor in self.state_dict().items()
            if _belongs(name, names)
        )
        return read_classes(
            self.labels,
            self.options,
            self.embed_texts,
            truncate=self.truncates,
            facts=(
                f"{type(self).__module__}.{type(self).__qualname__}",
                device.type,
                hash_tensors(tower),
            ),
            device=device,
        )

    def parameters_for(self, surface: Surface) -> dict[str, nn.Parameter]:
        """Return the named parameters of a surface.

        ``norm``: the normalisation layers of the towers of the senses in use. The text
        tower's are not in it: its vectors stay as they are.
        """
        if surface != "norm":
            return super().parameters_for(surface)
        used = tuple(name for sense in self.senses for name in self.towers[sense])
        return {
            f"{module_name}.{name}": parameter
            for module_name, module in self.named_modules()
            if isinstance(module, _NORMS) and _belongs(module_name, used)
            for name, parameter in module.named_parameters()
        }


def _forget_texts(model: ZeroShot, _: object) -> None:
    model._texts = None


def _belongs(name: str, modules: tuple[str, ...]) -> bool:
    return any(name == module or name.startswith(f"{module}.") for module in modules)


def _unit(vectors: torch.Tensor) -> torch.Tensor:
    return F.normalize(vectors, dim=-1)


def _over_frames(vectors: torch.Tensor) -> torch.Tensor:
    """Return the direction [B, D] of the mean of unit vectors [B, T, D]."""
    return _unit(_unit(vectors).mean(1))
