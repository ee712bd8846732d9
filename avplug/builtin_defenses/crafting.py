"""Crafting on sampled moments of a clip, after arXiv 2502.11858.

The attack is made on some frames and on the sound that goes with them; every other
moment takes over the perturbation of the nearest of these. The paper gives the idea
and times for ratios of 25 and 40 %; details are ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch

from avplug.core.attack import Attack, Attacked, ThreatModel
from avplug.core.batch import Batch
from avplug.core.model import Model
from avplug.core.randomness import KeyedRandom


def sampled(parts: int, ratio: float, shift: float) -> list[int]:
    """Return which of ``parts`` moments are sampled, evenly.

    Args:
        parts: Moments of a clip.
        ratio: Share that is sampled; one at least.
        shift: From 0 to below 1, where in each stretch the sample lies; 0.5 is its
            middle.
    """
    count = max(1, int(ratio * parts + 0.5))
    return [min(parts - 1, int((j + shift) * parts / count)) for j in range(count)]


def nearest(parts: int, chosen: Sequence[int]) -> list[int]:
    """Return for each of ``parts`` moments the number in ``chosen`` of the nearest.

    Of two equally near ones the earlier.
    """
    return [
        min(range(len(chosen)), key=lambda k: (abs(chosen[k] - part), chosen[k]))
        for part in range(parts)
    ]


@dataclass(frozen=True, slots=True)
class Excerpt:
    """Some moments of clips, as clips of their own.

    Args:
        batch: The sampled frames and the sound that goes with them.
        seen: Numbers of the frames.
        heard: Numbers of the parts of the sound.
        length: Samples of a part.
    """

    batch: Batch
    seen: list[int]
    heard: list[int]
    length: int


def excerpt_of(batch: Batch, *, ratio: float, parts: int, shift: float) -> Excerpt:
    """Return sampled moments of the clips.

    Args:
        batch: The clips.
        ratio: Share of the moments that is sampled.
        parts: Moments that the sound is divided into.
        shift: See :func:`sampled`.
    """
    length = batch.waveform.shape[1] // parts
    seen = sampled(batch.frames.shape[1], ratio, shift)
    heard = sampled(parts, ratio, shift)
    chunks = batch.waveform[:, : length * parts].reshape(len(batch), parts, length)
    short = Batch(
        batch.frames[:, seen],
        chunks[:, heard].flatten(1),
        torch.full_like(batch.lengths, len(heard) * length),
    )
    return Excerpt(short, seen, heard, length)


def craft(
    attack: Attack,
    model: Model,
    batch: Batch,
    labels: torch.Tensor,
    threat: ThreatModel,
    randoms: Sequence[KeyedRandom],
    *,
    ratio: float,
    parts: int,
    shift: float,
) -> Attacked:
    """Return the batch attacked on sampled moments, shared with their neighbours.

    Args:
        attack: Is given clips of the sampled frames and their sound alone: it costs
            that share of a full attack.
        model: A model that takes any number of frames and any length of sound.
        batch: The clips.
        labels: int64 [B], or bool [B, C].
        threat: What may be changed.
        randoms: The random stream of each clip.
        ratio: Share of the moments that is sampled.
        parts: Moments that the sound is divided into.
        shift: See :func:`sampled`.
    """
    excerpt = excerpt_of(batch, ratio=ratio, parts=parts, shift=shift)
    attacked = attack.perturb(model, excerpt.batch, labels, threat, randoms)
    shared = _shared(batch, excerpt, attacked.batch, parts)
    return replace(attacked, batch=_bounded(shared, batch, threat))


def _shared(clean: Batch, excerpt: Excerpt, attacked: Batch, parts: int) -> Batch:
    """Return the clips with each moment changed like the nearest sampled one."""
    pictures = attacked.frames - excerpt.batch.frames
    sounds = (attacked.waveform - excerpt.batch.waveform).view(
        len(clean), len(excerpt.heard), excerpt.length
    )
    waveform = clean.waveform.clone()
    whole = excerpt.length * parts
    waveform[:, :whole] += sounds[:, nearest(parts, excerpt.heard)].flatten(1)
    places = torch.arange(waveform.shape[1], device=waveform.device)
    owners = nearest(clean.frames.shape[1], excerpt.seen)
    return replace(
        clean,
        frames=clean.frames + pictures[:, owners],
        waveform=waveform.where(places < clean.lengths[:, None], 0.0),
    )


def _bounded(shared: Batch, clean: Batch, threat: ThreatModel) -> Batch:
    """Return the clips with every value in its valid range."""
    frames, waveform = shared.frames, shared.waveform
    if threat.video:
        frames = threat.video.bounded(frames, clean.frames)
    if threat.audio:
        waveform = threat.audio.bounded(waveform, clean.waveform)
    return replace(shared, frames=frames, waveform=waveform)
