"""CAV-MAE, fine-tuned: an encoder per modality and a joint block (arXiv 2210.07839)."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from typing import Any, Literal

import torch
from torch import nn
from torch.nn import functional as F

from avplug.builtin_models.cavmae_config import CAVMAEConfig, Mode
from avplug.builtin_models.cavmae_encoders import JointEncoders
from avplug.builtin_models.frontend import mean_prediction
from avplug.builtin_models.pretrained import start_from
from avplug.builtin_models.two_steps import TwoSteps
from avplug.builtin_models.vit import Block, each_row, initialise
from avplug.core.batch import Batch
from avplug.core.errors import CapabilityError
from avplug.core.model import JointAttention, Modalities, PerSense, Surface

#: Modalities that each mode uses, and the norms of each pass through the joint block;
#: the pooled vectors of two passes are averaged.
_MODES: dict[Mode, tuple[Modalities, tuple[str, ...]]] = {
    "multimodal": ("av", ("",)),
    "audioonly": ("a", ("_a",)),
    "videoonly": ("v", ("_v",)),
    "missingaudioonly": ("a", ("", "_a")),
    "missingvideoonly": ("v", ("", "_v")),
}
#: Separate query, key and value that READ's training code adds and never trains.
_READ_EXTRAS = re.compile(r"blocks_u\.\d+\.attn\.[qkv]\.(weight|bias)")


@dataclass(frozen=True, slots=True, eq=False)
class Tokens:
    """What the encoders say of B clips; None for a modality that the mode leaves out.

    Args:
        audio: [B, Na, width], frequency-major.
        video: [B, T, Nv, width], row by row in each of T frames.
    """

    audio: torch.Tensor | None
    video: torch.Tensor | None


class CAVMAE(JointEncoders, TwoSteps[Tokens]):
    """The fine-tuned CAV-MAE, in any size.

    Parameters are named as in the public checkpoints. On a CPU the logits of a clip are
    the same, bit for bit, whatever the batch that it is in.

    Args:
        labels: Names of the classes.
        **config: Fields of :class:`CAVMAEConfig`.

    Raises:
        UsageError: An option is unknown, or a value does not fit.
    """

    def __init__(self, labels: tuple[str, ...], **config: Any) -> None:
        sizes = CAVMAEConfig.from_options(config)
        super().__init__(labels, **asdict(sizes))
        self.sizes = sizes
        self.input = sizes.input
        self.outputs: Literal["softmax", "sigmoid"] = sizes.outputs
        self.modalities = _MODES[sizes.mode][0]
        width = sizes.width
        self.add_encoders(sizes, audio_channels=1, trained_positions=True)
        self.add_joint(sizes, sizes.joint_depth)
        self.mlp_head = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, len(self.labels))
        )
        self.apply(initialise)

    def encode(self, batch: Batch) -> Tokens:
        """Return the tokens before the joint block."""
        used, _ = _MODES[self.sizes.mode]
        return self.encode_views(
            self.spectrogram(batch.waveform, batch.lengths) if "a" in used else None,
            self.pictures(batch.frames) if "v" in used else None,
        )

    def encode_views(
        self, spectrogram: torch.Tensor | None, pictures: torch.Tensor | None
    ) -> Tokens:
        """Return the tokens before the joint block, of inputs already normalised.

        Args:
            spectrogram: [B, target_length, mel_bins], or None without sound.
            pictures: [B, T, 3, H, W], or None without pictures.
        """
        audio = video = None
        if spectrogram is not None:
            audio = self.encode_sound(self.embed_sound(spectrogram))
        if pictures is not None:
            seen = self.encode_pictures(self.embed_pictures(pictures.flatten(0, 1)))
            video = seen.view(*pictures.shape[:2], *seen.shape[1:])
        return Tokens(audio, video)

    def fuse(self, tokens: Tokens) -> torch.Tensor:
        """Return logits [B, C] of tokens.

        Of several frames the probabilities are averaged; see
        :func:`~avplug.builtin_models.frontend.mean_prediction`.
        """
        _, passes = _MODES[self.sizes.mode]
        if tokens.video is None:
            assert tokens.audio is not None
            return self._logits(tokens.audio, passes)
        joined = tokens.video.flatten(0, 1)
        if tokens.audio is not None:
            joined = self._joined(tokens.audio, tokens.video)
        return self._over_frames(self._logits(joined, passes), tokens.video)

    def unimodal(self, tokens: Tokens, *, padded: bool = False) -> PerSense:
        """Return logits [B, C] from the sound alone and from the pictures alone.

        The option ``unimodal`` says through which norms. ``padded`` follows SuMi's
        public code in place of it: the sense's own norms, and zero tokens after the
        sound's and before the picture's, that are pooled with the others. There they
        lift a sequence over a limit of 512 tokens, at 513; in any size both senses are
        filled to one token more than the longer has.

        Raises:
            CapabilityError: The mode leaves out a sense.
        """
        audio, video = self._both(tokens)
        pictures = video.flatten(0, 1)
        if padded:
            length = 1 + max(audio.shape[1], pictures.shape[1])
            audio = F.pad(audio, (0, 0, 0, length - audio.shape[1]))
            pictures = F.pad(pictures, (0, 0, length - pictures.shape[1], 0))
        alone = padded or self.sizes.unimodal == "alone"
        heard, seen = (("_a",), ("_v",)) if alone else (("", "_a"), ("", "_v"))
        return PerSense(
            self._logits(audio, heard),
            self._over_frames(self._logits(pictures, seen), video),
        )

    def features(self, tokens: Tokens) -> PerSense:
        """Return the mean token [B, width] of each sense before the joint block.

        Raises:
            CapabilityError: The mode leaves out a sense.
        """
        audio, video = self._both(tokens)
        return PerSense(audio.mean(1), video.mean((1, 2)))

    @property
    def embeds(self) -> bool:
        """Whether the mode uses both senses."""
        return self.sizes.mode == "multimodal"

    def embed(self, tokens: Tokens) -> PerSense:
        """Return the mean token [B, width] of each sense after the joint blocks.

        Each sense passes them alone, through its own norms, as for the retrieval of the
        pre-trained network; of several frames the mean.

        Raises:
            CapabilityError: The mode leaves out a sense.
        """
        audio, video = self._both(tokens)
        seen = self.joint(video.flatten(0, 1), "_v").mean(1)
        return PerSense(
            self.joint(audio, "_a").mean(1), seen.view(*video.shape[:2], -1).mean(1)
        )

    def joint_attention(self, tokens: Tokens) -> JointAttention:
        """Return logits [B, C], and the scores of the last joint block.

        Of T frames each gives its heads in turn: scores are [B, T * heads, N, N].

        Raises:
            CapabilityError: The mode leaves out a sense.
        """
        audio, video = self._both(tokens)
        joined = self._joined(audio, video)
        for block in self.blocks_u[:-1]:
            joined = block(joined)
        last = self.blocks_u[-1]
        assert isinstance(last, Block)
        joined, scores = last.scores(joined)
        pooled = self.norm(joined).mean(1)
        logits = self._over_frames(each_row(self.mlp_head, pooled), video)
        per_clip = scores.view(len(audio), -1, *scores.shape[2:])
        return JointAttention(logits, per_clip, audio.shape[1])

    def _both(self, tokens: Tokens) -> tuple[torch.Tensor, torch.Tensor]:
        if tokens.audio is None or tokens.video is None:
            raise CapabilityError(
                f"Mode '{self.sizes.mode}' leaves out a sense: use mode 'multimodal'."
            )
        return tokens.audio, tokens.video

    def _joined(self, audio: torch.Tensor, video: torch.Tensor) -> torch.Tensor:
        heard = audio.repeat_interleave(video.shape[1], 0)
        return torch.cat([heard, video.flatten(0, 1)], 1)

    def _logits(self, tokens: torch.Tensor, passes: tuple[str, ...]) -> torch.Tensor:
        pooled = [self.joint(tokens, norms).mean(1) for norms in passes]
        return each_row(self.mlp_head, sum(pooled[1:], pooled[0]) / len(pooled))

    def _over_frames(self, logits: torch.Tensor, video: torch.Tensor) -> torch.Tensor:
        clips, count = video.shape[:2]
        return mean_prediction(logits.view(clips, count, -1), self.outputs)

    def parameters_for(self, surface: Surface) -> dict[str, nn.Parameter]:
        """Return the named parameters of a surface.

        ``norm``: the layer norms that the mode uses. ``norm_early``: of these the
        encoders', without their last two blocks; shallow encoders keep at least half.
        ``norm_unimodal``: the joint block's norms for one sense.
        ``fusion_attention``: query, key and value of the joint blocks.
        ``classifier``: the head.

        Raises:
            CapabilityError: The mode leaves out a sense, and has no ``norm_unimodal``.
        """
        used, passes = _MODES[self.sizes.mode]
        if surface == "norm_unimodal" and used != "av":
            raise CapabilityError(
                f"Mode '{self.sizes.mode}' leaves out a sense: use mode 'multimodal'."
            )
        depth = self.sizes.depth
        patterns = {
            "norm": [
                *(f"blocks_{modality}.*.norm[12].*" for modality in used),
                *(f"blocks_u.*.norm[12]{norms}.*" for norms in passes),
                *(f"norm{norms}.*" for norms in passes),
                "mlp_head.0.*",
            ],
            "norm_early": [
                f"blocks_{modality}.{index}.norm[12].*"
                for modality in used
                for index in range(depth - min(2, depth // 2))
            ],
            "norm_unimodal": ["blocks_u.*.norm[12]_[av].*", "norm_[av].*"],
            "fusion_attention": ["blocks_u.*.attn.qkv.*"],
            "classifier": ["mlp_head.*"],
        }[surface]
        return {
            name: parameter
            for name, parameter in self.named_parameters()
            if any(fnmatchcase(name, pattern) for pattern in patterns)
        }

    def key_bias(self) -> dict[str, slice]:
        """Return the rows of the keys' bias in each joint block."""
        rows = slice(self.sizes.width, 2 * self.sizes.width)
        blocks = range(self.sizes.joint_depth)
        return {f"blocks_u.{block}.attn.qkv.bias": rows for block in blocks}

    def adapt_state(self, tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Return a checkpoint's tensors without those that READ's code adds.

        With the option ``accept_pretrained`` also those of a pre-trained checkpoint,
        whose classifier stays random.
        """
        kept = {k: v for k, v in tensors.items() if not _READ_EXTRAS.fullmatch(k)}
        extras = len(tensors) - len(kept)
        self.ignored = {"READ's own query, key and value": extras} if extras else {}
        if not self.sizes.accept_pretrained:
            return kept
        return start_from(
            self, kept, lacks=["mlp_head.*"], dropped=["decoder_*", "mask_token"]
        )
