"""Checks of a model: the capabilities that its descriptor claims are there."""

from __future__ import annotations

import json
from typing import get_args

import torch

from avplug.core.components import ModelSpec
from avplug.core.errors import CapabilityError
from avplug.core.model import (
    ClassifiesEachSense,
    EncodesThenFuses,
    FusesFeatures,
    Localises,
    Model,
    ShowsTime,
    Surface,
)
from avplug.testing.checks import (
    NotApplicable,
    Subject,
    Violation,
    left_to,
    promise,
    require,
)
from avplug.testing.models import LABELS, batch_for, deterministic, made, pure
from avplug.testing.toys import unlike

_SURFACES = get_args(Surface)
_PROTOCOLS = {
    "encode": EncodesThenFuses,
    "unimodal": ClassifiesEachSense,
    "late-fusion": FusesFeatures,
    "time": ShowsTime,
    "localise": Localises,
}


def _claimed(subject: Subject) -> tuple[str, ...]:
    assert isinstance(subject.spec, ModelSpec)
    return subject.spec.capabilities


@promise("model")
def surfaces(subject: Subject) -> str:
    """Each surface that it claims consists of parameters of its own."""
    names = [name for name in _claimed(subject) if name in _SURFACES]
    if not names:
        raise NotApplicable("it claims no surface")
    model = made(subject)
    own = {id(parameter) for parameter in model.parameters()}
    sizes = []
    for name in names:
        try:
            found = model.parameters_for(name)  # type: ignore[arg-type]
        except CapabilityError as lack:
            raise Violation(f"it claims '{name}', but {lack}") from lack
        strange = [key for key, value in found.items() if id(value) not in own]
        require(found, f"'{name}' is empty")
        require(not strange, f"'{name}' has {strange[:3]}, no parameters of the model")
        sizes.append(f"{name} {sum(p.numel() for p in found.values())}")
    return ", ".join(sizes)


@promise("model")
def protocols(subject: Subject) -> None:
    """Each capability that it claims is one that avplug knows, with its methods."""
    known = {*_SURFACES, *_PROTOCOLS, "gradient"}
    model = made(subject)
    for name in _claimed(subject):
        require(
            name in known,
            f"'{name}' is no capability; there are {', '.join(sorted(known))}",
        )
        protocol = _PROTOCOLS.get(name)
        require(
            protocol is None or isinstance(model, protocol),
            f"it claims '{name}', but lacks a method of "
            f"avplug.core.model.{getattr(protocol, '__name__', '')}",
        )


@promise("model")
def encode_then_fuse(subject: Subject) -> None:
    """``fuse(encode(batch))`` equals ``classify(batch)``."""
    model: Model = made(subject)
    if "encode" not in _claimed(subject) or not isinstance(model, EncodesThenFuses):
        raise NotApplicable("it does not claim encode")
    batch = batch_for(model, subject.seed)
    with torch.no_grad():
        whole, parts = model.classify(batch), model.fuse(model.encode(batch))
    gap = float((whole - parts).abs().max())
    scale = max(1.0, float(whole.abs().max()))
    require(gap <= 1e-4 * scale, f"they differ by {gap:.3g}")


@promise("model")
def checkpoint(subject: Subject) -> None:
    """Its state and ``config`` make the same model again."""
    model = made(subject)
    try:
        json.dumps(model.config)
    except TypeError as error:
        raise Violation(f"config {model.config!r:.80} is no plain data") from error
    again: Model = subject.target(LABELS, **model.config).eval()
    odd = unlike(model, again)
    require(not odd, f"a model of config {model.config!r:.80} differs in {odd[:3]}")
    again.load_state_dict(model.state_dict())
    batch = batch_for(model, subject.seed)
    with torch.no_grad():
        answer = model.classify(batch)
        gap = float((answer - again.classify(batch)).abs().max())
    with left_to(subject, deterministic, pure):
        require(
            gap <= 1e-4 * max(1.0, float(answer.abs().max())),
            f"with the same state the answers differ by {gap:.3g}: what else is it?",
        )
