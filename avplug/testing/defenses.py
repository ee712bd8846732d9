"""Checks of a defence: a loss to train with, a wrapper that can be loaded again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from avplug.core.attack import Attack
from avplug.core.batch import Batch
from avplug.core.defense import Defense, Moment, Training, task_loss
from avplug.core.model import Model
from avplug.core.randomness import KeyedRandom
from avplug.testing.attacks import threat
from avplug.testing.checks import (
    Subject,
    global_seed,
    promise,
    quiet as stays_quiet,
    require,
)
from avplug.testing.toys import (
    CLASSES,
    batch,
    copy_of,
    flags_of,
    require_flags,
    same_batch,
    toy,
    truth,
    unlike,
)

_SIZE = 6


def _attack(name: str, options: Mapping[str, Any]) -> Attack:
    # Lazily: the registry loads plugins, which checks of a file do without.
    from avplug.core.registry import get_registry

    attack: Attack = get_registry().get("attack", name).load()(**options)
    return attack


def made(subject: Subject) -> tuple[Defense, Model]:
    """Return the defence and the toy that it wraps, ready for a training."""
    defense: Defense = subject.make()
    model = defense.wrap(toy(subject))
    clean = [(batch(subject.seed + i, _SIZE), truth(_SIZE)) for i in range(3)]
    training = Training(CLASSES, threat(), _attack, lambda: clean)
    defense.begin(model, training)
    return defense, model.train()


def _moment(subject: Subject, progress: float = 0.5) -> Moment:
    key = KeyedRandom((subject.seed, "check"))
    return Moment(progress, [key.stream(place) for place in range(_SIZE)])


def _loss(subject: Subject, inputs: Batch | None = None) -> torch.Tensor:
    defense, model = made(subject)
    inputs = inputs or batch(subject.seed, _SIZE)
    return defense.objective(model, inputs, truth(_SIZE), _moment(subject))


@promise("defense")
def objective(subject: Subject) -> str:
    """The training loss is one finite number whose gradient reaches the model."""
    defense, model = made(subject)
    loss = defense.objective(
        model, batch(subject.seed, _SIZE), truth(_SIZE), _moment(subject)
    )
    require(loss.shape == (), f"the loss has shape {list(loss.shape)}")
    require(loss.isfinite(), f"the loss is {loss.item()}")
    require(loss.requires_grad, "the loss carries no gradient")
    torch.autograd.backward(loss)
    reached = [
        name
        for name, p in model.named_parameters()
        if p.grad is not None and p.grad.any()
    ]
    require(reached, "its gradient reaches no parameter")
    return f"{float(loss.detach()):.3f}, {len(reached)} tensors reached"


@promise("defense")
def wrapped_model(subject: Subject) -> None:
    """``wrap`` returns a model of the same classes and input."""
    plain = toy(subject)
    model = subject.make().wrap(toy(subject))
    require(isinstance(model, Model), f"wrap returned {type(model).__name__}, no Model")
    require(model.labels == plain.labels, f"its labels are {model.labels}")
    require(model.input == plain.input, f"its input is {model.input}")
    with torch.no_grad():
        answer = model.eval().classify(batch(subject.seed, _SIZE))
    require(
        list(answer.shape) == [_SIZE, CLASSES], f"its logits are {list(answer.shape)}"
    )


@promise("defense")
def checkpoint(subject: Subject) -> None:
    """A new one wraps a model that takes the state of the trained one."""
    _, trained = made(subject)
    again = subject.make().wrap(toy(subject))
    odd = unlike(trained, again)
    require(not odd, f"the wrapped models differ in {', '.join(odd[:3])}")


@promise("defense")
def learns(subject: Subject) -> str:
    """Thirty steps down its loss bring the task's loss down."""
    defense, model = made(subject)
    inputs, labels = batch(subject.seed, _SIZE), truth(_SIZE)
    trained = [*model.parameters()]
    if defense.companion is not None:
        trained += [*defense.companion.parameters()]
    optimizer = torch.optim.SGD(trained, lr=0.02)
    losses = []
    for step in range(31):
        with torch.no_grad():
            losses.append(float(task_loss(model.classify(inputs), labels)))
        loss = defense.objective(
            model, inputs, labels, _moment(subject, progress=step / 31)
        )
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
    require(
        losses[-1] < losses[0],
        f"the task's loss went from {losses[0]:.3f} to {losses[-1]:.3f}",
    )
    return f"{losses[0]:.3f} to {losses[-1]:.3f}"


@promise("defense")
def training_mode(subject: Subject) -> None:
    """The model stays in training mode, with its gradient flags."""
    defense, model = made(subject)
    flags = flags_of(model)
    inputs = batch(subject.seed, _SIZE)
    defense.objective(model, inputs, truth(_SIZE), _moment(subject))
    require(model.training, "the objective left the model in eval mode")
    require_flags(model, flags)


@promise("defense")
def repeatable(subject: Subject) -> None:
    """The same clips, streams and seed of torch give the same loss."""
    losses = []
    for _ in range(2):
        with global_seed(1):
            losses.append(float(_loss(subject).detach()))
    require(losses[0] == losses[1], f"two losses of one seed: {losses[0]}, {losses[1]}")


@promise("defense")
def pure(subject: Subject) -> None:
    """The batch stays as it is."""
    source = batch(subject.seed, _SIZE)
    given = copy_of(source)
    _loss(subject, given)
    require(same_batch(source, given), "it wrote to the batch")


@promise("defense")
def account(subject: Subject) -> None:
    """It counts the passes that crafting takes: whole numbers that never fall."""
    defense, model = made(subject)
    counts = [(defense.forwards, defense.backwards)]
    for _ in range(2):
        inputs = batch(subject.seed, _SIZE)
        defense.objective(model, inputs, truth(_SIZE), _moment(subject))
        counts.append((defense.forwards, defense.backwards))
    plain = all(isinstance(n, int) and n >= 0 for pair in counts for n in pair)
    require(plain and counts == sorted(counts), f"it counted {counts}")


@promise("defense")
def quiet(subject: Subject) -> None:
    """It writes nothing to stdout."""
    stays_quiet(lambda: _loss(subject))
