"""One cell, evaluated: clips loaded, corrupted, shown to the model, noted."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from avplug.bench.attack_session import AttackSession
from avplug.bench.compute import compute_of
from avplug.bench.feed import Feed, Group, right, targets_of
from avplug.bench.pipeline import ClipFailure
from avplug.bench.plan import Cell, Plan
from avplug.bench.prepare import construct
from avplug.bench.probes import AttentionWatch, CollapseWatch, Memory, Stopwatch
from avplug.bench.protocols import Item
from avplug.bench.store import Maps, Places
from avplug.bench.threads import operation_threads
from avplug.core.adaptation import Adapter, Stream
from avplug.core.batch import Batch
from avplug.core.clip import ClipRef
from avplug.core.corruption import recordings_from
from avplug.core.errors import DatasetError
from avplug.core.metric import Predictions
from avplug.core.randomness import KeyedRandom
from avplug.core.supervision import SupervisedAdapter


class NoClipError(DatasetError):
    """Every clip of a cell failed."""


#: Called with the number of clips done since the last call.
Tick = Callable[[int], None]


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """What came of a cell.

    Args:
        predictions: By segment, then in the data set's order.
        record: Timings, failures and diagnostics, as plain data.
        places: Where in the stream each prediction was made; None where the method
            has no state.
        maps: Localisation of some clips; None where nothing was kept of it.
    """

    predictions: Predictions
    record: dict[str, Any]
    places: Places | None
    maps: Maps | None


def evaluate(cell: Cell, plan: Plan, feed: Feed, tick: Tick) -> Outcome:
    """Run a cell's stream through its method.

    A clip that cannot be read or corrupted is noted as failed and left out.

    Raises:
        NoClipError: No clip could be evaluated.
    """
    with (
        operation_threads(plan.config.threads, cell.model.model),
        recordings_from(plan.config.recordings),
        compute_of(plan.config).autocast(_device(cell)),
    ):
        return _Session(cell, plan, feed, tick).run()


def _device(cell: Cell) -> torch.device:
    return next(cell.model.model.parameters()).device


class _Session:
    """A method at work on one cell."""

    def __init__(self, cell: Cell, plan: Plan, feed: Feed, tick: Tick) -> None:
        self._begin = time.perf_counter()
        self._cell = cell
        self._plan = plan
        self._feed = feed
        self._tick = tick
        self._model = cell.model.model
        self._probes = cell.identity.get("probes", {})
        device = next(self._model.parameters()).device
        self._watch = Stopwatch(device)
        self._memory = Memory(device)
        self._collapse = CollapseWatch()
        self._attention = AttentionWatch(
            self._model, self._probes.get("attention_every", 0)
        )
        self._logits: dict[tuple[int, str], NDArray[np.float32]] = {}
        self._failures: dict[tuple[int, str], ClipFailure] = {}
        self._adapted = 0
        self._waiting = 0.0
        self._passes: list[float] = []
        self._attack: AttackSession | None = None

    def run(self) -> Outcome:
        """Adapt and predict; the model is as before, whatever happens."""
        adapter: Adapter = construct(
            self._cell.method, self._cell.treatment.options, self._model
        )
        try:
            adapter.reset()
            with self._watch.of("begin"):
                adapter.begin(self._stream())
            self._attack = self._prepared_attack(adapter)
            if self._cell.protocol.frozen:
                for turn in range(self._cell.protocol.passes):
                    self._learn(adapter, turn)
                self._predict(self._frozen, "frozen")
            else:
                if self._cell.protocol.episodic:
                    self._predict(adapter.step, "adapter", adapter.forget)
                else:
                    self._predict(adapter.step, "adapter")
            diagnostics = adapter.diagnostics()
            forgetting = self._forgetting(adapter)
        finally:
            adapter.reset()
        if not self._logits:
            first = next(iter(self._failures.values()))
            raise NoClipError(
                f"None of {len(self._failures)} clips could be evaluated. The first, "
                f"'{first.id}': {first.reason}"
            )
        record = self._record(diagnostics) | forgetting
        maps = self._attack.maps() if self._attack else None
        return Outcome(self._predictions(), record, self._places(), maps)

    def _stream(self) -> Stream:
        cell, plan = self._cell, self._plan
        protocol = cell.protocol
        size = plan.config.batch_size
        if protocol.shots:
            lengths = [len(cell.treatment.shots[cell.seed])]
        else:
            segments = len(cell.segments)
            stretches = protocol.stretches(segments, plan.clips, cell.seed)
            lengths = [len(stretch) for stretch in stretches]
        source = cell.treatment.source
        return Stream(
            batches=protocol.passes * sum(-(-length // size) for length in lengths),
            clips=protocol.passes * sum(lengths),
            seed=cell.seed,
            source=(lambda: self._feed.source_data(cell)) if source else None,
            source_key=f"{source.fingerprint} {cell.seed} {size}" if source else "",
        )

    def _learn(self, adapter: Adapter, turn: int) -> None:
        """Adapt in one pass over the clips of the protocol, and note its accuracy."""
        cell = self._cell
        make = self._feed.shots if cell.protocol.shots else self._feed.stream
        hits = count = 0
        for items, clips, failed in self._waited(make(cell, turn)):
            if clips:
                batch = self._feed.batch(cell, clips)
                self._attention.see(batch)
                with self._watch.of("adapter"):
                    logits = self._show(adapter, batch, items)
                self._adapted += len(items)
                hits += right(logits, [ref for _, ref in items])
                count += len(items)
            self._tick(len(items) + len(failed))
        self._passes.append(100 * hits / count if count else float("nan"))

    def _show(self, adapter: Adapter, batch: Batch, items: list[Item]) -> torch.Tensor:
        if isinstance(adapter, SupervisedAdapter) and self._cell.protocol.shots:
            targets = targets_of(items, len(self._plan.dataset.labels))
            return adapter.fit(batch, targets.to(batch.waveform.device))
        return adapter.step(batch)

    def _prepared_attack(self, adapter: Adapter) -> AttackSession | None:
        cell = self._cell
        if cell.attack is None:
            return None
        multi_label = self._plan.dataset.multi_label
        count = cell.identity["attack"].get("localisation", 0)
        shown = [ref.id for ref in self._plan.clips[:count]]
        attack = AttackSession(cell.attack, adapter, multi_label, cell.seed, shown)
        if cell.attack.training:
            with self._watch.of("attack"):
                attack.fit(self._feed.training(cell, cell.attack.training))
        return attack

    def _predict(
        self,
        answer: Callable[[Batch], torch.Tensor],
        activity: str,
        before: Callable[[], None] | None = None,
    ) -> None:
        """Note the answers to the whole stream, in batches.

        Args:
            answer: Returns the logits of a batch.
            activity: That its time counts for.
            before: Called before each batch.
        """
        for items, clips, failed in self._waited(self._feed.stream(self._cell)):
            for (segment, ref), failure in failed:
                self._failures[segment, ref.id] = failure
            if clips:
                batch = self._feed.batch(self._cell, clips)
                if before:
                    before()
                if self._attack:
                    with self._watch.of("attack"):
                        batch = self._attack.attacked(items, batch)
                if activity == "adapter":
                    self._attention.see(batch)
                    self._adapted += len(items)
                with self._watch.of(activity):
                    logits = answer(batch).detach()
                if self._attack:
                    self._attack.answered(items, batch, logits)
                self._note(items, logits.to("cpu", torch.float32).numpy())
            self._tick(len(items) + len(failed))

    def _frozen(self, batch: Batch) -> torch.Tensor:
        with torch.no_grad():
            return self._model.classify(batch)

    def _note(self, items: list[Item], rows: NDArray[np.float32]) -> None:
        finite = np.asarray(np.isfinite(rows).all(axis=1))
        for (segment, ref), row, good in zip(items, rows, finite, strict=True):
            if good:
                self._logits[segment, ref.id] = row
            else:
                reason = "The logits are not finite."
                self._failures[segment, ref.id] = ClipFailure(ref.id, reason)
        if finite.any():
            self._collapse.see(rows[finite])

    def _waited(self, groups: Iterator[Group]) -> Iterator[Group]:
        while True:
            ready = time.perf_counter()
            group = next(groups, None)
            self._waiting += time.perf_counter() - ready
            if group is None:
                return
            yield group

    def _forgetting(self, adapter: Adapter) -> dict[str, Any]:
        """Score clean clips with the weights at the end, and with those of before."""
        count = self._probes.get("forgetting", 0)
        if not count:
            return {}
        clips = self._plan.clips
        order = KeyedRandom(("forgetting",)).permutation(len(clips))
        refs = [clips[i] for i in sorted(order[:count])]
        after = self._clean_accuracy(refs)
        adapter.reset()
        before = self._clean_accuracy(refs)
        return {"forgetting": {"clips": len(refs), "before": before, "after": after}}

    def _clean_accuracy(self, refs: list[ClipRef]) -> float:
        hits = count = 0
        for items, clips, _ in self._feed.clean(self._cell, refs):
            if clips:
                logits = self._frozen(self._feed.batch(self._cell, clips))
                hits += right(logits, [ref for _, ref in items])
                count += len(items)
        return 100 * hits / count if count else float("nan")

    def _record(self, diagnostics: dict[str, Any]) -> dict[str, Any]:
        parts = [self._part(segment) for segment in range(len(self._cell.segments))]
        record = {
            "clips": {"evaluated": len(self._logits), "failed": len(self._failures)},
            "adapted": self._adapted,
            "failures": [row for part in parts for row in part["failures"]],
            "seconds": {
                "total": time.perf_counter() - self._begin,
                "waiting_for_clips": self._waiting,
                **self._watch.seconds,
            },
            "memory": self._memory.facts(),
            "diagnostics": diagnostics,
            "collapse": self._collapse.facts(),
            "threads": torch.get_num_threads(),
        }
        optional = {
            "segments": parts if len(parts) > 1 else [],
            "passes": self._passes,
            "attention": self._attention.facts(),
            "attack": self._attack.facts() if self._attack else {},
        }
        return record | {key: value for key, value in optional.items() if value}

    def _part(self, segment: int) -> dict[str, Any]:
        failures = [f for (s, _), f in self._failures.items() if s == segment]
        return {
            "clips": {
                "evaluated": sum(s == segment for s, _ in self._logits),
                "failed": len(failures),
            },
            "failures": [
                {"id": f.id, "reason": f.reason}
                for f in sorted(failures, key=lambda f: f.id)
            ],
        }

    def _done(self) -> list[Item]:
        return [
            (segment, ref)
            for segment in range(len(self._cell.segments))
            for ref in self._plan.clips
            if (segment, ref.id) in self._logits
        ]

    def _predictions(self) -> Predictions:
        done = self._done()
        return Predictions(
            np.array([ref.id for _, ref in done], np.str_),
            np.stack([self._logits[segment, ref.id] for segment, ref in done]),
            targets_of(done, len(self._plan.dataset.labels)).numpy(),
            self._model.outputs,
        )

    def _places(self) -> Places | None:
        if not self._cell.treatment.adapter.stateful:
            return None
        seen = {key: position for position, key in enumerate(self._logits)}
        done = self._done()
        return Places(
            np.array([segment for segment, _ in done], np.int32),
            np.array([seen[segment, ref.id] for segment, ref in done], np.int32),
        )
