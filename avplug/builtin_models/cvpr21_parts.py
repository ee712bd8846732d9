"""Parts of the CVPR'21 network: the sound's excerpt, its encoder, and the fusions."""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn import functional as F

from avplug.builtin_models.cvpr21_config import FRAME_RATE, SAMPLE_RATE, Fusion
from avplug.builtin_models.resnet import initialise
from avplug.builtin_models.vit import each_row


def excerpt(
    waveform: torch.Tensor, lengths: torch.Tensor, samples: int
) -> torch.Tensor:
    """Return the sound around the middle frame of each clip, as the released loader.

    The middle frame is number floor(count / 2), at least 1, of the frames at 8 per
    second; its moment falls on index ``(samples - 1) // 2``. A sound that is too short
    is repeated from its beginning; what reaches beyond either end is 0, and so is the
    last sample. Amplitudes are clamped to -1..1. Differentiable.

    Args:
        waveform: float [B, N] at 11,025 Hz.
        lengths: int64 [B], samples of each clip before its padding.
        samples: Length of the excerpt.

    Returns:
        float [B, samples].
    """
    half = (samples - 1) // 2
    # The released loader asks for 5.94 s where the excerpt is of 5.944 s.
    enough = math.floor(100 * samples / SAMPLE_RATE) * SAMPLE_RATE / 100
    heard = lengths.clamp(min=1)
    whole = lengths * (1 + (enough / heard).floor().long() * (lengths < enough))
    middle = (lengths * FRAME_RATE).div(2 * SAMPLE_RATE, rounding_mode="floor")
    middle = middle.clamp(min=1)
    centre = ((middle - 0.5) / FRAME_RATE * SAMPLE_RATE).floor().long()
    offset = torch.arange(samples, device=waveform.device) - half
    place = centre[:, None] + offset
    real = (place >= 0) & (place < whole[:, None]) & (offset < half)
    cut = waveform.gather(1, place.remainder(heard[:, None]))
    return cut.where(real, 0.0).clamp(-1.0, 1.0)


class SoundNet(nn.Module):
    """Strided convolutions over the waveform; what follows takes the maximum over time.

    Args:
        widths: Channels of the blocks, two convolutions each, that divide time by 8.
    """

    def __init__(self, widths: tuple[int, ...]) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        inputs = 1
        for width in widths:
            for channels in (inputs, width):
                layers += [
                    nn.Conv1d(channels, width, 3, 2, 1),
                    nn.BatchNorm1d(width),
                    nn.ReLU(),
                ]
            layers.append(nn.MaxPool1d(2))
            inputs = width
        self.features = nn.Sequential(*layers)
        self.apply(initialise)

    def forward(self, waveform: torch.Tensor) -> torch.Tensor:
        """Return features over time [B, moments, width] of waveform [B, N]."""
        maps: torch.Tensor = self.features(waveform.unsqueeze(1))
        return maps.transpose(1, 2)


class Fuse(nn.Module):
    """One vector of two, by a rule of the paper's appendix A.4.

    With ``a`` of the sound and ``v`` of the picture, σ the logistic function and α a
    linear layer: concat [v ; a], sum a + v, film α(a) v + a, gated-sum σ(a) v + σ(v) a,
    gated-concat [σ(a) v ; σ(v) a]; audio and visual are that one alone.

    Args:
        fusion: The rule.
        width: Of each vector.
    """

    def __init__(self, fusion: Fusion, width: int) -> None:
        super().__init__()
        self.fusion = fusion
        self.outputs = 2 * width if fusion in ("concat", "gated-concat") else width
        if fusion == "film":
            self.alpha = nn.Linear(width, width)

    def forward(self, audio: torch.Tensor, video: torch.Tensor) -> torch.Tensor:
        """Return [..., outputs] of two tensors [..., width]."""
        match self.fusion:
            case "audio":
                return audio
            case "visual":
                return video
            case "sum":
                return audio + video
            case "concat":
                return torch.cat([video, audio], -1)
            case "film":
                return each_row(self.alpha, audio) * video + audio
        gated = audio.sigmoid() * video, video.sigmoid() * audio
        if self.fusion == "gated-sum":
            return gated[0] + gated[1]
        return torch.cat(gated, -1)


def localise(
    maps: torch.Tensor, audio: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the picture's features where they resemble the sound, and where that is.

    The paper's section 4.5: the weight of a place is the softmax of the product of its
    features and the sound's, unscaled. Features of a trained network are large, so
    that one place takes nearly all of the weight.

    Args:
        maps: Of the picture, float [..., width, H, W].
        audio: Features of the sound, float [..., width].

    Returns:
        Features [..., width], and weights [..., H, W] whose sum is 1.
    """
    places = maps.flatten(-2)
    scores = torch.einsum("...ci,...c->...i", places, audio)
    weights = F.softmax(scores, -1)
    attended = torch.einsum("...ci,...i->...c", places, weights)
    return attended, weights.view(*maps.shape[:-3], *maps.shape[-2:])
