"""Checks of a model: on another device, in another process, for other classes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from numpy.typing import NDArray

from avplug.core.batch import Batch
from avplug.core.model import Model
from avplug.testing.checks import (
    NotApplicable,
    Subject,
    global_seed,
    left_to,
    promise,
    require,
)
from avplug.testing.elsewhere import same_elsewhere
from avplug.testing.model_claims import checkpoint
from avplug.testing.models import (
    LABELS,
    batch_for,
    classified,
    deterministic,
    drawn,
    logits,
    made,
)
from avplug.testing.toys import state_of

#: What torch says when tensors of two devices meet.
_TWO_DEVICES = re.compile(r"expected device|same device|two different devices")


@promise("model")
def moves(subject: Subject) -> None:
    """All its tensors move with it: each is a parameter or a registered buffer."""
    model = made(subject)
    for name, module in model.named_modules():
        for place, value in _held(module):
            require(
                not isinstance(value, torch.Tensor),
                f"{name or type(model).__name__}.{place} is a plain tensor, which "
                "stays behind on model.to(device): register_buffer it",
            )
    source = batch_for(model, subject.seed)
    parts = (source.frames, source.waveform, source.lengths)
    # The device that computes nothing tells whether all tensors are on it.
    try:
        with torch.no_grad():
            model.to("meta").classify(Batch(*(part.to("meta") for part in parts)))
    except (RuntimeError, NotImplementedError) as error:
        text = str(error).partition("\n")[0]
        require(
            not _TWO_DEVICES.search(text),
            f"on another device than the processor's it raised: {text}",
        )


def _held(module: torch.nn.Module) -> Iterator[tuple[str, Any]]:
    """Yield what a module holds, and what is in its lists and dictionaries."""
    for name, value in vars(module).items():
        if name in ("_parameters", "_buffers", "_modules"):
            continue
        yield name, value
        if isinstance(value, Mapping):
            yield from ((f"{name}[{key!r}]", each) for key, each in value.items())
        elif isinstance(value, Sequence) and not isinstance(value, str):
            yield from ((f"{name}[{key}]", each) for key, each in enumerate(value))


@promise("model")
def pretrained(subject: Subject) -> None:
    """Where it says that it makes its final weights itself, they are the same."""
    if not getattr(subject.target, "pretrained", False):
        raise NotApplicable("its weights come from a checkpoint")
    states = []
    for number in (1, 2):
        with global_seed(number):
            states.append(state_of(drawn(subject)))
    odd = [name for name in states[0] if not torch.equal(*(s[name] for s in states))]
    require(not odd, f"two of it differ in {', '.join(odd[:3])}")


@promise("model")
def order_of_labels(subject: Subject) -> None:
    """Where classes are given as text, logits follow them into another order."""
    model = made(subject)
    if not type(model).pretrained or model.labels != LABELS:
        raise NotApplicable("its outputs have the order of its checkpoint")
    source = batch_for(model, subject.seed)
    other = made(subject, LABELS[::-1])
    one, two = classified(model, source), classified(other, source).flip(1)
    gap, scale = float((one - two).abs().max()), max(1.0, float(one.abs().max()))
    with left_to(subject, logits, deterministic, pretrained):
        require(gap <= 1e-3 * scale, f"logits of up to {scale:.3g} move by {gap:.3g}")


def answers(subject: Subject) -> Mapping[str, NDArray[Any]]:
    """Return the logits of a batch."""
    model: Model = made(subject)
    found = classified(model, batch_for(model, subject.seed))
    return {"logits": found.float().numpy()}


@promise("model")
def elsewhere(subject: Subject) -> None:
    """Made anew in another process, of another hash seed, it answers alike."""
    with left_to(subject, deterministic, pretrained, checkpoint):
        same_elsewhere(subject, answers, slack=1e-3)
