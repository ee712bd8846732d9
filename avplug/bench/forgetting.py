"""What a method made the model forget: clean clips, answered at the end and before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from avplug.bench.feed import Feed, right
from avplug.bench.plan import Cell, Plan
from avplug.core.adaptation import Adapter
from avplug.core.clip import ClipRef
from avplug.core.randomness import KeyedRandom


def forgetting(cell: Cell, plan: Plan, feed: Feed, adapter: Adapter) -> dict[str, Any]:
    """Score clean clips with the weights at the end, and with those of before.

    Args:
        cell: Says how many clips; the same for every cell of a run.
        plan: The run.
        feed: Where clips come from.
        adapter: The method after its stream; it is reset.

    Returns:
        For the record: ``forgetting`` with the number of clips and both accuracies in
        percent, NaN if no clip could be read; empty where nothing was asked for.
    """
    count = cell.identity.get("probes", {}).get("forgetting", 0)
    if not count:
        return {}
    order = KeyedRandom(("forgetting",)).permutation(len(plan.clips))
    refs = [plan.clips[i] for i in sorted(order[:count])]
    after = _accuracy(cell, plan, feed, refs)
    adapter.reset()
    before = _accuracy(cell, plan, feed, refs)
    return {"forgetting": {"clips": len(refs), "before": before, "after": after}}


def _accuracy(cell: Cell, plan: Plan, feed: Feed, refs: Sequence[ClipRef]) -> float:
    model = cell.model.model
    hits = count = 0
    for group in feed.clean(cell, refs):
        if group.batch is not None:
            with torch.no_grad():
                logits = model.classify(group.batch)
            seen = [ref for _, ref in group.items]
            hits += right(logits, seen, plan.dataset.tasks)
            count += len(seen)
    return 100 * hits / count if count else float("nan")
