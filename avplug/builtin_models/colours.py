"""Pictures as the networks' training saw them."""

from __future__ import annotations

import torch
from torch import nn

#: Mean and deviation of CLIP's pictures, red, green, blue, in 0..1.
CLIP_COLOURS = (
    (0.48145466, 0.4578275, 0.40821073),
    (0.26862954, 0.26130258, 0.27577711),
)


class Colours(nn.Module):
    """Subtracts a mean and divides by a deviation; follows the model's dtype.

    Args:
        mean: Of red, green and blue, in 0..1.
        std: Their standard deviations.
    """

    mean: torch.Tensor
    std: torch.Tensor

    def __init__(self, mean: tuple[float, ...], std: tuple[float, ...]) -> None:
        super().__init__()
        for name, values in (("mean", mean), ("std", std)):
            channels = torch.tensor(values).view(3, 1, 1)
            self.register_buffer(name, channels, persistent=False)

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """Return pictures [..., 3, H, W], given in 0..1, normalised."""
        return (pictures.to(self.mean.dtype) - self.mean) / self.std
