from __future__ import annotations

import torch

from avplug.builtin_models.lengths import each_length


def test_each_clip_is_heard_whole_and_alone() -> None:
    seen = []

    def encode(waveform: torch.Tensor) -> torch.Tensor:
        seen.append(tuple(waveform.shape))
        return waveform.mean(1, keepdim=True)

    waveform = torch.arange(20.0).view(4, 5)
    lengths = torch.tensor([2, 5, 2, 0])
    means = each_length(encode, waveform, lengths, shortest=1)
    assert means.flatten().tolist() == [0.5, 7.0, 10.5, 0.0]
    assert seen == [(1, 1), (2, 2), (1, 5)]
