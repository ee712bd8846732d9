"""A method at work on a cell: it opens, answers batch after batch, and closes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any, cast

import torch

from avplug.bench.attack_session import AttackSession
from avplug.bench.batch_size import Parts
from avplug.bench.compute import compute_of, device_of
from avplug.bench.energy import EnergyMeter
from avplug.bench.feed import Feed, Group, right, targets_of
from avplug.bench.forgetting import forgetting
from avplug.bench.outcome import Answers, Outcome
from avplug.bench.plan import Cell, Plan
from avplug.bench.prepare import construct
from avplug.bench.probes import AttentionWatch, CollapseWatch, Memory, Stopwatch
from avplug.bench.protocols import Item
from avplug.bench.threads import operation_threads
from avplug.core.adaptation import Adapter, Stream
from avplug.core.batch import Batch
from avplug.core.clip import ClipRef
from avplug.core.errors import PluginError
from avplug.core.metric import Embeddings
from avplug.core.model import Embeds
from avplug.core.supervision import SupervisedAdapter

#: Called with the number of clips done since the last call.
Tick = Callable[[int], None]


class Session:
    """One cell in work; whatever happens, end with :meth:`restore`.

    Args:
        cell: What to evaluate.
        plan: The run that it belongs to.
        feed: Where clips come from.
        tick: Told of progress.
        clips: A part of the run's clips, in their order; all of them by default.
        size: Clips of a batch that was chosen for the hardware: one that does not fit
            into its memory is answered in halves. None for the run's own.
    """

    def __init__(
        self,
        cell: Cell,
        plan: Plan,
        feed: Feed,
        tick: Tick,
        clips: Sequence[ClipRef] | None = None,
        size: int | None = None,
    ) -> None:
        self.cell = cell
        self._plan = plan
        self._feed = feed
        self._tick = tick
        self._whole = clips is None
        self._model = cell.model.model
        self._probes = cell.identity.get("probes", {})
        self.device = device_of(self._model)
        self._watch = Stopwatch(self.device)
        self._memory = Memory(self.device)
        self._energy = EnergyMeter(self.device)
        self._collapse = CollapseWatch()
        self._attention = AttentionWatch(
            self._model, self._probes.get("attention_every", 0)
        )
        asked = plan.clips if clips is None else clips
        self._asked = asked
        stop = plan.config.on_error == "stop"
        self._answers = Answers(cell, asked, len(plan.dataset.labels), stop=stop)
        self._parts = Parts(size)
        self._adapted = 0
        self._threads = 0
        self._spent = 0.0
        self._waiting = 0.0
        self._passes: list[float] = []
        self._attack: AttackSession | None = None
        self._adapter: Adapter | None = None

    @contextmanager
    def _at_work(self) -> Iterator[None]:
        """Let the model compute as its cell wants, and count the time."""
        begin = time.perf_counter()
        with ExitStack() as stack:
            stack.enter_context(
                operation_threads(self._plan.config.threads, self._model)
            )
            stack.enter_context(compute_of(self._plan.config).autocast(self.device))
            self._threads = torch.get_num_threads()
            yield
        self._spent += time.perf_counter() - begin
        self._energy.see()

    def open(self) -> None:
        """Construct the method and do all that comes before the pass that counts."""
        with self._at_work():
            adapter: Adapter = construct(
                self.cell.method, self.cell.treatment.options, self._model
            )
            self._adapter = adapter
            adapter.reset()
            with self._watch.of("begin"):
                adapter.begin(self._stream())
            self._attack = self._prepared_attack(adapter)
            if self.cell.protocol.frozen:
                for turn in range(self.cell.protocol.passes):
                    self._learn(adapter, turn)

    def answer(self, group: Group, batch: Batch | None) -> None:
        """Take the next clips of the stream, as ``batch``; None if all failed."""
        for item, failure in group.failed:
            self._answers.fail(item, failure)
        if batch is not None:
            with self._at_work():
                logits = self._answered(group.items, batch)
                rows = logits.to("cpu", torch.float32).numpy()
            finite = self._answers.note(group.items, rows)
            if len(finite):
                self._collapse.see(finite)
        self._tick(len(group.items) + len(group.failed))

    def close(self, waiting: float, sharers: int) -> Outcome:
        """Return what came of the cell.

        Args:
            waiting: Seconds for which the sessions of a group waited for clips.
            sharers: Cells in the group; each is charged for an equal share.

        Raises:
            NoClipError: No clip of the whole data set could be evaluated.
        """
        adapter = self._open_adapter()
        if self._whole:
            self._answers.check()
        with self._at_work():
            diagnostics = adapter.diagnostics()
            lost = forgetting(self.cell, self._plan, self._feed, adapter)
        self._waiting += waiting / sharers
        self._spent += waiting / sharers
        record = self._record(diagnostics) | lost
        record["energy"] = self._energy.facts(sharers)
        if sharers > 1:
            record["sharers"] = sharers
        maps = self._attack.maps() if self._attack else None
        answers = self._answers
        return Outcome(answers.predictions(), record, answers.places(), maps)

    def restore(self) -> None:
        """Leave the model as it was before."""
        if self._adapter is not None:
            self._adapter.reset()

    def _open_adapter(self) -> Adapter:
        assert self._adapter is not None, "open() comes first"
        return self._adapter

    def _stream(self) -> Stream:
        cell, plan = self.cell, self._plan
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
        cell = self.cell
        make = self._feed.shots if cell.protocol.shots else self._feed.stream
        hits = count = 0
        for group in self._waited(make(cell, turn)):
            items = group.items
            if group.batch is not None:
                self._attention.see(group.batch)
                with self._watch.of("adapter"):
                    logits = self._show(adapter, group.batch, items)
                self._adapted += len(items)
                refs = [ref for _, ref in items]
                hits += right(logits, refs, self._plan.dataset.tasks)
                count += len(items)
            self._tick(len(items) + len(group.failed))
        self._passes.append(100 * hits / count if count else float("nan"))

    def _show(self, adapter: Adapter, batch: Batch, items: list[Item]) -> torch.Tensor:
        if isinstance(adapter, SupervisedAdapter) and self.cell.protocol.shots:
            targets = targets_of(items, len(self._plan.dataset.labels))
            return adapter.fit(batch, targets.to(batch.waveform.device))
        return adapter.step(batch)

    def _prepared_attack(self, adapter: Adapter) -> AttackSession | None:
        cell = self.cell
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

    def _answered(self, items: list[Item], batch: Batch) -> torch.Tensor:
        adapter, frozen = self._open_adapter(), self.cell.protocol.frozen
        if self.cell.protocol.episodic:
            adapter.forget()
        if self._attack:
            with self._watch.of("attack"):
                batch = self._attack.attacked(items, batch)
        if not frozen:
            self._attention.see(batch)
            self._adapted += len(items)
        with self._watch.of("frozen" if frozen else "adapter"):
            step = self._frozen if frozen else adapter.step
            logits = self._parts.run(partial(_checked, step), batch).detach()
        if self._attack:
            self._attack.answered(items, batch, logits)
        if "retrieval" in self._probes:
            with self._watch.of("embeddings"):
                self._answers.embed(items, self._embedded(batch))
        return logits

    def _embedded(self, batch: Batch) -> Embeddings:
        """Embed a batch with the weights that the method has left."""
        model = cast("Embeds", self._model)
        with torch.no_grad():
            vectors = model.embed(model.encode(batch))
        audio, video = (
            sense.to("cpu", torch.float32).numpy()
            for sense in (vectors.audio, vectors.video)
        )
        return Embeddings(audio, video)

    def _frozen(self, batch: Batch) -> torch.Tensor:
        with torch.no_grad():
            return self._model.classify(batch)

    def _waited(self, groups: Iterator[Group]) -> Iterator[Group]:
        while True:
            ready = time.perf_counter()
            group = next(groups, None)
            self._waiting += time.perf_counter() - ready
            if group is None:
                return
            yield group

    def _record(self, diagnostics: dict[str, Any]) -> dict[str, Any]:
        record = self._answers.record() | {
            "adapted": self._adapted,
            "seconds": {
                "total": self._spent,
                "waiting_for_clips": self._waiting,
                **self._watch.seconds,
            },
            "memory": self._memory.facts(),
            "diagnostics": diagnostics,
            "collapse": self._collapse.facts(),
            "threads": self._threads,
        }
        tries = self._feed.tries.counts
        optional = {
            "retries": {r.id: tries[r.id] for r in self._asked if r.id in tries},
            "batch": self._parts.facts(),
            "passes": self._passes,
            "attention": self._attention.facts(),
            "attack": self._attack.facts() if self._attack else {},
        }
        return record | {key: value for key, value in optional.items() if value}


def _checked(step: Callable[[Batch], torch.Tensor], batch: Batch) -> torch.Tensor:
    """Return what a method or model answers; that it is no logits is its own fault.

    Raises:
        PluginError: It is no tensor, or not one row for each clip.
    """
    answer = step(batch)
    due = f"where logits [{len(batch)}, classes] are due."
    if not isinstance(answer, torch.Tensor):
        raise PluginError(f"The answer is of type {type(answer).__name__} {due}")
    if answer.ndim != 2 or len(answer) != len(batch):
        raise PluginError(f"The answer is of shape {list(answer.shape)} {due}")
    return answer
