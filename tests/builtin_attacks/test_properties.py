"""What holds for every attack, threat model and clip."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings, strategies as st

from avplug.builtin_attacks.apgd import APGD
from avplug.builtin_attacks.iterative import FGSM, PGD
from avplug.builtin_attacks.momentum import MIM
from avplug.builtin_attacks.noise import Noise
from avplug.builtin_attacks.square import Square
from avplug.builtin_attacks.temporal import MMA, TIA, TMA
from avplug.builtin_attacks.universal import Universal
from avplug.core.attack import Attack, Budget, ThreatModel
from avplug.core.errors import CapabilityError, UsageError
from avplug.core.randomness import KeyedRandom
from tests.builtin_attacks.tinyav import CLASSES, TinyAV, clips, labels_of, randoms

ATTACKS: dict[str, Attack] = {
    "noise": Noise(draws=2),
    "sign noise": Noise(kind="sign"),
    "fgsm": FGSM(),
    "pgd": PGD(steps=3, random_start=True, restarts=2, early_stop=True),
    "mim": MIM(steps=3),
    "joint mim": MIM(steps=3, rule="joint"),
    "apgd": APGD(steps=5, early_stop=True),
    "dlr": APGD(steps=5, loss="dlr", random_start=True),
    "targeted": PGD(steps=3, target="least-likely"),
    "square": Square(queries=8),
    "tia": TIA(steps=2),
    "mma": MMA(steps=2),
    "tma": TMA(steps=2, views=4),
}
LINF_ONLY = {"square"}
MODEL = TinyAV().eval()
LABELS = labels_of(MODEL)


def threat_of(norm: str, senses: str, size: float = 1.0, *, joint: bool) -> ThreatModel:
    large = norm == "l2"
    video = Budget(norm, size * (2.0 if large else 0.03), (0.0, 1.0), "pixel")
    audio = Budget(norm, size * (0.5 if large else 0.01), (-1.0, 1.0), "amplitude")
    return ThreatModel(
        video if "v" in senses else None, audio if "a" in senses else None, joint
    )


norms = st.sampled_from(["linf", "l2"])
senses = st.sampled_from(["a", "v", "av"])
names = st.sampled_from(list(ATTACKS))


@settings(max_examples=60)
@given(names, norms, senses, st.booleans(), st.floats(0.01, 20))
def test_inside_the_ball_and_the_valid_range(
    name: str, norm: str, modalities: str, joint: bool, size: float
) -> None:
    if name in LINF_ONLY:
        norm = "linf"
    threat = threat_of(norm, modalities, size, joint=joint)
    short = torch.tensor([2000, 1500, 700, 2000, 1, 2000, 400, 1999])
    before = clips()
    waveform = before.waveform.where(torch.arange(2000) < short[:, None], 0.0)
    before = replace(before, lengths=short, waveform=waveform)
    after = ATTACKS[name].perturb(MODEL, before, LABELS, threat, randoms()).batch
    together = torch.zeros(8)
    for budget, value, clean, limits in (
        (threat.video, after.frames, before.frames, (0, 1)),
        (threat.audio, after.waveform, before.waveform, (-1, 1)),
    ):
        shift = (value - clean).flatten(1)
        if budget is None:
            assert not shift.any()
            continue
        assert limits[0] <= value.min()
        assert value.max() <= limits[1]
        assert value.dtype == clean.dtype
        if norm == "linf":
            assert shift.abs().max() <= budget.epsilon * (1 + 1e-9)
        else:
            lengths = shift.norm(dim=1) / budget.epsilon
            together = together + lengths.square()
            assert lengths.max() <= 1 + 1e-9
    if joint and norm == "l2":
        assert together.max() <= 1 + 1e-9
    assert not after.waveform[torch.arange(2000) >= short[:, None]].any()


@pytest.mark.parametrize("name", ATTACKS)
def test_sound_beyond_full_scale_is_no_reason_to_leave_the_ball(name: str) -> None:
    batch = clips()
    batch = replace(batch, waveform=1.3 * batch.waveform)
    threat = threat_of("linf", "av", joint=False)
    after = ATTACKS[name].perturb(MODEL, batch, LABELS, threat, randoms()).batch
    shift = (after.waveform - batch.waveform).abs()
    assert 0 < shift.max() <= 0.01 + 1e-9
    assert (after.waveform.abs() <= batch.waveform.abs().clamp(min=1) + 1e-12).all()


@pytest.mark.parametrize("name", ATTACKS)
def test_a_clip_does_not_depend_on_its_batch_mates(name: str) -> None:
    threat = threat_of("linf", "av", joint=False)
    attack, batch, streams = ATTACKS[name], clips(), randoms()
    together = attack.perturb(MODEL, batch, LABELS, threat, streams).batch
    for i in (0, 3, 7):
        row = torch.tensor([i])
        alone = attack.perturb(
            MODEL, batch.rows(row), LABELS[row], threat, [streams[i]]
        ).batch
        torch.testing.assert_close(
            alone.frames[0], together.frames[i], atol=1e-9, rtol=0
        )
        torch.testing.assert_close(
            alone.waveform[0], together.waveform[i], atol=1e-9, rtol=0
        )


@pytest.mark.parametrize("name", ATTACKS)
def test_labels_of_other_clips_have_no_influence(name: str) -> None:
    threat = threat_of("linf", "av", joint=False)
    others = (LABELS + 1) % CLASSES
    others[2] = LABELS[2]
    first, second = (
        ATTACKS[name].perturb(MODEL, clips(), labels, threat, randoms()).batch
        for labels in (LABELS, others)
    )
    torch.testing.assert_close(first.frames[2], second.frames[2], atol=1e-9, rtol=0)
    torch.testing.assert_close(first.waveform[2], second.waveform[2], atol=1e-9, rtol=0)


@pytest.mark.parametrize("name", ATTACKS)
def test_nothing_allowed_changes_nothing(name: str) -> None:
    for threat in (ThreatModel(None, None), threat_of("linf", "av", 0.0, joint=False)):
        got = ATTACKS[name].perturb(MODEL, clips(), LABELS, threat, randoms())
        assert torch.equal(got.batch.frames, clips().frames)
        assert torch.equal(got.batch.waveform, clips().waveform)
        assert got.forwards == got.backwards == 0


@pytest.mark.parametrize("name", ATTACKS)
def test_the_model_is_left_as_it_was(name: str) -> None:
    model = TinyAV().train()
    model.head.bias.requires_grad_(False)
    before = {k: v.clone() for k, v in model.state_dict().items()}
    threat = threat_of("linf", "av", joint=False)
    ATTACKS[name].perturb(model, clips(), LABELS, threat, randoms())
    assert all(torch.equal(v, before[k]) for k, v in model.state_dict().items())
    assert all(module.training for module in model.modules())
    assert [n for n, p in model.named_parameters() if not p.requires_grad] == [
        "head.bias"
    ]
    assert all(p.grad is None for p in model.parameters())


class Broken(TinyAV):
    def fuse(self, tokens: object) -> torch.Tensor:
        raise RuntimeError("out of order")


def test_the_model_is_left_as_it_was_after_an_error() -> None:
    model = Broken().train()
    with pytest.raises(RuntimeError, match="out of order"):
        PGD().perturb(
            model, clips(), LABELS, threat_of("linf", "av", joint=False), randoms()
        )
    assert all(module.training for module in model.modules())
    assert all(p.requires_grad for p in model.parameters())


def losses(batch: object) -> torch.Tensor:
    with torch.no_grad():
        logits = MODEL.classify(batch)
    return torch.nn.functional.cross_entropy(logits, LABELS, reduction="none")


def fooled(batch: object) -> torch.Tensor:
    with torch.no_grad():
        return MODEL.classify(batch).argmax(1) != LABELS


def test_leaving_fooled_clips_alone_is_exact_for_accuracy_and_cheaper() -> None:
    threat = threat_of("linf", "av", 4.0, joint=False)
    batch = clips()
    whole, early = (
        PGD(steps=8, early_stop=stop).perturb(MODEL, batch, LABELS, threat, randoms())
        for stop in (False, True)
    )
    assert fooled(early.batch).any()
    assert torch.equal(fooled(early.batch), fooled(early.batch) | fooled(whole.batch))
    assert early.backwards < whole.backwards == 64


def test_restarts_never_help_less() -> None:
    threat = threat_of("linf", "av", 2.0, joint=False)
    results = [
        PGD(steps=2, random_start=True, restarts=n)
        .perturb(MODEL, clips(), LABELS, threat, randoms())
        .batch
        for n in (1, 2, 4)
    ]
    for fewer, more in pairwise(results):
        assert (fooled(more) | ~fooled(fewer)).all()
        same = fooled(more) == fooled(fewer)
        assert (losses(more) >= losses(fewer) - 1e-12)[same].all()


def test_iterations_beat_one_step_and_that_beats_noise() -> None:
    threat = threat_of("linf", "av", 2.0, joint=False)
    noise, fgsm, pgd, apgd = (
        losses(a.perturb(MODEL, clips(), LABELS, threat, randoms()).batch).mean()
        for a in (Noise(), FGSM(), PGD(steps=20), APGD(steps=20))
    )
    assert losses(clips()).mean() < noise < fgsm < pgd
    assert apgd > fgsm


def test_square_lowers_accuracy_without_gradients() -> None:
    threat = threat_of("linf", "av", 4.0, joint=False)
    got = Square(queries=60).perturb(MODEL, clips(), LABELS, threat, randoms())
    assert got.backwards == 0
    assert fooled(got.batch).sum() > fooled(clips()).sum()


@pytest.mark.parametrize("target", ["least-likely", "next", 3])
def test_a_target_becomes_more_likely(target: str | int) -> None:
    threat = threat_of("linf", "av", 2.0, joint=False)
    with torch.no_grad():
        clean = MODEL.classify(clips())
    aims = {
        "least-likely": clean.argmin(1),
        "next": (LABELS + 1) % CLASSES,
        3: torch.full_like(LABELS, 3),
    }[target]
    for attack in (PGD(target=target), APGD(steps=10, target=target)):
        got = attack.perturb(MODEL, clips(), LABELS, threat, randoms())
        with torch.no_grad():
            after = MODEL.classify(got.batch)
        chance = [x.softmax(1).gather(1, aims[:, None]) for x in (clean, after)]
        assert (chance[1] > chance[0]).all()


def test_a_universal_perturbation_is_one_for_all_and_harms() -> None:
    threat = threat_of("linf", "av", 2.0, joint=False)
    attack = Universal()
    with pytest.raises(CapabilityError, match="not fitted"):
        attack.perturb(MODEL, clips(), LABELS, threat, randoms())
    attack.fit(MODEL, [(clips(), LABELS)], threat, KeyedRandom((0,)))
    free = threat_of("linf", "av", 2.0, joint=False)
    got = attack.perturb(MODEL, clips(), LABELS, free, randoms()).batch
    shift = got.waveform - clips().waveform
    inside = (clips().waveform.abs() < 0.9).all(0)
    assert shift.abs().max() > 0.01
    assert (shift - shift[:1])[:, inside].abs().max() < 1e-9
    assert losses(got).mean() > losses(clips()).mean()


def test_silence_is_reported_as_flat() -> None:
    batch = replace(clips(), waveform=torch.zeros(8, 2000, dtype=torch.float64))

    class Deaf(TinyAV):
        def fuse(self, tokens: object) -> torch.Tensor:
            return super().fuse(tokens) * 0

    threat = threat_of("linf", "a", joint=False)
    got = FGSM().perturb(Deaf().eval(), batch, LABELS, threat, randoms())
    assert got.flat.all()
    assert not FGSM().perturb(MODEL, clips(), LABELS, threat, randoms()).flat.any()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: PGD(steps=0), "steps is 0"),
        (lambda: PGD(step=0.0), "step is 0.0"),
        (lambda: PGD(restarts=2), "restarts from the same point"),
        (lambda: PGD(loss="dice"), "Unknown loss 'dice'"),
        (lambda: PGD(target="nxt"), "Did you mean 'next'"),
        (lambda: MIM(rule="batch"), "Unknown rule 'batch'"),
        (lambda: Noise(kind="pink"), "Unknown kind 'pink'"),
        (lambda: Square(share=2.0), "share is 2.0"),
        (lambda: TMA(views=9), "views is 9"),
        (lambda: Budget("l1", 1.0, (0, 1), "pixel"), "Unknown norm 'l1'"),
        (lambda: Budget("l2", -1.0, (0, 1), "pixel"), "epsilon is -1.0"),
    ],
)
def test_options_out_of_range_are_refused(make: object, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        make()
