"""Checks of an attack: inside its budget, in each sense, and no further."""

from __future__ import annotations

from dataclasses import replace

import torch

from avplug.core.attack import ThreatModel
from avplug.core.batch import Batch
from avplug.core.errors import CapabilityError, UsageError
from avplug.testing.attacks import SIZE, attacked, no_graph, shape, threat
from avplug.testing.checks import NotApplicable, Subject, left_to, promise, require
from avplug.testing.toys import batch, copy_of, same_batch

#: Slack for rounding, as a share of epsilon.
_ROUNDING = 1e-3


def _by_colour() -> ThreatModel:
    """Return a budget of which each colour has another share."""
    limits = threat()
    assert limits.video is not None
    return replace(limits, video=replace(limits.video, scale=(1.0, 0.5, 0.25)))


def _threats() -> dict[str, ThreatModel]:
    return {
        "linf": threat(),
        "l2": threat("l2"),
        "linf, a tenth": threat(scale=0.1),
        "linf, ten times": threat(scale=10),
        "linf by colour": _by_colour(),
        "l2, one ball for both": replace(threat("l2"), joint=True),
    }


def _shares(before: Batch, after: Batch, limits: ThreatModel) -> dict[str, float]:
    """Return the largest norm of a perturbation in each sense, as shares of epsilon."""
    found: dict[str, torch.Tensor] = {}
    for name, one, two, budget in (
        ("video", before.frames, after.frames, limits.video),
        ("audio", before.waveform, after.waveform, limits.audio),
    ):
        assert budget is not None
        shift = ((two - one) / budget.radius(one)).flatten(1)
        largest = shift.abs().amax(1) if budget.norm == "linf" else shift.norm(dim=1)
        found[name] = largest
    if limits.joint:
        found = {"both": (found["video"] ** 2 + found["audio"] ** 2).sqrt()}
    return {name: float(sizes.max()) for name, sizes in found.items()}


@promise("attack")
def inside_the_ball(subject: Subject) -> str:
    """Each perturbation has a norm of at most epsilon, linf and l2, in each sense."""
    if getattr(subject.target, "leaves_budget", False):
        raise NotApplicable("it says that it leaves its budget")
    source = batch(subject.seed, SIZE)
    told, held = [], 0
    for label, limits in _threats().items():
        try:
            after = attacked(subject, limits, source=copy_of(source)).batch
        except (CapabilityError, UsageError) as reason:
            told.append(f"{label}: {reason}")
            continue
        held += 1
        with left_to(subject, shape, no_graph):
            for name, share in _shares(source, after, limits).items():
                require(
                    share <= 1 + _ROUNDING,
                    f"{label}: the norm of {name} is {share:.4f} of its epsilon",
                )
                told.append(f"{label} {name} {share:.2f}")
    if not held:
        raise NotApplicable(", ".join(told))
    return "shares of epsilon: " + ", ".join(told)


@promise("attack")
def inside_the_bounds(subject: Subject) -> None:
    """Pixels stay in 0..1 and samples in -1..1, but for what was beyond before."""
    limits, loud = threat(scale=20), copy_of(batch(subject.seed, SIZE))
    loud.waveform[0, :20] = 1.2
    for source in (batch(subject.seed, SIZE), loud):
        after = attacked(subject, limits, source=copy_of(source)).batch
        for name, clean, values, budget in (
            ("pixels", source.frames, after.frames, limits.video),
            ("samples", source.waveform, after.waveform, limits.audio),
        ):
            assert budget is not None
            low, high = budget.bounds
            with left_to(subject, shape):
                beyond = (values < clean.clamp(max=low)) | (
                    values > clean.clamp(min=high)
                )
            require(
                not beyond.any(),
                f"{int(beyond.sum())} {name} left {low:g}..{high:g}; they go from "
                f"{float(values.min()):.3f} to {float(values.max()):.3f}",
            )


@promise("attack")
def one_sense(subject: Subject) -> None:
    """A sense without a budget is left alone, bit for bit."""
    source = batch(subject.seed, SIZE)
    for sense, kept in (("a", "frames"), ("v", "waveform")):
        after = attacked(subject, threat().only(sense), source=copy_of(source)).batch
        require(
            torch.equal(getattr(source, kept), getattr(after, kept)),
            f"a threat to '{sense}' alone changed the {kept}",
        )


@promise("attack")
def no_budget(subject: Subject) -> None:
    """With an epsilon of nought the clips come back as they are."""
    source = batch(subject.seed, SIZE)
    after = attacked(subject, threat(scale=0), source=copy_of(source)).batch
    require(same_batch(source, after), "clips changed though epsilon is 0")


@promise("attack")
def padding(subject: Subject) -> None:
    """Behind the end of a clip the waveform stays zero."""
    source = batch(subject.seed, SIZE)
    after = attacked(subject, source=copy_of(source)).batch
    places = torch.arange(source.waveform.shape[1])
    behind = after.waveform[places >= source.lengths[:, None]]
    count = int((behind != 0).sum())
    require(not count, f"{count} of {behind.numel()} padded samples were changed")
