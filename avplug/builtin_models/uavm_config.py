"""Sizes and options of UAVM, checked once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

from avplug.builtin_models.cavmae_config import Outputs
from avplug.builtin_models.convnext import BASE_DEPTHS, BASE_WIDTHS
from avplug.builtin_models.frontend import SAMPLE_RATE
from avplug.builtin_models.options import Options, one_of
from avplug.core.clip import InputSpec
from avplug.core.errors import UsageError
from avplug.signal.fbank import samples_for

Fusion = Literal["unified", "separate", "cross-attention"]


@dataclass(frozen=True, slots=True)
class UAVMConfig(Options):
    """Everything that tells one UAVM from another, besides its weights.

    The defaults are the published model's for VGGSound.

    Args:
        image_size: Side of the square picture in pixels. The authors kept the whole
            width of the picture (398 pixels of a wide one); a square lets clips of any
            shape share a batch, and is what the other models see.
        mel_bins: Mel bands of the spectrogram.
        target_length: Its frames, 10 ms each; sound is cut or padded to them.
        audio_mean: Mean of the log-mel spectrogram over the training data ...
        audio_std: ... and its standard deviation.
        conv_depths: Blocks of the four stages of both ConvNeXts, and ...
        conv_widths: ... their channels; the last is the width of a token.
        steps: Tokens of each sense: parts of the clip that give a frame each, and
            parts of the sound's features, which are cut or padded to so many.
        depth: Blocks of each sense's transformer.
        shared_depth: Blocks that follow. With 0 each sense has a head of its own.
        heads: Attention heads.
        mlp_ratio: Hidden width of a block's MLP over the token's.
        fusion: ``unified``: both senses pass the same further blocks, one after the
            other, and their logits are averaged. ``separate``: each passes further
            blocks of its own. ``cross-attention``: the further blocks see the tokens
            of both at once.
        outputs: ``"softmax"`` for one label per clip, ``"sigmoid"`` for several.

    Raises:
        UsageError: A value is unknown or does not fit the others.
    """

    title: ClassVar[str] = "UAVM"

    image_size: int = 224
    mel_bins: int = 128
    target_length: int = 990
    audio_mean: float = -5.081
    audio_std: float = 4.4849
    conv_depths: tuple[int, ...] = BASE_DEPTHS
    conv_widths: tuple[int, ...] = BASE_WIDTHS
    steps: int = 30
    depth: int = 3
    shared_depth: int = 3
    heads: int = 4
    mlp_ratio: float = 4.0
    fusion: Fusion = "unified"
    outputs: Outputs = "softmax"

    def __post_init__(self) -> None:
        one_of("fusion", self.fusion, get_args(Fusion))
        one_of("outputs", self.outputs, get_args(Outputs))
        for name in ("conv_depths", "conv_widths"):
            if len(getattr(self, name)) != 4:
                raise UsageError(f"{name} {list(getattr(self, name))} are not four.")
        for name in ("image_size", "mel_bins", "target_length"):
            if getattr(self, name) < 32:
                raise UsageError(
                    f"{name} is {getattr(self, name)}; at least 32 needed."
                )
        for name in ("steps", "depth"):
            if getattr(self, name) < 1:
                raise UsageError(f"{name} is {getattr(self, name)}; at least 1 needed.")
        if self.width % self.heads:
            raise UsageError(
                f"The last of conv_widths, {self.width}, is no multiple of heads"
                f" {self.heads}."
            )
        if self.shared_depth < 1 and self.fusion != "unified":
            raise UsageError(f"Fusion '{self.fusion}' needs a shared_depth.")

    @property
    def width(self) -> int:
        """Of a token."""
        return self.conv_widths[-1]

    @property
    def input(self) -> InputSpec:
        """What to sample of a clip."""
        return InputSpec(
            size=self.image_size,
            sample_rate=SAMPLE_RATE,
            seconds=samples_for(self.target_length, SAMPLE_RATE) / SAMPLE_RATE,
            grid=self.steps,
            picks=tuple(range(self.steps)),
            frame_rule="uavm",
            channels="first",
        )
