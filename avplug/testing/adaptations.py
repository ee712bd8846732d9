"""Checks of an adaptation method: what it changes, what it takes back, what it sees."""

from __future__ import annotations

import torch

from avplug.core.adaptation import Adapter
from avplug.core.batch import Batch
from avplug.core.model import Model
from avplug.core.supervision import SupervisedAdapter
from avplug.testing.checks import (
    NotApplicable,
    Subject,
    global_seed,
    promise,
    quiet as stays_quiet,
    require,
)
from avplug.testing.toys import (
    CLASSES,
    batch,
    changed,
    copy_of,
    same_batch,
    state_of,
    stream,
    toy,
    what_comes,
)


def made(subject: Subject, model: Model | None = None) -> Adapter:
    """Return the method over the toy model, reset and told what comes."""
    adapter = bare(subject, model)
    adapter.reset()
    adapter.begin(what_comes(subject.seed))
    return adapter


def bare(subject: Subject, model: Model | None = None) -> Adapter:
    """Return the method over a toy model, as constructed."""
    adapter: Adapter = subject.make(model or toy(subject))
    return adapter


def taught(adapter: Adapter, inputs: Batch) -> torch.Tensor:
    """Return the logits of a step; of one with labels where the method wants them."""
    if isinstance(adapter, SupervisedAdapter):
        targets = torch.zeros(len(inputs), CLASSES, dtype=torch.bool)
        targets[:, 0] = True
        adapter.fit(inputs, targets)
    return adapter.step(inputs)


def answers(adapter: Adapter, seed: int) -> list[torch.Tensor]:
    """Return the logits of each batch of the toy's stream."""
    return [taught(adapter, inputs) for inputs in stream(seed)]


def _alike(first: list[torch.Tensor], second: list[torch.Tensor]) -> None:
    for place, (one, two) in enumerate(zip(first, second, strict=True)):
        gap = (one - two).abs().max().item()
        require(gap == 0, f"batch {place}: logits of the second pass differ by {gap:g}")


@promise("adaptation")
def logits(subject: Subject) -> None:
    """A step returns one finite float for each clip and class, free of gradients."""
    adapter = made(subject)
    for inputs in stream(subject.seed):
        answer = taught(adapter, inputs)
        expected = [len(inputs), CLASSES]
        require(
            isinstance(answer, torch.Tensor) and list(answer.shape) == expected,
            f"logits {list(getattr(answer, 'shape', ()))}; {expected} are needed",
        )
        require(answer.isfinite().all(), "a logit is not finite")
        require(not answer.requires_grad, "the logits keep the graph: detach them")


@promise("adaptation")
def reset_restores(subject: Subject) -> None:
    """``reset`` brings the source model back bit for bit."""
    model = toy(subject)
    before = state_of(model)
    adapter = made(subject, model)
    answers(adapter, subject.seed)
    adapter.reset()
    names = changed(model, before)
    require(not names, f"after reset {', '.join(names[:3])} differ from the source")


@promise("adaptation")
def reset_forgets(subject: Subject) -> None:
    """After ``reset`` the same stream gets the same answers again."""
    model = toy(subject)
    adapter = made(subject, model)
    source = state_of(model)
    passes = []
    for _ in range(2):
        passes.append(answers(adapter, subject.seed))
        adapter.reset()
        # What the method itself keeps is in question here, not the weights.
        model.load_state_dict(source)
    _alike(*passes)


@promise("adaptation")
def declared_parameters(subject: Subject) -> str:
    """Only the parameters of its surface change."""
    model = toy(subject)
    before = state_of(model)
    adapter = made(subject, model)
    answers(adapter, subject.seed)
    moved = changed(model, before)
    odd = sorted(set(moved) - set(adapter.parameters))
    require(not odd, f"{', '.join(odd[:3])} changed, outside {adapter.surface!r}")
    return f"{len(moved)} of {len(adapter.parameters)} tensors changed"


@promise("adaptation")
def repeatable(subject: Subject) -> None:
    """Two new ones answer alike, whatever global generators hold."""
    passes = []
    for number in (1, 2):
        with global_seed(number):
            passes.append(answers(made(subject), subject.seed))
    _alike(*passes)


@promise("adaptation")
def labels_unseen(subject: Subject) -> None:
    """Poisoned labels, where its caller keeps them, change nothing."""
    adapter = made(subject)
    if isinstance(adapter, SupervisedAdapter):
        raise NotApplicable("it learns from labelled clips by contract")
    last = []
    for poison in (0, CLASSES - 1):
        labels = targets = torch.full((6,), poison)
        adapter = made(subject)
        for inputs in stream(subject.seed):
            answer = adapter.step(inputs)
        last.append(answer)
        del labels, targets
    gap = (last[0] - last[1]).abs().max().item()
    require(gap == 0, f"logits differ by {gap:.3g} with the labels of the caller")


@promise("adaptation")
def one_clip(subject: Subject) -> None:
    """A batch of one clip is served."""
    adapter = made(subject)
    for inputs in stream(subject.seed, size=1):
        answer = taught(adapter, inputs.rows(torch.tensor([0])))
        require(len(answer) == 1 and answer.isfinite().all(), f"logits {answer}")


@promise("adaptation")
def broken_clip(subject: Subject) -> None:
    """A clip of NaN leaves the weights finite."""
    model = toy(subject)
    adapter = made(subject, model)
    spoilt = copy_of(batch(subject.seed))
    spoilt.waveform[2, 5] = float("nan")
    taught(adapter, spoilt)
    for name, value in model.state_dict().items():
        require(value.isfinite().all(), f"{name} is no longer finite")
    answer = taught(adapter, batch(subject.seed + 1))
    require(answer.isfinite().all(), "the next batch got logits that are not finite")


@promise("adaptation")
def pure(subject: Subject) -> None:
    """The batch stays as it is."""
    adapter = made(subject)
    source = batch(subject.seed)
    given = copy_of(source)
    taught(adapter, given)
    require(same_batch(source, given), "it wrote to the batch")


@promise("adaptation")
def quiet(subject: Subject) -> None:
    """It writes nothing to stdout."""
    stays_quiet(lambda: taught(made(subject), batch(subject.seed)))
