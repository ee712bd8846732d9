"""Sizes and options of the CVPR'21 network, checked once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

from avplug.builtin_models.cavmae_config import Outputs
from avplug.builtin_models.options import Options, check_picks, one_of
from avplug.core.clip import InputSpec
from avplug.core.errors import UsageError
from avplug.core.model import Modalities

Fusion = Literal[
    "concat", "sum", "film", "gated-sum", "gated-concat", "audio", "visual"
]
#: Networks of one sense.
_ONE_SENSE: dict[Fusion, Modalities] = {"audio": "a", "visual": "v"}
Pool = Literal["avg", "max", "localised"]

#: Sounds are resampled to this rate, in Hz, before the network hears them.
SAMPLE_RATE = 11_025
#: The published features come from frames taken at this rate, in 1/s.
FRAME_RATE = 8


@dataclass(frozen=True, slots=True)
class CVPR21Config(Options):
    """Everything that tells one CVPR'21 network from another, besides its weights.

    The defaults are the released code's.

    Args:
        image_size: Side of the square picture in pixels.
        samples: Length of the excerpt of sound around the middle of the clip.
        seconds: How much of a clip is loaded, in whose middle the excerpt lies.
        sound_widths: Channels of the sound encoder's blocks.
        frame_width: Channels of the first of the picture encoder's four stages; the
            last gives eight times as many, which must be ``sound_widths[-1]`` ...
        frame_depths: ... and blocks in each of them.
        fusion: ``"concat"`` (picture, then sound), ``"sum"``, ``"film"``,
            ``"gated-sum"``, ``"gated-concat"``; ``"audio"`` and ``"visual"`` are
            networks of one sense.
        pool: Of the picture's map: ``"avg"`` as in the released code, ``"max"`` as in
            the paper, ``"localised"``: weighted by what resembles the sound.
        grid: Equal parts of the clip, and ...
        picks: ... those of them whose middle gives a frame each; of several frames the
            probabilities are averaged.
        outputs: ``"softmax"`` for one label per clip, ``"sigmoid"`` for several.

    Raises:
        UsageError: A value is unknown or does not fit the others.
    """

    title: ClassVar[str] = "cvpr21"

    image_size: int = 224
    samples: int = 65_535
    seconds: float = 10.0
    sound_widths: tuple[int, ...] = (64, 128, 256, 512)
    frame_width: int = 64
    frame_depths: tuple[int, ...] = (2, 2, 2, 2)
    fusion: Fusion = "concat"
    pool: Pool = "avg"
    grid: int = 80
    picks: tuple[int, ...] = (39,)
    outputs: Outputs = "softmax"

    def __post_init__(self) -> None:
        one_of("fusion", self.fusion, get_args(Fusion))
        one_of("pool", self.pool, get_args(Pool))
        one_of("outputs", self.outputs, get_args(Outputs))
        if self.sound_widths[-1] != self.frame_width * 8:
            raise UsageError(
                f"The sound gives {self.sound_widths[-1]} features, the picture"
                f" {self.frame_width * 8}.",
                "Make the last of sound_widths eight times frame_width.",
            )
        if self.pool == "localised" and self.fusion == "visual":
            raise UsageError(
                "Without sound nothing can be localised.",
                "Use pool=avg or pool=max with fusion=visual.",
            )
        if self.samples < 8 ** len(self.sound_widths):
            raise UsageError(
                f"samples {self.samples} are too few for the sound encoder, which"
                f" divides them by 8 in each of {len(self.sound_widths)} blocks."
            )
        check_picks(self.picks, self.grid)

    @property
    def width(self) -> int:
        """Features of each sense."""
        return self.sound_widths[-1]

    @property
    def hears(self) -> bool:
        """Whether the network uses the sound."""
        return "a" in self.modalities

    @property
    def sees(self) -> bool:
        """Whether the network uses the picture."""
        return "v" in self.modalities

    @property
    def modalities(self) -> Modalities:
        """The senses that the network uses."""
        return _ONE_SENSE.get(self.fusion, "av")

    @property
    def input(self) -> InputSpec:
        """What to sample of a clip.

        Of ten seconds part 39 of 80 has the published frame in its middle.
        """
        return InputSpec(
            size=self.image_size,
            sample_rate=SAMPLE_RATE,
            seconds=self.seconds,
            grid=self.grid,
            picks=self.picks,
            frame_rule="centre",
            channels="mean",
        )
