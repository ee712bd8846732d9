"""Batches of corrupted clips for a cell: of its stream, of shots, of source data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch

from avplug.bench.clip_cache import ClipCache
from avplug.bench.conditions import CLEAN, Condition
from avplug.bench.pipeline import ClipFailure, batches, ordered_map
from avplug.bench.plan import Cell, Plan
from avplug.bench.protocols import Item
from avplug.bench.splits import TRAINING, Split
from avplug.core.batch import Batch, check_clip, collate
from avplug.core.clip import Clip, ClipRef, InputSpec
from avplug.core.dataset import Dataset
from avplug.core.errors import AvplugError
from avplug.core.randomness import KeyedRandom
from avplug.media.fitting import as_is, every_frame, fit_clip

#: Items of a batch, their clips, and items that failed since the batch before.
Group = tuple[list[Item], list[Clip], list[tuple[Item, ClipFailure]]]


class Feed:
    """The clips of a run, as the models want them before the corruption.

    Decoded clips stay in memory between cells; safe for threads.

    Args:
        plan: The run.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._caches: dict[tuple[int, object], ClipCache] = {}

    def stream(
        self, cell: Cell, turn: int = 0, clips: Sequence[ClipRef] | None = None
    ) -> Iterator[Group]:
        """Yield the batches of a cell's stream, none across two stretches.

        Args:
            cell: Whose stream it is.
            turn: Number of the pass.
            clips: A part of the run's clips; all of them by default.
        """
        protocol = cell.protocol
        clips = self._plan.clips if clips is None else clips
        for stretch in protocol.stretches(len(cell.segments), clips, cell.seed, turn):
            yield from self.groups(cell, self._plan.dataset, stretch, cell.segments)

    def shots(self, cell: Cell, turn: int) -> Iterator[Group]:
        """Yield the batches of the labelled clips of a few-shot cell."""
        support = cell.treatment.support
        assert support is not None
        assert support.dataset is not None
        clips = cell.treatment.shots[cell.seed]
        order = KeyedRandom((cell.seed, "shots", turn)).permutation(len(clips))
        items = [(0, clips[i]) for i in order]
        yield from self.groups(cell, support.dataset, items, cell.segments)

    def source_data(self, cell: Cell) -> Iterator[Batch]:
        """Yield clean batches of the training split on the model's device, shuffled.

        A clip that cannot be read is left out.
        """
        source = cell.treatment.source
        assert source is not None
        assert source.dataset is not None
        clips = source.dataset.clips
        order = KeyedRandom((cell.seed, TRAINING)).permutation(len(clips))
        items = [(0, clips[i]) for i in order]
        for _, found, _ in self.groups(cell, source.dataset, items, (CLEAN,)):
            if found:
                yield self.batch(cell, found)

    def training(self, cell: Cell, split: Split) -> Iterator[tuple[list[Item], Batch]]:
        """Yield labelled, clean batches of a split, drawn by the seed.

        As many clips as the cell has; one that cannot be read is left out.
        """
        assert split.dataset is not None
        clips = split.dataset.clips
        order = KeyedRandom((cell.seed, "attack", split.name)).permutation(len(clips))
        items = [(0, clips[i]) for i in order[: len(self._plan.clips)]]
        for kept, found, _ in self.groups(cell, split.dataset, items, (CLEAN,)):
            if found:
                yield kept, self.batch(cell, found)

    def clean(self, cell: Cell, refs: Sequence[ClipRef]) -> Iterator[Group]:
        """Yield the batches of clips of the run's data set, as they are."""
        items = [(0, ref) for ref in refs]
        yield from self.groups(cell, self._plan.dataset, items, (CLEAN,))

    def groups(
        self,
        cell: Cell,
        dataset: Dataset,
        items: Sequence[Item],
        segments: Sequence[Condition],
    ) -> Iterator[Group]:
        """Yield items of a data set in batches, each under its segment's condition."""
        config = self._plan.config
        spec = cell.model.model.input
        sampled, whole = self._caches_of(cell, dataset)

        def work(item: Item) -> tuple[Item, Clip | ClipFailure]:
            segment, ref = item
            try:
                clip = segments[segment].apply_sampled(
                    sampled.load(ref), lambda: whole.load(ref), cell.seed
                )
                if config.at == "source":
                    clip = fit_clip(clip, spec)
                check_clip(clip, spec)
            except Exception as error:
                # Whatever a data set or corruption raises concerns this clip alone.
                expected = isinstance(error, AvplugError)
                kind = "" if expected else f"{type(error).__name__}: "
                return item, ClipFailure(ref.id, f"{kind}{error}")
            return item, clip

        ahead = 2 * max(config.batch_size, config.workers)
        results = ordered_map(work, items, config.workers, ahead)
        stateful = cell.treatment.adapter.stateful
        yield from batches(results, config.batch_size, refill=stateful)

    def batch(self, cell: Cell, clips: Sequence[Clip]) -> Batch:
        """Return clips as tensors on the model's device."""
        model = cell.model.model
        return collate(clips, model.input).to(next(model.parameters()).device)

    def _caches_of(self, cell: Cell, dataset: Dataset) -> tuple[ClipCache, ClipCache]:
        """Return where clips come from, with the wanted frames and with all."""
        spec = cell.model.model.input
        wanted = as_is(spec) if self._plan.config.at == "source" else spec
        return self._cache(dataset, wanted), self._cache(dataset, every_frame(wanted))

    def _cache(self, dataset: Dataset, wanted: InputSpec) -> ClipCache:
        key = (id(dataset), wanted)
        if key not in self._caches:
            self._caches[key] = ClipCache(dataset, wanted)
        return self._caches[key]


def targets_of(items: Sequence[Item], classes: int) -> torch.Tensor:
    """Return the labels of items, bool [B, C]."""
    targets = torch.zeros(len(items), classes, dtype=torch.bool)
    for row, (_, ref) in enumerate(items):
        targets[row, list(ref.labels)] = True
    return targets


def right(logits: torch.Tensor, refs: Sequence[ClipRef]) -> int:
    """Count the clips of which the best class is a label."""
    best = logits.argmax(1).tolist()
    return sum(b in ref.labels for b, ref in zip(best, refs, strict=True))
