"""Batches of noise for any model, and what every model does with them."""

from __future__ import annotations

import torch

from avplug.core.batch import Batch
from avplug.core.model import Model


def batch_for(
    model: Model, clips: int = 3, frames: int | None = None, seed: int = 1
) -> Batch:
    """Return clips as long as the model asks for, with as many frames by default."""
    spec = model.input
    generator = torch.Generator().manual_seed(seed)
    count = len(spec.picks) if frames is None else frames
    return Batch(
        torch.rand(clips, count, 3, spec.size, spec.size, generator=generator),
        0.1 * torch.randn(clips, spec.samples, generator=generator),
        torch.full((clips,), spec.samples),
    )


def batch_of_lengths(model: Model, *lengths: int) -> Batch:
    """Return a clip of each length in samples, zeros after its end."""
    generator = torch.Generator().manual_seed(1)
    side, count = model.input.size, len(model.input.picks)
    clips, samples = len(lengths), max(lengths)
    waveform = 0.1 * torch.randn(clips, samples, generator=generator)
    for row, length in zip(waveform, lengths, strict=True):
        row[length:] = 0
    return Batch(
        torch.rand(clips, count, 3, side, side, generator=generator),
        waveform,
        torch.tensor(lengths),
    )


def assert_neighbours_change_no_bit(model: Model, batch: Batch) -> None:
    """Each clip alone is answered as in the batch, to the last bit."""
    with torch.no_grad():
        whole = model.classify(batch)
        for i in range(len(batch)):
            alone = batch.rows(torch.tensor([i]))
            assert torch.equal(model.classify(alone)[0], whole[i])


def modules_of(surface: dict[str, torch.nn.Parameter]) -> set[str]:
    """Return the names of the modules whose parameters a surface has."""
    return {name.rpartition(".")[0] for name in surface}
