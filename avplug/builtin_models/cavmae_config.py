"""Sizes and options of CAV-MAE and of models with the same encoders, checked once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

from avplug.builtin_models.frontend import SAMPLE_RATE
from avplug.builtin_models.options import Options, check_picks, multiple_of, one_of
from avplug.core.clip import InputSpec
from avplug.core.errors import UsageError
from avplug.signal.fbank import samples_for

Mode = Literal[
    "multimodal", "audioonly", "videoonly", "missingaudioonly", "missingvideoonly"
]
Unimodal = Literal["missing", "alone"]
Outputs = Literal["softmax", "sigmoid"]


@dataclass(frozen=True, slots=True)
class EncoderConfig(Options):
    """Sizes of an encoder for each sense, and what they are given.

    Args:
        image_size: Side of the square picture in pixels.
        patch_size: Side of a patch, in pixels and in bins of the spectrogram.
        mel_bins: Mel bands of the spectrogram.
        target_length: Its frames, 10 ms each; sound is cut or padded to them.
        width: Of a token.
        depth: Blocks of each sense's encoder.
        heads: Attention heads.
        mlp_ratio: Hidden width of a block's MLP over ``width``.
        audio_mean: Mean of the log-mel spectrogram over the training data ...
        audio_std: ... and its standard deviation.
        grid: Equal parts of the clip, and ...
        picks: ... those of them that give a frame each; of several frames the
            probabilities are averaged.
        outputs: ``"softmax"`` for one label per clip, ``"sigmoid"`` for several.

    Raises:
        UsageError: A value is unknown or does not fit the others.
    """

    image_size: int = 224
    patch_size: int = 16
    mel_bins: int = 128
    target_length: int = 1024
    width: int = 768
    depth: int = 11
    heads: int = 12
    mlp_ratio: float = 4.0
    audio_mean: float = -5.081
    audio_std: float = 4.4849
    grid: int = 10
    picks: tuple[int, ...] = (5,)
    outputs: Outputs = "softmax"

    def __post_init__(self) -> None:
        for name in ("image_size", "mel_bins", "target_length"):
            multiple_of(self, name, "patch_size")
        if self.width % 4 or self.width % self.heads:
            raise UsageError(
                f"width {self.width} is not a multiple of 4 and of heads {self.heads}."
            )
        one_of("outputs", self.outputs, get_args(Outputs))
        check_picks(self.picks, self.grid)

    @property
    def audio_grid(self) -> tuple[int, int]:
        """Patches of the spectrogram: rows (frequency) and columns (time)."""
        return self.mel_bins // self.patch_size, self.target_length // self.patch_size

    @property
    def image_grid(self) -> tuple[int, int]:
        """Patches of a picture: rows and columns."""
        side = self.image_size // self.patch_size
        return side, side

    @property
    def input(self) -> InputSpec:
        """What to sample of a clip."""
        return InputSpec(
            size=self.image_size,
            sample_rate=SAMPLE_RATE,
            seconds=samples_for(self.target_length, SAMPLE_RATE) / SAMPLE_RATE,
            grid=self.grid,
            picks=self.picks,
            frame_rule="cav-mae",
            channels="first",
        )


@dataclass(frozen=True, slots=True)
class CAVMAEConfig(EncoderConfig):
    """Everything that tells one CAV-MAE from another, besides its weights.

    The defaults are the published model's. See :class:`EncoderConfig` for the rest.

    Args:
        joint_depth: Blocks that see both modalities.
        mode: What the model uses. ``audioonly`` and ``videoonly`` are for weights
            fine-tuned on that modality alone; ``missingaudioonly`` and
            ``missingvideoonly`` give a joint model only that modality.
        unimodal: How a joint model answers from one sense. ``missing`` averages a pass
            through the norms for both senses and one through the sense's own, the
            published way to do without the other; ``alone`` takes the second only,
            which fits weights fine-tuned on one modality.
        accept_pretrained: Whether a pre-trained checkpoint may be loaded: its decoder
            is left out, the classifier that it lacks stays random, and a warning says
            so. It is a start for training and answers nothing.
    """

    title: ClassVar[str] = "CAV-MAE"

    joint_depth: int = 1
    mode: Mode = "multimodal"
    unimodal: Unimodal = "missing"
    accept_pretrained: bool = False

    def __post_init__(self) -> None:
        # A class with slots is made twice: super() would name the first.
        EncoderConfig.__post_init__(self)
        one_of("mode", self.mode, get_args(Mode))
        one_of("unimodal", self.unimodal, get_args(Unimodal))
