"""Batches of corrupted clips for a cell: of its stream, of shots, of source data."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import TypeAlias

import torch

from avplug.bench.ahead import Line
from avplug.bench.clip_cache import ClipCache, ClipMemory, TimeLimit
from avplug.bench.clip_store import ClipStore
from avplug.bench.compute import device_of
from avplug.bench.conditions import CLEAN, Condition
from avplug.bench.config import RunConfig
from avplug.bench.pipeline import ClipFailure, batches, prefetched
from avplug.bench.plan import Cell, Plan
from avplug.bench.protocols import Item
from avplug.bench.retrying import Tries
from avplug.bench.splits import TRAINING, Split
from avplug.bench.transfer import Sender
from avplug.core.batch import Batch, check_clip, collate
from avplug.core.clip import Clip, ClipRef, InputSpec
from avplug.core.culprits import reason
from avplug.core.dataset import Dataset
from avplug.core.randomness import KeyedRandom
from avplug.media.fitting import as_is, every_frame, fit_clip

#: An item, and what came of it.
Result: TypeAlias = tuple[Item, Clip | ClipFailure]


@dataclass(frozen=True, slots=True)
class Part:
    """Clips to be fed to a model, each under a condition.

    Args:
        cell: Whose model it is.
        dataset: Where the clips come from, but those that were corrupted before.
        stretches: What to feed, in its order; no batch has items of two stretches.
        segments: The conditions.
    """

    cell: Cell
    dataset: Dataset
    stretches: tuple[tuple[Item, ...], ...]
    segments: tuple[Condition, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """What comes of a stream at a time.

    Args:
        items: That are well.
        clips: Theirs.
        batch: The clips as tensors on the model's device; None if all items failed.
        failed: Items that failed since the group before.
    """

    items: list[Item]
    clips: list[Clip]
    batch: Batch | None
    failed: list[tuple[Item, ClipFailure]]


class Feed:
    """The clips of a run, as the models want them before the corruption.

    Decoded clips stay in memory between cells, and on disk if the run says where; safe
    for threads.

    Args:
        plan: The run.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._memory = ClipMemory()
        self._store = _store(plan.config)
        seconds = plan.config.clip_timeout
        self._limit = TimeLimit(seconds) if seconds else None
        self._line: Line[Part, Item, Result] = Line(plan.config.workers)
        self._caches: dict[tuple[int, InputSpec], ClipCache] = {}
        #: Tells which clips were read at a further try.
        self.tries = Tries(plan.config.retries)

    def stream(
        self,
        cell: Cell,
        turn: int = 0,
        clips: Sequence[ClipRef] | None = None,
        size: int | None = None,
        following: Callable[[], Part | None] = lambda: None,
    ) -> Iterator[Group]:
        """Yield the batches of a cell's stream, none across two stretches.

        Args:
            cell: Whose stream it is.
            turn: Number of the pass.
            clips: A part of the run's clips; all of them by default.
            size: Clips of a batch; the run's batch size by default.
            following: Tells what will be streamed next, by :meth:`part`. Workers that
                find nothing more to do for this stream begin with that.
        """
        return self._fed(self.part(cell, turn, clips), size, following)

    def part(
        self, cell: Cell, turn: int = 0, clips: Sequence[ClipRef] | None = None
    ) -> Part:
        """Return what :meth:`stream` would yield the batches of."""
        clips = self._plan.clips if clips is None else clips
        count = len(cell.segments)
        found = cell.protocol.stretches(count, clips, cell.seed, turn)
        stretches = tuple(tuple(stretch) for stretch in found)
        return Part(cell, self._plan.dataset, stretches, cell.segments)

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
        for group in self.groups(cell, source.dataset, items, (CLEAN,)):
            if group.batch:
                yield group.batch

    def training(self, cell: Cell, split: Split) -> Iterator[tuple[list[Item], Batch]]:
        """Yield labelled, clean batches of a split, drawn by the seed.

        As many clips as the cell has; one that cannot be read is left out.
        """
        assert split.dataset is not None
        clips = split.dataset.clips
        order = KeyedRandom((cell.seed, "attack", split.name)).permutation(len(clips))
        items = [(0, clips[i]) for i in order[: len(self._plan.clips)]]
        for group in self.groups(cell, split.dataset, items, (CLEAN,)):
            if group.batch:
                yield group.items, group.batch

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
        return self._fed(Part(cell, dataset, (tuple(items),), tuple(segments)))

    def close(self) -> None:
        """Cancel what was begun ahead of its turn."""
        self._line.close()

    def _fed(
        self,
        part: Part,
        size: int | None = None,
        following: Callable[[], Part | None] = lambda: None,
    ) -> Iterator[Group]:
        """Yield batches on the model's device.

        On CUDA the next batch travels to the device while the model works, if there are
        workers. On a CPU a thread for that would cost more than it brings.
        """
        workers = self._plan.config.workers
        size = size or self._plan.config.batch_size
        sender, spec = Sender(_device(part.cell)), part.cell.model.model.input
        ahead = 2 * max(size, workers)
        results = self._line.results(part, self._work, ahead, following)
        coming = (
            (kept, clips, sender.send(clips, spec) if clips else None, failed)
            for stretch in part.stretches
            for kept, clips, failed in batches(
                islice(results, len(stretch)),
                size,
                refill=part.cell.treatment.adapter.stateful,
            )
        )
        if sender.asynchronous and workers:
            coming = prefetched(coming, 1)
        with closing(coming):
            for kept, clips, sent, failed in coming:
                batch = sender.receive(sent) if sent else None
                yield Group(kept, clips, batch, failed)

    def _work(self, part: Part) -> tuple[Callable[[Item], Result], Iterator[Item]]:
        """Return what is done for a clip, and the clips."""
        cell, segments = part.cell, part.segments
        at_source = self._plan.config.at == "source"
        spec = cell.model.model.input
        caches = [self._caches_of(cell, s.premade or part.dataset) for s in segments]

        def work(item: Item) -> Result:
            segment, ref = item
            sampled, whole = caches[segment]
            try:
                clip = segments[segment].apply_sampled(
                    sampled.load(ref), lambda: whole.load(ref), cell.seed
                )
                if at_source:
                    clip = fit_clip(clip, spec)
                check_clip(clip, spec)
            except (Exception, SystemExit) as raised:
                # Whatever a data set or corruption raises concerns this clip alone.
                return item, ClipFailure(ref.id, reason(raised))
            return item, clip

        return work, chain.from_iterable(part.stretches)

    def batch(self, cell: Cell, clips: Sequence[Clip]) -> Batch:
        """Return clips as tensors on the model's device."""
        return collate(clips, cell.model.model.input, _device(cell))

    def _caches_of(self, cell: Cell, dataset: Dataset) -> tuple[ClipCache, ClipCache]:
        """Return where clips come from, with the wanted frames and with all."""
        spec = cell.model.model.input
        wanted = as_is(spec) if self._plan.config.at == "source" else spec
        return self._cache(dataset, wanted), self._cache(dataset, every_frame(wanted))

    def _cache(self, dataset: Dataset, wanted: InputSpec) -> ClipCache:
        key = (id(dataset), wanted)
        if key not in self._caches:
            self._caches[key] = ClipCache(
                dataset,
                wanted,
                self._memory,
                store=self._store,
                limit=self._limit,
                tries=self.tries,
            )
        return self._caches[key]


def _device(cell: Cell) -> torch.device:
    return device_of(cell.model.model)


def _store(config: RunConfig) -> ClipStore | None:
    if config.clip_cache in (None, "off"):
        return None
    return ClipStore(Path(config.clip_cache), round(config.clip_cache_size * 1e9))


def targets_of(items: Sequence[Item], classes: int) -> torch.Tensor:
    """Return the labels of items, bool [B, C]."""
    targets = torch.zeros(len(items), classes, dtype=torch.bool)
    for row, (_, ref) in enumerate(items):
        targets[row, list(ref.labels)] = True
    return targets


def right(
    logits: torch.Tensor, refs: Sequence[ClipRef], tasks: Mapping[str, int]
) -> int:
    """Count the clips of which the best class is a label, in each task.

    Args:
        logits: [B, C].
        refs: Their clips.
        tasks: Classes of each task in the order of the logits; empty where there is
            one.
    """
    best, start = [], 0
    for count in tasks.values() or (logits.shape[1],):
        best.append(start + logits[:, start : start + count].argmax(1))
        start += count
    answers = torch.stack(best, 1).tolist()
    return sum(
        all(choice in ref.labels for choice in answer)
        for answer, ref in zip(answers, refs, strict=True)
    )
