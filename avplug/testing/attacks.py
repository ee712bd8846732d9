"""Checks of an attack: inside its budget, blind to other clips, the model untouched."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch.nn import functional as F

from avplug.core.attack import Attack, Attacked, Budget, ThreatModel
from avplug.core.batch import Batch
from avplug.core.components import AttackSpec
from avplug.core.errors import CapabilityError, UsageError
from avplug.core.model import Model
from avplug.core.randomness import KeyedRandom
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
    flags_of,
    require_flags,
    same_batch,
    state_of,
    toy,
    truth,
)

_SIZE = 5
#: Slack for rounding, as a share of epsilon.
_ROUNDING = 1e-3


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
    keys: Sequence[int] = range(_SIZE),
) -> Attacked:
    """Return what the attack makes of a batch of toy clips."""
    limits = limits or threat()
    model = model or toy(subject)
    source = source or batch(subject.seed, _SIZE)
    attack: Attack = subject.make()
    random = KeyedRandom((subject.seed, "check"))
    if attack.fitted:
        seen = [(batch(subject.seed + 50, _SIZE), truth(_SIZE))]
        attack.fit(model, seen, limits, random.stream("fit"))
    randoms = [random.stream(key) for key in keys]
    labels = truth(_SIZE) if labels is None else labels
    return attack.perturb(model, source, labels, limits, randoms)


def _shifts(before: Batch, after: Batch) -> dict[str, torch.Tensor]:
    return {
        "video": (after.frames - before.frames).flatten(1),
        "audio": (after.waveform - before.waveform).flatten(1),
    }


@promise("attack")
def inside_the_ball(subject: Subject) -> str:
    """Each perturbation has a norm of at most epsilon, linf and l2, in each sense."""
    if getattr(subject.target, "leaves_budget", False):
        raise NotApplicable("it says that it leaves its budget")
    source = batch(subject.seed, _SIZE)
    told, held = [], 0
    for norm in ("linf", "l2"):
        limits = threat(norm)
        try:
            after = attacked(subject, limits, source=copy_of(source)).batch
        except (CapabilityError, UsageError) as reason:
            told.append(f"{norm}: {reason}")
            continue
        held += 1
        for name, shift in _shifts(source, after).items():
            budget: Budget = getattr(limits, name)
            sizes = shift.abs().amax(1) if norm == "linf" else shift.norm(dim=1)
            share = float(sizes.max()) / budget.epsilon
            require(
                share <= 1 + _ROUNDING,
                f"{norm} of {name} is {share:.4f} of epsilon {budget.epsilon}",
            )
            told.append(f"{norm} {name} {share:.2f}")
    if not held:
        raise NotApplicable(", ".join(told))
    return "shares of epsilon: " + ", ".join(told)


@promise("attack")
def inside_the_bounds(subject: Subject) -> None:
    """Pixels stay in 0..1 and samples in -1..1, with a large budget, too."""
    limits = threat(scale=20)
    after = attacked(subject, limits).batch
    for name, values, budget in (
        ("pixels", after.frames, limits.video),
        ("samples", after.waveform, limits.audio),
    ):
        assert budget is not None
        low, high = float(values.min()), float(values.max())
        require(
            low >= budget.bounds[0] and high <= budget.bounds[1],
            f"{name} go from {low:.3f} to {high:.3f}; allowed are {budget.bounds}",
        )


@promise("attack")
def shape(subject: Subject) -> None:
    """The batch keeps its shapes, dtypes and lengths."""
    source = batch(subject.seed, _SIZE)
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
def one_sense(subject: Subject) -> None:
    """A sense without a budget is left alone, bit for bit."""
    source = batch(subject.seed, _SIZE)
    for sense, kept in (("a", "frames"), ("v", "waveform")):
        after = attacked(subject, threat().only(sense), source=copy_of(source)).batch
        require(
            torch.equal(getattr(source, kept), getattr(after, kept)),
            f"a threat to '{sense}' alone changed the {kept}",
        )


@promise("attack")
def no_budget(subject: Subject) -> None:
    """With an epsilon of nought the clips come back as they are."""
    source = batch(subject.seed, _SIZE)
    after = attacked(subject, threat(scale=0), source=copy_of(source)).batch
    require(same_batch(source, after), "clips changed though epsilon is 0")


@promise("attack")
def padding(subject: Subject) -> None:
    """Behind the end of a clip the waveform stays zero."""
    source = batch(subject.seed, _SIZE)
    after = attacked(subject, source=copy_of(source)).batch
    places = torch.arange(source.waveform.shape[1])
    behind = after.waveform[places >= source.lengths[:, None]]
    count = int((behind != 0).sum())
    require(not count, f"{count} of {behind.numel()} padded samples were changed")


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
    require(not model.training, "the model is in training mode now")
    require_flags(model, flags)
    left = [name for name, p in model.named_parameters() if p.grad is not None]
    require(not left, f"{', '.join(left[:3])} keep gradients")


@promise("attack")
def batch_mates(subject: Subject) -> None:
    """What becomes of a clip does not depend on the clips beside it."""
    _not_dependent(subject)
    source = batch(subject.seed, _SIZE)
    other = batch(subject.seed + 1, _SIZE)
    mixed = Batch(
        torch.cat([source.frames[:1], other.frames[1:]]),
        torch.cat([source.waveform[:1], other.waveform[1:]]),
        torch.cat([source.lengths[:1], other.lengths[1:]]),
    )
    one, two = (attacked(subject, source=each).batch for each in (source, mixed))
    _same_first_clip(one, two, "with other clips beside it")


@promise("attack")
def labels_of_others(subject: Subject) -> None:
    """What becomes of a clip does not depend on the labels of others."""
    _not_dependent(subject)
    other = truth(_SIZE).clone()
    other[1:] = (other[1:] + 1) % CLASSES
    one, two = (attacked(subject, labels=each).batch for each in (truth(_SIZE), other))
    _same_first_clip(one, two, "with other labels beside it")


def _not_dependent(subject: Subject) -> None:
    if getattr(subject.target, "batch_dependent", False):
        raise NotApplicable("it says that it depends on the batch")


def _same_first_clip(one: Batch, two: Batch, when: str) -> None:
    for name in ("frames", "waveform"):
        gap = float((getattr(one, name)[0] - getattr(two, name)[0]).abs().max())
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
def pure(subject: Subject) -> None:
    """The clean batch and the labels stay as they are."""
    source = batch(subject.seed, _SIZE)
    given, labels = copy_of(source), truth(_SIZE)
    attacked(subject, source=given, labels=labels)
    require(same_batch(source, given), "it wrote to the clean batch")
    require(torch.equal(labels, truth(_SIZE)), "it wrote to the labels")


@promise("attack")
def hurts(subject: Subject) -> str:
    """Where it follows the gradient, the mean loss of the toy grows."""
    spec = subject.spec
    assert isinstance(spec, AttackSpec)
    if "gradient" not in spec.needs:
        raise NotApplicable("it does not ask for gradients")
    if getattr(subject.target, "fitted", False):
        raise NotApplicable("what it learnt from other clips need not hurt these")
    model, source, labels = toy(subject), batch(subject.seed, _SIZE), truth(_SIZE)
    after = attacked(subject, source=copy_of(source)).batch
    with torch.no_grad():
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
        result.history.ndim == 2 and result.history.shape[1] == _SIZE,
        f"history is {list(result.history.shape)}; [steps, {_SIZE}] is needed",
    )
    require(
        result.flat.shape == (_SIZE,) and result.flat.dtype == torch.bool,
        f"flat is {result.flat.dtype} {list(result.flat.shape)}",
    )


@promise("attack")
def quiet(subject: Subject) -> None:
    """It writes nothing to stdout."""
    stays_quiet(lambda: attacked(subject))
