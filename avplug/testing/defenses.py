"""Checks of a defence: a loss to train with, a wrapper that can be loaded again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from numpy.typing import NDArray

from avplug.core.attack import Attack
from avplug.core.defense import Defense, Moment, Training, task_loss
from avplug.core.model import Model
from avplug.core.randomness import KeyedRandom
from avplug.testing.attacks import threat
from avplug.testing.checks import (
    Subject,
    global_seed,
    left_to,
    promise,
    quiet as stays_quiet,
    require,
    trying,
)
from avplug.testing.elsewhere import same_elsewhere
from avplug.testing.surroundings import leaves_as_it_was
from avplug.testing.toys import (
    CLASSES,
    batch,
    copy_of,
    flags_of,
    require_flags,
    require_untouched,
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


def made(subject: Subject, labels: torch.Tensor | None = None) -> tuple[Defense, Model]:
    """Return the defence and the toy that it wraps, ready for a training."""
    defense: Defense = subject.make()
    model = defense.wrap(toy(subject))
    labels = truth(_SIZE) if labels is None else labels
    clean = [(batch(subject.seed + i, _SIZE), labels.clone()) for i in range(3)]
    training = Training(CLASSES, threat(), _attack, lambda: clean)
    defense.begin(model, training)
    return defense, model.train()


def _moment(subject: Subject, progress: float = 0.5) -> Moment:
    key = KeyedRandom((subject.seed, "check"))
    return Moment(progress, [key.stream(place) for place in range(_SIZE)])


def _loss(subject: Subject) -> torch.Tensor:
    defense, model = made(subject)
    inputs = batch(subject.seed, _SIZE)
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
    with left_to(subject, pure):
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
    """A new one wraps a model that takes the state of the trained one, and is it."""
    defense, trained = made(subject)
    again = subject.make().wrap(toy(subject))
    odd = unlike(trained, again)
    require(not odd, f"the wrapped models differ in {', '.join(odd[:3])}")
    inputs, labels = batch(subject.seed, _SIZE), truth(_SIZE)
    defense.objective(trained, inputs, labels, _moment(subject))
    again.load_state_dict(trained.state_dict())
    with global_seed(1), torch.no_grad():
        one = trained.eval().classify(inputs)
    with global_seed(1), torch.no_grad():
        two = again.eval().classify(inputs)
    gap = float((one - two).abs().max())
    require(
        gap <= 1e-4 * max(1.0, float(one.abs().max())),
        f"with the same state the answers differ by {gap:.3g}: keep in buffers what "
        "the training fills in",
    )


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
        with left_to(subject, pure):
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
    deaf = [name or "the model" for name, m in model.named_modules() if not m.training]
    require(not deaf, f"the objective left {', '.join(deaf[:3])} in eval mode")
    require_flags(model, flags)


@promise("defense")
def gradients(subject: Subject) -> None:
    """The objective adds to no gradient: its caller alone goes backwards."""
    defense, model = made(subject)
    inputs = batch(subject.seed, _SIZE)
    defense.objective(model, inputs, truth(_SIZE), _moment(subject))
    left = [name for name, p in model.named_parameters() if p.grad is not None]
    require(not left, f"{', '.join(left[:3])} hold gradients: use torch.autograd.grad")


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
    """The batch and the labels stay as they are."""
    defense, model = made(subject)
    source, labels = batch(subject.seed, _SIZE), truth(_SIZE)
    given = copy_of(source)
    defense.objective(model, given, labels, _moment(subject))
    require_untouched(source, given)
    count = int((labels != truth(_SIZE)).sum())
    require(not count, f"it wrote to {count} of {_SIZE} labels")


@promise("defense")
def several_labels(subject: Subject) -> None:
    """Clips of several classes, labels bool [B, C], have a loss, or it says why not."""
    labels = torch.zeros(_SIZE, CLASSES, dtype=torch.bool)
    labels[torch.arange(_SIZE), truth(_SIZE)] = True
    labels[:, 1] = True
    inputs = batch(subject.seed, _SIZE)
    with left_to(subject, objective):
        with trying(f"labels bool {list(labels.shape)}"):
            defense, model = made(subject, labels)
            loss = defense.objective(model, inputs, labels, _moment(subject))
        told = f"the loss is {loss.detach().tolist()}"
        require(loss.shape == () and loss.isfinite(), told)


def loss_of_a_batch(subject: Subject) -> Mapping[str, NDArray[Any]]:
    """Return the training loss, under one seed of the global generators."""
    with global_seed(1):
        return {"the loss": _loss(subject).detach().float().numpy()}


@promise("defense")
def elsewhere(subject: Subject) -> None:
    """Made anew in another process, of another hash seed, it has the same loss."""
    with left_to(subject, repeatable):
        same_elsewhere(subject, loss_of_a_batch, slack=1e-3)


@promise("defense")
def surroundings(subject: Subject) -> None:
    """It leaves the process as it was: folder, environment, generators, settings."""
    leaves_as_it_was(lambda: _loss(subject))


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
