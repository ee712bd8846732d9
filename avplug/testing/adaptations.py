"""Checks of an adaptation method: what it changes, what it takes back, what it sees."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from numpy.typing import NDArray

from avplug.core.adaptation import Adapter
from avplug.core.batch import Batch
from avplug.core.model import Model
from avplug.core.supervision import SupervisedAdapter
from avplug.testing.checks import (
    NotApplicable,
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
    changed,
    copy_of,
    require_untouched,
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
        require(answer.is_floating_point(), f"logits are {answer.dtype}")
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
    with left_to(subject, repeatable, source_again):
        _alike(*passes)


@promise("adaptation")
def source_again(subject: Subject) -> None:
    """After ``reset`` the model answers as the source does, with no hook left."""
    model, inputs = toy(subject), batch(subject.seed + 7)
    with torch.no_grad():
        source = model.classify(inputs)
    adapter = made(subject, model)
    answers(adapter, subject.seed)
    adapter.reset()
    with torch.no_grad():
        gap = float((model.classify(inputs) - source).abs().max())
    with left_to(subject, reset_restores):
        require(gap == 0, f"the model's own answers are {gap:.3g} off the source's")


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
    with left_to(subject, repeatable):
        require(gap == 0, f"logits differ by {gap:.3g} with the labels of the caller")


@promise("adaptation")
def one_clip(subject: Subject) -> None:
    """A batch of one clip is served."""
    adapter = made(subject)
    for inputs in stream(subject.seed, size=1):
        answer = taught(adapter, inputs.rows(torch.tensor([0])))
        require(len(answer) == 1 and answer.isfinite().all(), f"logits {answer}")


@promise("adaptation")
def last_batch(subject: Subject) -> None:
    """A stream whose last batch is smaller is served to its end."""
    adapter = made(subject)
    *whole, last = stream(subject.seed)
    for inputs in whole:
        taught(adapter, inputs)
    with left_to(subject, one_clip):
        with trying("a last batch of two clips after six each"):
            answer = taught(adapter, last.rows(torch.arange(2)))
        expected = [2, CLASSES]
        require(
            list(answer.shape) == expected and answer.isfinite().all(),
            f"a last batch of two clips after six each got {answer}",
        )


@promise("adaptation")
def broken_clip(subject: Subject) -> None:
    """A clip of NaN, or of infinite values, leaves the weights finite."""
    for sense, value in (("waveform", "nan"), ("frames", "nan"), ("waveform", "inf")):
        model = toy(subject)
        adapter = made(subject, model)
        spoilt = copy_of(batch(subject.seed))
        getattr(spoilt, sense)[2].view(-1)[5] = float(value)
        what = f"a clip with {value} in its {sense}"
        with trying(what):
            taught(adapter, spoilt)
        odd = [n for n, v in model.state_dict().items() if not v.isfinite().all()]
        require(not odd, f"{what}: {', '.join(odd[:3])} are no longer finite")
        answer = taught(adapter, batch(subject.seed + 1))
        require(answer.isfinite().all(), f"{what}: the next batch got {answer}")


@promise("adaptation")
def pure(subject: Subject) -> None:
    """The batch stays as it is."""
    adapter = made(subject)
    source = batch(subject.seed)
    given = copy_of(source)
    taught(adapter, given)
    require_untouched(source, given)


def logits_of_the_stream(subject: Subject) -> Mapping[str, NDArray[Any]]:
    """Return the logits of each batch of the toy's stream."""
    found = answers(made(subject), subject.seed)
    return {
        f"logits of batch {place}": answer.float().detach().numpy()
        for place, answer in enumerate(found)
    }


@promise("adaptation")
def elsewhere(subject: Subject) -> None:
    """Made anew in another process, of another hash seed, it answers alike."""
    with left_to(subject, repeatable):
        same_elsewhere(subject, logits_of_the_stream, slack=1e-3)


@promise("adaptation")
def surroundings(subject: Subject) -> None:
    """It leaves the process as it was: folder, environment, generators, settings."""
    leaves_as_it_was(lambda: logits_of_the_stream(subject))


@promise("adaptation")
def quiet(subject: Subject) -> None:
    """It writes nothing to stdout."""
    stays_quiet(lambda: taught(made(subject), batch(subject.seed)))
