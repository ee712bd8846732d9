"""Checks of a model: shapes, repeatable answers, batches that mean nothing."""

from __future__ import annotations

from dataclasses import replace

import torch

from avplug.core.batch import Batch
from avplug.core.clip import InputSpec
from avplug.core.components import ModelSpec
from avplug.core.model import Model
from avplug.testing.checks import (
    NotApplicable,
    Subject,
    left_to,
    promise,
    quiet as stays_quiet,
    require,
)
from avplug.testing.surroundings import leaves_as_it_was
from avplug.testing.toys import (
    changed,
    copy_of,
    flags_of,
    require_flags,
    require_untouched,
    state_of,
)

#: In no order that a model could make of them.
LABELS = ("rain", "violin", "dog")


def made(subject: Subject, labels: tuple[str, ...] = LABELS) -> Model:
    """Return the model in eval mode: with its options, else in the size ``tiny``."""
    torch.manual_seed(subject.seed)
    return drawn(subject, labels)


def drawn(subject: Subject, labels: tuple[str, ...] = LABELS) -> Model:
    """Return the model as :func:`made`, of whatever the global generators hold."""
    spec = subject.spec
    assert isinstance(spec, ModelSpec)
    options = dict(subject.options) or dict(spec.variants.get("tiny", {}))
    model: Model = subject.target(labels, **options)
    return model.eval()


def batch_for(model: Model, seed: int, size: int = 3) -> Batch:
    """Return clips of what the model asks for: noise of both senses.

    Each is shorter than the one before: three quarters of it, then zeros.
    """
    wanted = model.input
    generator = torch.Generator().manual_seed(seed)
    count = 4 if wanted.frame_rule == "all" else len(wanted.picks)
    side = wanted.size or 64
    samples = wanted.samples or (wanted.sample_rate or 16_000)
    frames = torch.rand(size, count, 3, side, side, generator=generator)
    waveform = (0.1 * torch.randn(size, samples, generator=generator)).clamp(-1, 1)
    lengths = (samples * 0.75 ** torch.arange(size)).long()
    waveform[torch.arange(samples) >= lengths[:, None]] = 0
    return Batch(frames, waveform, lengths)


def classified(model: Model, batch: Batch) -> torch.Tensor:
    """Return the logits of a batch, without gradients."""
    with torch.no_grad():
        return model.classify(batch)


@promise("model")
def input(subject: Subject) -> str:
    """It says by an ``InputSpec`` what to sample of a clip."""
    wanted = getattr(made(subject), "input", None)
    require(isinstance(wanted, InputSpec), f"its input is {wanted!r}, no InputSpec")
    assert isinstance(wanted, InputSpec)
    return f"{len(wanted.picks)} frames of {wanted.size}, {wanted.seconds:g} s"


@promise("model")
def logits(subject: Subject) -> None:
    """It returns one finite float for each clip and each of its labels."""
    model = made(subject)
    # One that comes with its weights may have classes of its own.
    own = type(model).pretrained and {*model.labels} != {*LABELS}
    require(
        model.labels == LABELS or own,
        f"it was given the labels {LABELS} and has {model.labels!r:.80}",
    )
    for size in (1, 3):
        answer = classified(model, batch_for(model, subject.seed, size))
        expected = [size, len(model.labels)]
        require(
            isinstance(answer, torch.Tensor) and list(answer.shape) == expected,
            f"logits {list(getattr(answer, 'shape', ()))} for {size} clips of "
            f"{len(model.labels)} classes; {expected} are needed",
        )
        require(answer.is_floating_point(), f"logits are {answer.dtype}")
        require(answer.isfinite().all(), "a logit is not finite")


@promise("model")
def deterministic(subject: Subject) -> None:
    """In eval mode the same batch gets the same answer."""
    model = made(subject)
    source = batch_for(model, subject.seed)
    one, two = classified(model, source), classified(model, source)
    gap = float((one - two).abs().max())
    with left_to(subject, pure):
        require(
            gap == 0, f"two answers to one batch differ by {gap:.3g}: dropout left on?"
        )


@promise("model")
def frozen_in_eval(subject: Subject) -> None:
    """In eval mode an answer changes no parameter, no buffer and no mode."""
    model = made(subject)
    before, flags, saved = state_of(model), flags_of(model), model.state_dict()
    classified(model, batch_for(model, subject.seed))
    names = [name for name in changed(model, before) if name in saved]
    # What is not saved may be filled in by the first answer, as a cache is.
    filled = state_of(model)
    classified(model, batch_for(model, subject.seed + 1))
    names += changed(model, filled)
    require(not names, f"answering changed {', '.join(names[:3])}")
    loud = [name or "the model" for name, m in model.named_modules() if m.training]
    require(not loud, f"answering put {', '.join(loud[:3])} into training mode")
    require_flags(model, flags)


@promise("model")
def batch_invariance(subject: Subject) -> str:
    """The answer to a clip does not depend on the clips beside it."""
    model = made(subject)
    source = batch_for(model, subject.seed)
    whole = classified(model, source)
    alone = torch.cat(
        [classified(model, source.rows(torch.tensor([i]))) for i in range(3)]
    )
    gap = float((whole - alone).abs().max())
    scale = max(1.0, float(whole.abs().max()))
    with left_to(subject, logits, deterministic, pure):
        require(
            gap <= 1e-3 * scale,
            f"logits of up to {scale:.3g} move by {gap:.3g} with the batch",
        )
    return f"largest difference {gap:.1e}"


@promise("model")
def pure(subject: Subject) -> None:
    """The batch stays as it is."""
    model = made(subject)
    source = batch_for(model, subject.seed)
    given = copy_of(source)
    classified(model, given)
    require_untouched(source, given)


@promise("model")
def silence(subject: Subject) -> None:
    """A silent, a black and an empty clip get finite answers."""
    model = made(subject)
    source = batch_for(model, subject.seed)
    nothing = torch.zeros_like
    black, silent = nothing(source.frames), nothing(source.waveform)
    for label, frames, waveform, lengths in (
        ("silence", source.frames, silent, source.lengths),
        ("a black picture", black, source.waveform, source.lengths),
        ("nothing at all", black, silent, source.lengths),
        ("no sample of sound", source.frames, silent, nothing(source.lengths)),
    ):
        answer = classified(model, Batch(frames, waveform, lengths))
        require(answer.isfinite().all(), f"{label}: a logit is not finite")


@promise("model")
def gradient(subject: Subject) -> str:
    """Where it claims ``gradient``, one reaches each sense that its answer needs."""
    spec = subject.spec
    assert isinstance(spec, ModelSpec)
    if "gradient" not in spec.capabilities:
        raise NotApplicable("it does not claim gradient")
    model = made(subject)
    source = batch_for(model, subject.seed)
    frames, waveform = (
        tensor.requires_grad_() for tensor in (source.frames, source.waveform)
    )
    with left_to(subject, surroundings):
        answer = model.classify(Batch(frames, waveform, source.lengths))
        require(answer.requires_grad, "the logits carry no gradient at all")
        weights = torch.arange(1.0, 1 + answer.shape[1])
        torch.autograd.backward((answer * weights).sum())
    idle = unused(model, source, subject.seed)
    sizes = []
    for name, tensor in (("frames", frames), ("waveform", waveform)):
        size = 0.0 if tensor.grad is None else float(tensor.grad.abs().max())
        reached = size > 0 or name in idle
        require(
            reached and size < float("inf"), f"the gradient of the {name} is {size:g}"
        )
        sizes.append(f"{name} {'unused' if name in idle else f'{size:.2g}'}")
    return ", ".join(sizes)


def unused(model: Model, source: Batch, seed: int) -> set[str]:
    """Return the senses whose content does not matter to the answer."""
    other = batch_for(model, seed + 1)
    answer = classified(model, source)
    changed_batches = {
        "frames": replace(source, frames=other.frames),
        "waveform": replace(source, waveform=other.waveform),
    }
    return {
        name
        for name, batch in changed_batches.items()
        if torch.equal(answer, classified(model, batch))
    }


@promise("model")
def quiet(subject: Subject) -> None:
    """It writes nothing to stdout."""

    def use() -> None:
        model = made(subject)
        classified(model, batch_for(model, subject.seed))

    stays_quiet(use)


@promise("model")
def surroundings(subject: Subject) -> None:
    """It leaves the process as it was: folder, environment, generators, settings."""

    def use() -> None:
        model = drawn(subject)
        # With gradients: without, torch would put its grad mode right again.
        model.classify(batch_for(model, subject.seed))

    leaves_as_it_was(use)
