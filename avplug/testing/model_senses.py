"""Checks of a model: its answer depends on the senses that it says, and no other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import torch

from avplug.core.batch import Batch
from avplug.core.components import ModelSpec
from avplug.core.errors import UsageError
from avplug.core.model import Model
from avplug.core.senses import SIGNALS, modalities_of
from avplug.testing.checks import (
    NotApplicable,
    Subject,
    Violation,
    left_to,
    promise,
    require,
)
from avplug.testing.models import (
    batch_for,
    classified,
    deterministic,
    frozen_in_eval,
    made,
    pure,
    unused,
)
from avplug.testing.toys import copy_of

_TENSORS = {"a": "waveform", "v": "frames"}


def _said(subject: Subject, model: Model) -> str:
    spec = subject.spec
    assert isinstance(spec, ModelSpec)
    try:
        return modalities_of(spec, model)
    except UsageError as error:
        raise Violation(str(error)) from error


@promise("model")
def used_senses(subject: Subject) -> str:
    """Each sense that it says it uses can change its answer."""
    model = made(subject)
    said, spec = _said(subject, model), subject.spec
    assert isinstance(spec, ModelSpec)
    require(
        {*said} <= {*spec.modalities},
        f"it says that it uses {said!r}, and its descriptor {spec.modalities!r}",
    )
    source = batch_for(model, subject.seed)
    idle = unused(model, source, subject.seed)
    if idle:
        # What joins the senses may start at zero, and learn to listen.
        _shake(model, subject.seed)
        idle &= unused(model, source, subject.seed)
    deaf = [sense for sense in said if _TENSORS[sense] in idle]
    if deaf == [*said]:
        raise Violation(f"its answer is the same whatever the {_signals(said)}")
    rest = "".join(sense for sense in said if sense not in deaf)
    require(
        not deaf,
        f"its answer is the same whatever the {_signals(deaf)}: say "
        f"modalities={rest!r} in its ModelSpec, or on the model where options decide",
    )
    return _signals(said)


@promise("model")
def unused_senses(subject: Subject) -> None:
    """A sense that it says it does not use changes no answer."""
    model = made(subject)
    with left_to(subject, used_senses):
        said = _said(subject, model)
    rest = [sense for sense in SIGNALS if sense not in said]
    if not rest:
        raise NotApplicable("it says that it uses both")
    (sense,) = rest
    source, other = (batch_for(model, subject.seed + step) for step in (0, 1))
    answer = classified(model, copy_of(source))
    with left_to(subject, deterministic, frozen_in_eval, pure):
        for what, batch in _otherwise(source, other, sense):
            gap = float((answer - classified(model, copy_of(batch))).abs().max())
            require(
                gap == 0,
                f"with {what} for its {SIGNALS[sense]} its logits move by {gap:.3g}",
            )


def _otherwise(source: Batch, other: Batch, sense: str) -> Iterator[tuple[str, Batch]]:
    """Yield the batch with something else in place of a sense, and what it is."""
    nothing = torch.zeros_like
    if sense == "v":
        yield "another clip's", replace(source, frames=other.frames)
        yield "nothing", replace(source, frames=nothing(source.frames))
        return
    yield "another clip's", replace(source, waveform=other.waveform)
    lengths, silent = nothing(source.lengths), nothing(source.waveform)
    yield "nothing", replace(source, waveform=silent, lengths=lengths)


def _shake(model: Model, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            parameter.add_(0.1 * noise.to(parameter))


def _signals(senses: str | list[str]) -> str:
    return " and ".join(SIGNALS[sense] for sense in senses)
