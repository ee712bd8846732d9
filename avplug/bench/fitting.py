"""One epoch after the other: batches, the loss, and the state between epochs."""

from __future__ import annotations

import io
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from avplug.bench.clip_cache import ClipCache, ClipMemory
from avplug.bench.compute import device_of
from avplug.bench.judging import targets
from avplug.bench.optimising import Optimising
from avplug.bench.pipeline import ordered_map
from avplug.bench.prepare import construct
from avplug.bench.train_config import Epoch, TrainConfig
from avplug.core.attack import ThreatModel
from avplug.core.batch import Batch, check_clip, collate
from avplug.core.clip import Clip, ClipRef
from avplug.core.dataset import Dataset
from avplug.core.defense import Defense, Moment, Training
from avplug.core.errors import AvplugError, UsageError
from avplug.core.files import write_atomic
from avplug.core.model import Model
from avplug.core.randomness import KeyedRandom
from avplug.core.registry import Registry

#: Told of ``(epoch, clips done, clips in all)``.
Progress = Callable[[int, int, int], None]


class Fitting:
    """A model on its way through the epochs.

    Args:
        config: The settings.
        registry: Where a defence's attacks are looked up.
        model: On its device, with the weights that the training begins with.
        defense: Wraps it, and says the loss.
        threat: What the model shall withstand.
        dataset: The training split.
        clips: Its clips.

    Attributes:
        model: What the defence made of the model.

    Raises:
        UsageError: Batch norm is given a single clip.
    """

    def __init__(
        self,
        config: TrainConfig,
        registry: Registry,
        model: Model,
        defense: Defense,
        threat: ThreatModel | None,
        dataset: Dataset,
        clips: Sequence[ClipRef],
    ) -> None:
        self._config = config
        self._defense = defense
        self._dataset = dataset
        self._clips = clips
        self._device = device_of(model)
        self._cache = ClipCache(dataset, model.input, ClipMemory(2 << 30))
        self.model = defense.wrap(model).to(self._device)
        self._sizes = batch_sizes(len(clips), config.batch_size, self.model)
        defense.begin(
            self.model,
            Training(
                classes=len(model.labels),
                threat=threat,
                attack=lambda name, options: construct(
                    registry.get("attack", name), options
                ),
                clean=self._clean,
            ),
        )
        others = [*self.model.parameters()]
        if defense.companion is not None:
            others += defense.companion.to(self._device).parameters()
        self._optimising = Optimising(config, model, others, len(self._sizes))

    def _clean(self) -> Iterator[tuple[Batch, torch.Tensor]]:
        done = 0
        for size in self._sizes:
            refs = self._clips[done : done + size]
            done += size
            yield self._batch([self._cache.load(ref) for ref in refs], refs)

    def _batch(
        self, clips: Sequence[Clip], refs: Sequence[ClipRef]
    ) -> tuple[Batch, torch.Tensor]:
        batch = collate(clips, self.model.input).to(self._device)
        return batch, targets(refs, self._dataset, self.model).to(self._device)

    def resume(self, path: Path) -> list[Epoch]:
        """Load the state of an interrupted training and return its curve."""
        if not path.exists():
            return []
        state = torch.load(path, weights_only=True, map_location=self._device)
        self.model.load_state_dict(state["model"])
        self._optimising.optimizer.load_state_dict(state["optimizer"])
        if self._defense.companion is not None:
            self._defense.companion.load_state_dict(state["companion"])
        return [Epoch(**row) for row in state["curve"]]

    def save(self, path: Path, curve: Sequence[Epoch]) -> None:
        """Write everything that :meth:`resume` needs."""
        companion = self._defense.companion
        buffer = io.BytesIO()
        torch.save(
            {
                "model": self.model.state_dict(),
                "optimizer": self._optimising.optimizer.state_dict(),
                "companion": {} if companion is None else companion.state_dict(),
                "curve": [asdict(row) for row in curve],
            },
            buffer,
        )
        write_atomic(path, buffer.getvalue())

    def epoch(self, epoch: int, progress: Progress) -> dict[str, Any]:
        """Pass over the clips once and return what :class:`Epoch` says of it."""
        config, defense = self._config, self._defense
        began = time.perf_counter()
        forwards, backwards = defense.forwards, defense.backwards
        self.model.train()
        # What draws from torch's own generator, such as dropout, goes on the same.
        torch.manual_seed(KeyedRandom((config.seed, "torch", epoch)).seed() % 2**63)
        total = 0.0
        done = 0
        for number, (clips, refs) in enumerate(self._groups(epoch)):
            batch, labels = self._batch(clips, refs)
            keys = [KeyedRandom((config.seed, "defense", epoch, r.id)) for r in refs]
            moment = Moment(epoch / config.epochs, keys)
            loss = defense.objective(self.model, batch, labels, moment)
            value = loss.item()
            if not math.isfinite(value):
                raise AvplugError(
                    f"The loss is {value}.", "Try a lower --lr; the last epoch is kept."
                )
            self._optimising.step(loss, epoch * len(self._sizes) + number)
            total += value * len(refs)
            done += len(refs)
            progress(epoch + 1, done, len(self._clips))
        return {
            "loss": total / done,
            "forwards": defense.forwards - forwards,
            "backwards": defense.backwards - backwards,
            "seconds": round(time.perf_counter() - began, 3),
        }

    def _groups(self, epoch: int) -> Iterator[tuple[list[Clip], list[ClipRef]]]:
        """Yield augmented clips in the epoch's own order, a batch at a time."""
        config, spec = self._config, self.model.input
        order = KeyedRandom((config.seed, "epoch", epoch)).permutation(len(self._clips))
        refs = [self._clips[i] for i in order]

        def work(ref: ClipRef) -> Clip:
            clip = self._cache.load(ref)
            check_clip(clip, spec)
            return augment(
                clip, config, KeyedRandom((config.seed, "augment", epoch, ref.id))
            )

        coming = ordered_map(work, refs, config.workers, 4 * config.batch_size)
        done = 0
        for size in self._sizes:
            yield [next(coming) for _ in range(size)], refs[done : done + size]
            done += size


def batch_sizes(count: int, size: int, model: nn.Module) -> list[int]:
    """Return how many clips each batch of an epoch has; none is left out.

    What is left at the end is a batch too. Where batch norm would take its statistics
    from less than half a batch, the rest joins the batch before it instead.

    Raises:
        UsageError: Batch norm is given a single clip.
    """
    normed = any(isinstance(module, _BatchNorm) for module in model.modules())
    if normed and min(count, size) < 2:
        raise UsageError(
            f"{type(model).__name__} has batch norm, which learns nothing from one clip"
            f" at a time; there are {count} clips in batches of {size}.",
            "Set --batch-size to 2 or more, and --limit.",
        )
    whole, rest = divmod(count, size)
    sizes = [size] * whole + [rest] * bool(rest)
    if normed and whole and 0 < rest < size / 2:
        sizes[-2:] = [size + rest]
    return sizes


def augment(clip: Clip, config: TrainConfig, rng: KeyedRandom) -> Clip:
    """Return the clip with sound and picture moved a little and the sound scaled."""
    draw = rng.generator().random(4)
    assert clip.audio is not None
    assert clip.frames is not None
    offset = round((2 * draw[0] - 1) * config.shift * clip.sample_rate)
    audio = np.roll(clip.audio, offset, axis=1)
    audio = audio * np.float32(10 ** ((2 * draw[1] - 1) * config.gain / 20))
    margin = clip.frames.shape[1] // 8
    padded = np.pad(
        clip.frames, ((0, 0), (margin, margin), (margin, margin), (0, 0)), "edge"
    )
    top, left = (int(d * (2 * margin + 1)) for d in draw[2:])
    height, width = clip.frames.shape[1:3]
    frames = padded[:, top : top + height, left : left + width]
    return replace(clip, audio=audio, frames=np.ascontiguousarray(frames))
