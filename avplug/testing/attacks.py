"""Checks of an attack: blind to other clips, repeatable, the model left as it was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from numpy.typing import NDArray
from torch.nn import functional as F

from avplug.core.attack import Attack, Attacked, Budget, ThreatModel
from avplug.core.batch import Batch
from avplug.core.components import AttackSpec
from avplug.core.errors import CapabilityError
from avplug.core.model import Model
from avplug.core.randomness import KeyedRandom
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
    flags_of,
    require_flags,
    require_untouched,
    same_batch,
    state_of,
    toy,
    truth,
)

#: Clips of the batch that is attacked.
SIZE = 5


def threat(norm: str = "linf", scale: float = 1.0) -> ThreatModel:
    """Return a budget for each sense of the toy's clips."""
    epsilons = {"linf": (0.03, 0.02), "l2": (0.5, 0.2)}[norm]
    return ThreatModel(
        Budget(norm, scale * epsilons[0], (0.0, 1.0), "pixel"),  # type: ignore[arg-type]
        Budget(norm, scale * epsilons[1], (-1.0, 1.0), "amplitude"),  # type: ignore[arg-type]
    )


def attacked(
    subject: Subject,
    limits: ThreatModel | None = None,
    *,
    model: Model | None = None,
    source: Batch | None = None,
    labels: torch.Tensor | None = None,
    keys: Sequence[int] = range(SIZE),
    attack: Attack | None = None,
) -> Attacked:
    """Return what the attack makes of a batch of toy clips."""
    limits = limits or threat()
    model = model or toy(subject)
    source = source or batch(subject.seed, SIZE)
    attack = attack or ready(subject, model, limits)
    random = KeyedRandom((subject.seed, "check"))
    randoms = [random.stream(key) for key in keys]
    labels = truth(SIZE) if labels is None else labels
    return attack.perturb(model, source, labels, limits, randoms)


def ready(subject: Subject, model: Model, limits: ThreatModel) -> Attack:
    """Return the attack, fitted to other clips if it has to be."""
    attack: Attack = subject.make()
    if attack.fitted:
        seen = [(batch(subject.seed + 50, SIZE), truth(SIZE))]
        attack.fit(model, seen, limits, KeyedRandom((subject.seed, "check", "fit")))
    return attack


@promise("attack")
def shape(subject: Subject) -> None:
    """The batch keeps its shapes, dtypes and lengths."""
    source = batch(subject.seed, SIZE)
    after = attacked(subject, source=copy_of(source)).batch
    for name in ("frames", "waveform", "lengths"):
        one, two = getattr(source, name), getattr(after, name)
        require(
            one.shape == two.shape and one.dtype == two.dtype,
            f"{name}: {one.dtype} {list(one.shape)} became {two.dtype} "
            f"{list(two.shape)}",
        )
    require(torch.equal(source.lengths, after.lengths), "lengths changed")


@promise("attack")
def no_graph(subject: Subject) -> None:
    """What it returns carries no gradients: the batch, the history, the flags."""
    result = attacked(subject)
    for name, value in (
        ("frames", result.batch.frames),
        ("waveform", result.batch.waveform),
        ("history", result.history),
    ):
        require(not value.requires_grad, f"the {name} keep the graph: detach them")


@promise("attack")
def model_untouched(subject: Subject) -> None:
    """Weights, modes, gradient flags and gradients of the model stay."""
    model = toy(subject)
    model.head.weight.requires_grad_(False)
    before = state_of(model)
    flags = flags_of(model)
    attacked(subject, model=model)
    names = changed(model, before)
    require(not names, f"it changed {', '.join(names[:3])}")
    loud = [name or "the model" for name, m in model.named_modules() if m.training]
    require(not loud, f"{', '.join(loud[:3])} is in training mode now")
    require_flags(model, flags)
    left = [name for name, p in model.named_parameters() if p.grad is not None]
    require(not left, f"{', '.join(left[:3])} keep gradients")
    inputs = batch(subject.seed, SIZE)
    with torch.no_grad():
        gap = float(
            (model.classify(inputs) - toy(subject).classify(inputs)).abs().max()
        )
    require(gap == 0, f"the model's answers moved by {gap:.3g}: is a hook left?")


@promise("attack")
def batch_mates(subject: Subject) -> None:
    """What becomes of a clip does not depend on the clips beside it."""
    _not_dependent(subject)
    source = batch(subject.seed, SIZE)
    other = batch(subject.seed + 1, SIZE)
    mixed = Batch(
        torch.cat([source.frames[:1], other.frames[1:]]),
        torch.cat([source.waveform[:1], other.waveform[1:]]),
        torch.cat([source.lengths[:1], other.lengths[1:]]),
    )
    one, two = (attacked(subject, source=each).batch for each in (source, mixed))
    with left_to(subject, repeatable):
        _same_first_clip(one, two, "with other clips beside it")


@promise("attack")
def place_in_the_batch(subject: Subject) -> None:
    """What becomes of a clip does not depend on its place: its own stream counts."""
    _not_dependent(subject)
    order = torch.arange(SIZE - 1, -1, -1)
    source, labels = batch(subject.seed, SIZE), truth(SIZE)
    one = attacked(subject, source=source).batch
    two = attacked(
        subject,
        source=source.rows(order),
        labels=labels[order],
        keys=order.tolist(),
    ).batch.rows(order)
    with left_to(subject, repeatable):
        for name in ("frames", "waveform"):
            clean, first, second = (
                getattr(each, name).detach() for each in (source, one, two)
            )
            gap = float((first - second).abs().mean())
            # Rounding differs by place, and a slope of nearly nought has any sign.
            most = 0.1 * float((first - clean).abs().mean())
            require(
                gap <= most,
                f"{name} differ by {gap:.3g} on average in a batch the other way round",
            )


@promise("attack")
def labels_of_others(subject: Subject) -> None:
    """What becomes of a clip does not depend on the labels of others."""
    _not_dependent(subject)
    other = truth(SIZE).clone()
    other[1:] = (other[1:] + 1) % CLASSES
    one, two = (attacked(subject, labels=each).batch for each in (truth(SIZE), other))
    with left_to(subject, repeatable):
        _same_first_clip(one, two, "with other labels beside it")


def _not_dependent(subject: Subject) -> None:
    if getattr(subject.target, "batch_dependent", False):
        raise NotApplicable("it says that it depends on the batch")


def _same_first_clip(one: Batch, two: Batch, when: str) -> None:
    for name in ("frames", "waveform"):
        moved = (getattr(one, name)[0] - getattr(two, name)[0]).detach()
        gap = float(moved.abs().max())
        require(gap < 1e-5, f"{name} of the first clip differ by {gap:.3g} {when}")


@promise("attack")
def repeatable(subject: Subject) -> None:
    """The same clips and streams give the same, whatever global generators hold."""
    outcomes = []
    for number in (1, 2):
        with global_seed(number):
            outcomes.append(attacked(subject).batch)
    require(same_batch(*outcomes), "two runs of one seed differ: draw from randoms")


@promise("attack")
def stateless(subject: Subject) -> None:
    """What it did to other batches changes nothing."""
    attack = ready(subject, toy(subject), threat())
    first, _, second = (
        attacked(subject, attack=attack, source=batch(seed, SIZE)).batch
        for seed in (subject.seed, subject.seed + 1, subject.seed)
    )
    with left_to(subject, repeatable):
        for name in ("frames", "waveform"):
            moved = (getattr(first, name) - getattr(second, name)).detach()
            gap = float(moved.abs().max())
            require(gap == 0, f"{name} differ by {gap:.3g} after another batch")


@promise("attack")
def several_labels(subject: Subject) -> None:
    """Clips of several classes, labels bool [B, C], are attacked, or it says why."""
    labels = torch.zeros(SIZE, CLASSES, dtype=torch.bool)
    labels[torch.arange(SIZE), truth(SIZE)] = True
    labels[:, 1] = True
    try:
        with trying(f"labels bool {list(labels.shape)}"):
            after = attacked(subject, labels=labels).batch
    except CapabilityError as reason:
        raise NotApplicable(str(reason)) from reason
    for name in ("frames", "waveform"):
        require(getattr(after, name).isfinite().all(), f"{name} are not finite")


@promise("attack")
def pure(subject: Subject) -> None:
    """The clean batch and the labels stay as they are."""
    source = batch(subject.seed, SIZE)
    given, labels = copy_of(source), truth(SIZE)
    attacked(subject, source=given, labels=labels)
    require_untouched(source, given)
    require(torch.equal(labels, truth(SIZE)), "it wrote to the labels")


@promise("attack")
def hurts(subject: Subject) -> str:
    """Where it follows the gradient, the mean loss of the toy grows."""
    spec = subject.spec
    assert isinstance(spec, AttackSpec)
    if "gradient" not in spec.needs:
        raise NotApplicable("it does not ask for gradients")
    if getattr(subject.target, "fitted", False):
        raise NotApplicable("what it learnt from other clips need not hurt these")
    model, source, labels = toy(subject), batch(subject.seed, SIZE), truth(SIZE)
    after = attacked(subject, source=copy_of(source)).batch
    with left_to(subject, shape), torch.no_grad():
        losses = [
            float(F.cross_entropy(model.classify(each), labels))
            for each in (source, after)
        ]
    require(
        losses[1] > losses[0], f"the loss went from {losses[0]:.4f} to {losses[1]:.4f}"
    )
    return f"loss {losses[0]:.3f} to {losses[1]:.3f}"


@promise("attack")
def account(subject: Subject) -> None:
    """It counts its passes, and tells losses and flat clips one by one."""
    result = attacked(subject)
    counts = result.forwards, result.backwards
    require(all(isinstance(n, int) and n >= 0 for n in counts), f"it counted {counts}")
    spec = subject.spec
    assert isinstance(spec, AttackSpec)
    if "gradient" in spec.needs and not getattr(subject.target, "fitted", False):
        require(min(counts) > 0, f"it follows the gradient, and counted {counts}")
    require(
        result.history.ndim == 2 and result.history.shape[1] == SIZE,
        f"history is {list(result.history.shape)}; [steps, {SIZE}] is needed",
    )
    require(
        result.flat.shape == (SIZE,) and result.flat.dtype == torch.bool,
        f"flat is {result.flat.dtype} {list(result.flat.shape)}",
    )


@promise("attack")
def quiet(subject: Subject) -> None:
    """It writes nothing to stdout."""
    stays_quiet(lambda: attacked(subject))


def perturbed(subject: Subject) -> Mapping[str, NDArray[Any]]:
    """Return what the attack adds to frames and waveform."""
    source = batch(subject.seed, SIZE)
    after = attacked(subject, source=copy_of(source)).batch
    return {
        name: (getattr(after, name) - getattr(source, name)).detach().numpy()
        for name in ("frames", "waveform")
    }


@promise("attack")
def elsewhere(subject: Subject) -> None:
    """Made anew in another process, of another hash seed, it does the same."""
    with left_to(subject, repeatable, shape):
        same_elsewhere(subject, perturbed, slack=0.1)


@promise("attack")
def surroundings(subject: Subject) -> None:
    """It leaves the process as it was: folder, environment, generators, settings."""
    leaves_as_it_was(lambda: attacked(subject))
