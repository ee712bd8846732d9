"""Checks of an adaptation method: what it declares of itself is true."""

from __future__ import annotations

import json

import torch

from avplug.core.adaptation import Adapter
from avplug.core.components import AdaptationSpec
from avplug.core.errors import CapabilityError, UnknownNameError
from avplug.core.supervision import SupervisedAdapter
from avplug.testing.adaptations import bare, made, repeatable, taught
from avplug.testing.checks import (
    NotApplicable,
    Subject,
    Violation,
    left_to,
    promise,
    require,
)
from avplug.testing.toys import BareModel, batch, stream, toy, what_comes


@promise("adaptation")
def refuses_a_bare_model(subject: Subject) -> None:
    """A model without its surface is refused with a ``CapabilityError``."""
    if bare(subject).surface is None:
        raise NotApplicable("it changes no parameters of the model")
    try:
        bare(subject, BareModel())
    except CapabilityError:
        return
    raise Violation("it took a model that offers no parameters")


@promise("adaptation")
def eval_mode(subject: Subject) -> None:
    """The model stays in eval mode, and nothing but its surface asks for gradients."""
    model = toy(subject).train()
    adapter = made(subject, model)
    taught(adapter, batch(subject.seed))
    loud = [name for name, module in model.named_modules() if module.training]
    require(not loud, f"{loud[0] or 'the model' if loud else ''} is in training mode")
    asking = {name for name, p in model.named_parameters() if p.requires_grad}
    odd = sorted(asking - set(adapter.parameters))
    require(not odd, f"{', '.join(odd[:3])} ask for gradients")


@promise("adaptation")
def predicts(subject: Subject) -> None:
    """Answers are of before or after the update, as ``predicts`` says."""
    adapter = made(subject)
    if isinstance(adapter, SupervisedAdapter):
        raise NotApplicable("it answers by a step of its own")
    require(adapter.predicts in ("pre", "post"), f"predicts is {adapter.predicts!r}")
    if not adapter.parameters:
        # Such as one that corrects the logits by what it has seen.
        raise NotApplicable("it updates no parameter: there is no before and after")
    inputs = batch(subject.seed)
    answer = adapter.step(inputs)
    judge = toy(subject) if adapter.predicts == "pre" else adapter.model
    with torch.no_grad():
        expected = judge.classify(inputs)
    gap = (answer - expected).abs().max().item()
    when = "before" if adapter.predicts == "pre" else "after"
    require(
        gap < 1e-4,
        f"predicts is '{adapter.predicts}', but the first logits are {gap:.3g} off "
        f"those of {when} the update",
    )


@promise("adaptation")
def stateful(subject: Subject) -> None:
    """Where it says that it is not stateful, no clip depends on another."""
    spec, kind = subject.spec, subject.target
    assert isinstance(spec, AdaptationSpec)
    own = getattr(kind, "stateful", None)
    require(
        spec.stateful == own, f"the descriptor says {spec.stateful}, the class {own}"
    )
    if spec.stateful:
        raise NotApplicable("it says that it is stateful")
    adapter = made(subject)
    first = batch(subject.seed)
    fresh = taught(adapter, first)
    for inputs in stream(subject.seed + 1):
        taught(adapter, inputs)
    alone = [taught(adapter, first.rows(torch.tensor([i]))) for i in range(len(first))]
    gap = (fresh - torch.cat(alone)).abs().max().item()
    with left_to(subject, repeatable):
        require(gap < 1e-4, f"logits move by {gap:.3g} with the clips around")


@promise("adaptation")
def settings(subject: Subject) -> str:
    """Every option has a plain default; one that it lacks is refused."""
    kind = subject.target
    assert isinstance(kind, type)
    assert issubclass(kind, Adapter)
    defaults = kind.settings(subject.options)
    try:
        json.dumps(defaults)
    except TypeError as error:
        raise Violation(f"settings {defaults!r:.80} are no plain data") from error
    adapter = kind(toy(subject), **defaults)
    adapter.begin(what_comes(subject.seed))
    try:
        kind.settings({"no such option": 1})
    except UnknownNameError:
        return ", ".join(f"{name}={value}" for name, value in defaults.items())
    raise Violation("it takes an option that it does not have")
