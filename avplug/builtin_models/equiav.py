"""EquiAV, fine-tuned: an encoder per sense, a linear head on both (arXiv 2403.09502).

The senses meet in the last linear layer only: there is no joint attention to show or to
adapt. Its authors published pre-training weights alone; with ``accept_pretrained`` they
can be fine-tuned.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from typing import Any, ClassVar, Literal, get_args

import torch
from torch import nn

from avplug.builtin_models.cavmae_config import EncoderConfig
from avplug.builtin_models.cavmae_encoders import Encoders
from avplug.builtin_models.frontend import mean_prediction
from avplug.builtin_models.options import one_of
from avplug.builtin_models.pretrained import start_from
from avplug.builtin_models.two_steps import TwoSteps
from avplug.builtin_models.vit import each_row, initialise
from avplug.core.batch import Batch
from avplug.core.errors import CapabilityError
from avplug.core.model import Modalities, PerSense, Surface

Mode = Literal["multimodal", "video_only", "audio_only"]
_USED: dict[Mode, Modalities] = {
    "multimodal": "av",
    "video_only": "v",
    "audio_only": "a",
}


@dataclass(frozen=True, slots=True)
class EquiAVConfig(EncoderConfig):
    """Everything that tells one EquiAV from another, besides its weights.

    The defaults are the published code's for VGGSound; all of its fine-tunes answer
    through a sigmoid. See :class:`~avplug.builtin_models.cavmae_config.EncoderConfig`
    for the rest.

    Args:
        projection: Width of each sense's vector in the multimodal head.
        mode: What the model uses. One sense alone has no projection: its mean token
            meets the head. The published code does so for ``video_only`` and fails for
            ``audio_only``, where it projects the token for a head that expects none;
            here both are alike.
        accept_pretrained: Whether the published pre-training checkpoint may be loaded:
            what only pre-training needs is left out, projections and head stay random,
            and a warning says so. It is a start for training and answers nothing.
    """

    title: ClassVar[str] = "EquiAV"

    depth: int = 12
    audio_mean: float = -4.956
    audio_std: float = 4.486
    outputs: Literal["softmax", "sigmoid"] = "sigmoid"
    projection: int = 512
    mode: Mode = "multimodal"
    accept_pretrained: bool = False

    def __post_init__(self) -> None:
        # A class with slots is made twice: super() would name the first.
        EncoderConfig.__post_init__(self)
        one_of("mode", self.mode, get_args(Mode))


@dataclass(frozen=True, slots=True, eq=False)
class Vectors:
    """What the encoders say of B clips; None for a sense that the mode leaves out.

    Args:
        audio: [B, D].
        video: [B, T, D], of each frame.
    """

    audio: torch.Tensor | None
    video: torch.Tensor | None


class EquiAV(Encoders, TwoSteps[Vectors]):
    """The fine-tuned EquiAV, in any size.

    Parameters are named as in the public code. On a CPU the logits of a clip are the
    same, bit for bit, whatever the batch that it is in. Stochastic depth, which the
    authors train with, is left out: ``train()`` computes what ``eval()`` does.

    Args:
        labels: Names of the classes.
        **config: Fields of :class:`EquiAVConfig`.

    Raises:
        UsageError: An option is unknown, or a value does not fit.
    """

    def __init__(self, labels: tuple[str, ...], **config: Any) -> None:
        sizes = EquiAVConfig.from_options(config)
        super().__init__(labels, **asdict(sizes))
        self.sizes = sizes
        self.input = sizes.input
        self.outputs: Literal["softmax", "sigmoid"] = sizes.outputs
        self.modalities = _USED[sizes.mode]
        width, projection = sizes.width, sizes.projection
        self.add_encoders(sizes, audio_channels=3, trained_positions=False)
        self.norm_a = nn.LayerNorm(width)
        self.norm_v = nn.LayerNorm(width)
        self.pred_a_inter = nn.Linear(width, projection)
        self.pred_v_inter = nn.Linear(width, projection)
        entering = 2 * projection if sizes.mode == "multimodal" else width
        self.mlp_head = nn.Sequential(nn.Linear(entering, len(self.labels)))
        self.apply(initialise)

    def encode(self, batch: Batch) -> Vectors:
        """Return the vectors that the head joins."""
        used = _USED[self.sizes.mode]
        return self.encode_views(
            self.spectrogram(batch.waveform, batch.lengths) if "a" in used else None,
            self.pictures(batch.frames) if "v" in used else None,
        )

    def encode_views(
        self, spectrogram: torch.Tensor | None, pictures: torch.Tensor | None
    ) -> Vectors:
        """Return the vectors that the head joins, of inputs already normalised.

        Args:
            spectrogram: [B, target_length, mel_bins], or None without sound.
            pictures: [B, T, 3, H, W], or None without pictures.
        """
        projected = self.sizes.mode == "multimodal"
        audio = video = None
        if spectrogram is not None:
            heard = self.encode_sound(self.embed_sound(spectrogram))
            audio = self.norm_a(heard).mean(1)
            if projected:
                audio = each_row(self.pred_a_inter, audio)
        if pictures is not None:
            seen = self.encode_pictures(self.embed_pictures(pictures.flatten(0, 1)))
            video = self.norm_v(seen).mean(1)
            if projected:
                video = each_row(self.pred_v_inter, video)
            video = video.view(*pictures.shape[:2], -1)
        return Vectors(audio, video)

    def fuse(self, tokens: Vectors) -> torch.Tensor:
        """Return logits [B, C]; of several frames the probabilities are averaged."""
        audio, video = tokens.audio, tokens.video
        if video is None:
            assert audio is not None
            return each_row(self.mlp_head, audio)
        if audio is not None:
            heard = audio[:, None].expand(-1, video.shape[1], -1)
            video = torch.cat([heard, video], -1)
        logits = each_row(self.mlp_head, video.flatten(0, 1))
        return mean_prediction(logits.view(*video.shape[:2], -1), self.outputs)

    def unimodal(self, tokens: Vectors, *, padded: bool = False) -> PerSense:
        """Return logits [B, C] from the sound alone and from the pictures alone.

        The other sense's vector is zero, so that the head adds nothing for it: of one
        frame both answers together, less the bias, are the joint one.

        Raises:
            CapabilityError: ``padded``, which is for joint transformers, or the mode
                leaves out a sense.
        """
        if padded:
            raise CapabilityError("EquiAV joins no tokens: none can be padded.")
        audio, video = self._both(tokens)
        return PerSense(
            self.fuse(Vectors(audio, torch.zeros_like(video[:, :1]))),
            self.fuse(Vectors(torch.zeros_like(audio), video)),
        )

    def features(self, tokens: Vectors) -> PerSense:
        """Return the projected mean token [B, projection] of each sense.

        Raises:
            CapabilityError: The mode leaves out a sense.
        """
        audio, video = self._both(tokens)
        return PerSense(audio, video.mean(1))

    def _both(self, tokens: Vectors) -> tuple[torch.Tensor, torch.Tensor]:
        if tokens.audio is None or tokens.video is None:
            raise CapabilityError(
                f"Mode '{self.sizes.mode}' leaves out a sense: use mode 'multimodal'."
            )
        return tokens.audio, tokens.video

    def parameters_for(self, surface: Surface) -> dict[str, nn.Parameter]:
        """Return the named parameters of a surface.

        ``norm``: the layer norms that the mode uses. ``norm_early``: of these the
        blocks', without the last two blocks; shallow encoders keep at least half.
        ``classifier``: the head.

        Raises:
            CapabilityError: There is no joint attention, and no norm that only an
                answer from one sense passes through.
        """
        used, depth = _USED[self.sizes.mode], self.sizes.depth
        surfaces = {
            "norm": [
                *(f"blocks_{sense}.*.norm[12].*" for sense in used),
                *(f"norm_{sense}.*" for sense in used),
            ],
            "norm_early": [
                f"blocks_{sense}.{index}.norm[12].*"
                for sense in used
                for index in range(depth - min(2, depth // 2))
            ],
            "classifier": ["mlp_head.*"],
        }
        if surface not in surfaces:
            return super().parameters_for(surface)
        return {
            name: parameter
            for name, parameter in self.named_parameters()
            if any(fnmatchcase(name, pattern) for pattern in surfaces[surface])
        }

    def adapt_state(self, tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Return a checkpoint's tensors, as they are or of a pre-trained one.

        The latter with ``accept_pretrained`` only: its projections are other networks
        than those of the same name here.
        """
        if not self.sizes.accept_pretrained:
            return tensors
        return start_from(
            self,
            tensors,
            lacks=["mlp_head.*", "pred_[av]_inter.*"],
            dropped=["*_aug.*", "aug_encoder_*", "cross_attn_*", "pred_[av]_intra.*"],
        )
