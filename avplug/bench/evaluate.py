"""One cell, evaluated: clips loaded, corrupted, shown to the model, noted."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch

from avplug.bench.pipeline import ClipCache, ClipFailure, batches, ordered_map
from avplug.bench.plan import Cell, Plan
from avplug.bench.prepare import construct
from avplug.bench.threads import operation_threads
from avplug.core.adaptation import Adapter
from avplug.core.batch import Batch, check_clip, collate
from avplug.core.clip import Clip, ClipRef
from avplug.core.corruption import recordings_from
from avplug.core.errors import AvplugError, DatasetError
from avplug.core.metric import Predictions
from avplug.core.randomness import KeyedRandom
from avplug.media.fitting import as_is, fit_clip


class NoClipError(DatasetError):
    """Every clip of a cell failed."""


#: Called with the number of clips done since the last call.
Tick = Callable[[int], None]


def clip_cache(plan: Plan, cell: Cell) -> ClipCache:
    """Return a cache of clips as the cell wants them before the corruption."""
    spec = cell.model.model.input
    return ClipCache(plan.dataset, as_is(spec) if plan.config.at == "source" else spec)


def evaluate(
    cell: Cell, plan: Plan, cache: ClipCache, tick: Tick
) -> tuple[Predictions, dict[str, Any]]:
    """Return the predictions of a cell, in the data set's order, and its record.

    A clip that cannot be read or corrupted is noted as failed and left out.

    Raises:
        NoClipError: No clip could be evaluated.
    """
    with (
        operation_threads(plan.config.threads, cell.model.model),
        recordings_from(plan.config.recordings),
    ):
        return _evaluate(cell, plan, cache, tick)


def _evaluate(
    cell: Cell, plan: Plan, cache: ClipCache, tick: Tick
) -> tuple[Predictions, dict[str, Any]]:
    begin = time.perf_counter()
    adapter: Adapter = construct(
        cell.method,
        plan.config.options.get(cell.method.spec.name, {}),
        cell.model.model,
    )
    logits: dict[str, np.ndarray] = {}
    failures: list[ClipFailure] = []
    waiting = 0.0
    try:
        adapter.reset()
        stream = batches(_corrupted(cell, plan, cache), plan.config.batch_size)
        while True:
            ready = time.perf_counter()
            group = next(stream, None)
            waiting += time.perf_counter() - ready
            if group is None:
                break
            refs, clips, failed = group
            done = len(refs) + len(failed)
            if clips:
                rows = _predict(adapter, collate(clips, cell.model.model.input))
                for ref, row in zip(refs, rows, strict=True):
                    if np.isfinite(row).all():
                        logits[ref.id] = row
                    else:
                        failed.append(ClipFailure(ref.id, "The logits are not finite."))
            failures += failed
            tick(done)
        diagnostics = adapter.diagnostics()
    finally:
        adapter.reset()
    if not logits:
        raise NoClipError(
            f"None of {len(failures)} clips could be evaluated. The first, "
            f"'{failures[0].id}': {failures[0].reason}"
        )
    seconds = time.perf_counter() - begin
    record = {
        "clips": {"evaluated": len(logits), "failed": len(failures)},
        "failures": [
            {"id": f.id, "reason": f.reason}
            for f in sorted(failures, key=lambda f: f.id)
        ],
        "seconds": {"total": seconds, "waiting_for_clips": waiting},
        "diagnostics": diagnostics,
        "threads": torch.get_num_threads(),
    }
    return _predictions(cell, plan, logits), record


def _corrupted(
    cell: Cell, plan: Plan, cache: ClipCache
) -> Iterator[tuple[ClipRef, Clip | ClipFailure]]:
    spec = cell.model.model.input

    def work(ref: ClipRef) -> tuple[ClipRef, Clip | ClipFailure]:
        try:
            clip = cell.condition.apply(cache.load(ref), cell.seed)
            if plan.config.at == "source":
                clip = fit_clip(clip, spec)
            check_clip(clip, spec)
        except Exception as error:
            # Whatever a data set or corruption raises concerns this clip alone.
            kind = "" if isinstance(error, AvplugError) else f"{type(error).__name__}: "
            return ref, ClipFailure(ref.id, f"{kind}{error}")
        return ref, clip

    workers = plan.config.workers
    ahead = 2 * max(plan.config.batch_size, workers)
    return ordered_map(work, _stream(cell, plan), workers, ahead)


def _stream(cell: Cell, plan: Plan) -> tuple[ClipRef, ...]:
    if cell.identity["adaptation"].get("order") != "shuffled":
        return plan.clips
    # One order for all methods, corruptions and severities of a seed: paired.
    order = KeyedRandom((cell.seed, "order")).permutation(len(plan.clips))
    return tuple(plan.clips[i] for i in order)


def _predict(adapter: Adapter, batch: Batch) -> np.ndarray:
    device = next(adapter.model.parameters()).device
    logits = adapter.step(batch.to(device))
    rows: np.ndarray = logits.detach().to("cpu", torch.float32).numpy()
    return rows


def _predictions(cell: Cell, plan: Plan, logits: dict[str, np.ndarray]) -> Predictions:
    done = [ref for ref in plan.clips if ref.id in logits]
    targets = np.zeros((len(done), len(plan.dataset.labels)), np.bool_)
    for row, ref in enumerate(done):
        targets[row, list(ref.labels)] = True
    return Predictions(
        np.array([ref.id for ref in done], np.str_),
        np.stack([logits[ref.id] for ref in done]),
        targets,
        cell.model.model.outputs,
    )
