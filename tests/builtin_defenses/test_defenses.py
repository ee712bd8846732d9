"""Defences against the reference's outputs, and on the toy model of the attacks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st

from avplug.builtin_attacks.iterative import PGD
from avplug.builtin_attacks.temporal import TMA
from avplug.builtin_attacks.universal import Universal
from avplug.builtin_defenses.adversarial import AdversarialTraining
from avplug.builtin_defenses.crafting import craft, excerpt_of, nearest, sampled
from avplug.builtin_defenses.curriculum import Curriculum, masked
from avplug.builtin_defenses.efficient import EfficientTraining
from avplug.builtin_defenses.memory import ExFMem, Memory, Remembering
from avplug.builtin_defenses.prototypes import PCL, Prototypes
from avplug.builtin_defenses.similarity import MaxSim, MinSim, cosine
from avplug.core.attack import Attack, Attacked, Budget, ThreatModel
from avplug.core.batch import Batch
from avplug.core.defense import Defense, Moment, Training, task_loss
from avplug.core.errors import CapabilityError, UsageError
from avplug.core.model import Model, PerSense
from tests.builtin_attacks.tinyav import CLASSES, TinyAV, arr, clips, labels_of, randoms
from tests.golden import arrays, needs_golden

THREAT = ThreatModel(
    Budget("linf", 0.03, (0.0, 1.0), "pixel"),
    Budget("linf", 0.02, (-1.0, 1.0), "amplitude"),
)
LABELS = labels_of(TinyAV().eval())
ATTACKS = {"pgd": PGD, "tma": TMA, "universal": Universal}


class LateAV(TinyAV):
    """TinyAV, which says that it fuses one vector of each sense."""

    feature_width = 16

    def fuse_features(self, features: PerSense) -> torch.Tensor:
        return self.head(torch.cat([features.video, features.audio], 1))


def make(name: str, options: Mapping[str, Any]) -> Attack:
    return ATTACKS[name](**options)


def clean() -> Iterator[tuple[Batch, torch.Tensor]]:
    yield clips(), LABELS


TRAINING = Training(CLASSES, THREAT, make, clean)


def moment(progress: float = 1.0) -> Moment:
    return Moment(progress, randoms())


def fit(defense: Defense, model: TinyAV, steps: int = 20) -> tuple[Any, list[float]]:
    """Train on the eight clips and return the model and the course of the loss."""
    wrapped = defense.wrap(model).double().train()
    defense.begin(wrapped, TRAINING)
    learned = list(wrapped.parameters())
    if defense.companion is not None:
        learned += list(defense.companion.double().parameters())
    optimizer = torch.optim.Adam(learned, 1e-2)
    losses = []
    for step in range(steps):
        optimizer.zero_grad()
        loss = defense.objective(wrapped, clips(), LABELS, moment(step / steps))
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return wrapped.eval(), losses


@needs_golden
def test_memory_codes_as_the_reference() -> None:
    wanted = arrays("attacks/defense.npz")
    dictionary = torch.from_numpy(np.abs(arr("ista.dict", (16, 48))))
    features = torch.from_numpy(np.abs(arr("ista.feat", (16, 6))))
    memory = Memory(16, 48, int(wanted["n_iter"]), 0.1).double()
    memory.fill(dictionary.T)
    code = memory.code(features.T).T
    assert np.abs(code.numpy() - wanted["h"]).max() <= 1e-6
    rebuilt = memory(features.T).T
    assert np.abs(rebuilt.numpy() - wanted["recon"]).max() <= 1e-6
    blended = 0.5 * rebuilt + 0.5 * features
    assert np.abs(blended.numpy() - wanted["feat"]).max() <= 1e-6


@needs_golden
def test_similarity_as_the_reference() -> None:
    wanted = arrays("attacks/defense.npz")
    fa, fv = (torch.from_numpy(np.abs(arr(f"sim.{n}", (6, 16)))) for n in ("fa", "fv"))
    alike = cosine(PerSense(fa, fv))
    assert np.abs(alike.numpy() - wanted["cos"]).max() <= 1e-6
    assert abs(alike.mean().item() - wanted["minsim"]) <= 1e-6
    assert abs((1 - alike).mean().item() - wanted["maxsim"]) <= 1e-6


def alike(model: Any) -> float:
    with torch.no_grad():
        return cosine(model.features(model.encode(clips()))).mean().item()


def test_minsim_parts_the_senses_and_maxsim_joins_them() -> None:
    before = alike(TinyAV())
    parted, _ = fit(MinSim(), TinyAV())
    joined, _ = fit(MaxSim(), TinyAV())
    assert alike(parted) < before - 0.2
    assert alike(joined) > before + 0.2


def test_exfmem_trains_through_the_memories_it_filled() -> None:
    defense = ExFMem(columns=4, steps=20)
    model, losses = fit(defense, LateAV())
    assert isinstance(model, Remembering)
    assert losses[-1] < losses[0]
    with torch.no_grad():
        own = LateAV().eval()
        first = own.features(own.encode(clips())).audio[0]
    torch.testing.assert_close(model.audio_memory.columns[:, 0], first)
    with torch.no_grad():
        right = (model.classify(clips()).argmax(1) == LABELS).double().mean()
    assert right >= 0.875


def test_a_clip_remembered_alone_is_a_clip_remembered_in_a_batch() -> None:
    model, _ = fit(ExFMem(columns=4, steps=20), LateAV(), steps=1)
    with torch.no_grad():
        together = model.classify(clips())
        alone = torch.cat(
            [model.classify(clips().rows(torch.tensor([i]))) for i in range(8)]
        )
    torch.testing.assert_close(together, alone, atol=1e-12, rtol=0)


def test_the_memories_travel_with_the_weights() -> None:
    defense = ExFMem(columns=4, steps=20)
    trained, _ = fit(defense, LateAV(), steps=2)
    loaded = defense.wrap(LateAV()).double().eval()
    loaded.load_state_dict(trained.state_dict())
    with torch.no_grad():
        assert torch.equal(loaded.classify(clips()), trained.classify(clips()))


def test_gradients_pass_through_the_unrolled_steps() -> None:
    model, _ = fit(ExFMem(columns=4, steps=20), LateAV(), steps=1)
    got = PGD(steps=5).perturb(model, clips(), LABELS, THREAT, randoms())
    assert not got.flat.any()
    with torch.no_grad():
        before, after = (
            torch.nn.functional.cross_entropy(model.classify(b), LABELS)
            for b in (clips(), got.batch)
        )
    assert after > before


def test_exfmem_says_what_it_lacks() -> None:
    with pytest.raises(CapabilityError, match="no place for a feature memory"):
        ExFMem().wrap(TinyAV())
    defense = ExFMem(columns=9)
    model = defense.wrap(LateAV()).double()
    with pytest.raises(UsageError, match="9 features shall be remembered of 8"):
        defense.begin(model, TRAINING)


def test_pcl_draws_features_to_their_class() -> None:
    defense = PCL(pull=0.1)
    model, losses = fit(defense, TinyAV(), steps=40)
    assert losses[-1] < losses[0]
    with torch.no_grad():
        features = model.features(model.encode(clips()))
        near = defense.companion["audio"].near
        own = (features.audio - near[LABELS]).norm(dim=1).mean()
        others = torch.cdist(features.audio, near).mean()
    assert own < others


@given(st.integers(2, 5), st.integers(1, 4), st.integers(0, 99))
def test_prototype_terms_are_sums_over_the_classes(
    classes: int, width: int, seed: int
) -> None:
    torch.manual_seed(seed)
    prototypes = Prototypes(classes, width).double()
    features = torch.randn(3, width, dtype=torch.float64)
    labels = torch.randint(classes, (3,))
    pull, push = prototypes(features, labels)
    pairs = list(zip(features, labels, strict=True))
    near = sum((f - prototypes.near[c]).square().sum() for f, c in pairs)
    far = sum(
        (f - prototypes.far[k]).square().sum()
        for f, c in pairs
        for k in range(classes)
        if k != c
    )
    torch.testing.assert_close(pull, near / 3)
    torch.testing.assert_close(push, torch.as_tensor(far) / 3)


def robust(model: Any) -> float:
    got = PGD(steps=10, step=0.25).perturb(model, clips(), LABELS, THREAT, randoms())
    with torch.no_grad():
        return task_loss(model.classify(got.batch), LABELS).item()


@pytest.mark.parametrize(
    "defense",
    [
        AdversarialTraining(attack_options={"steps": 3, "step": 0.5}),
        EfficientTraining(attack="pgd", ratio=0.5, parts=4, masked=0.0, dropout=0.0),
        EfficientTraining(attack="tma", ratio=1.0, masked=0.25, dropout=0.1, steps=2),
    ],
)
def test_training_on_attacked_clips_makes_robust(defense: Defense) -> None:
    plain, _ = fit(Defense(), LateAV(), steps=30)
    hardened, _ = fit(defense, LateAV(), steps=30)
    assert robust(hardened) < robust(plain)
    assert defense.forwards > 0


class Watched(PGD):
    """PGD that notes how much of the clips it is given, in frames and samples."""

    seen: ClassVar[list[tuple[int, int]]] = []

    def perturb(self, model: Model, batch: Batch, *rest: Any) -> Attacked:
        self.seen.append((batch.frames.shape[1], batch.waveform.shape[1]))
        return super().perturb(model, batch, *rest)


def test_efficient_crafting_looks_at_its_share(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(ATTACKS, "watched", Watched)
    crafted = []
    for ratio in (1, 0.25):
        monkeypatch.setattr(Watched, "seen", [])
        defense = EfficientTraining(attack="watched", ratio=ratio, parts=4, dropout=0.0)
        fit(defense, LateAV(), steps=3)
        crafted.append((Watched.seen, defense.forwards, defense.backwards))
    (whole, *all_passes), (part, *its_passes) = crafted
    frames, samples = whole[0]
    assert part == [(frames // 4, samples // 4)] * 3
    assert its_passes == all_passes


def test_adversarial_training_needs_a_threat_and_a_fitting_attack() -> None:
    nothing = Training(CLASSES, None, make, clean)
    with pytest.raises(UsageError, match="needs a threat model"):
        AdversarialTraining().begin(TinyAV(), nothing)
    with pytest.raises(UsageError, match="has to be fitted first"):
        AdversarialTraining(attack="universal", attack_options={"epochs": 1}).begin(
            TinyAV(), TRAINING
        )


@given(st.integers(1, 30), st.floats(0.01, 1), st.floats(0, 0.999))
def test_sampled_moments_are_a_share_of_all_in_order(
    parts: int, ratio: float, shift: float
) -> None:
    chosen = sampled(parts, ratio, shift)
    assert len(chosen) == max(1, int(ratio * parts + 0.5))
    assert chosen == sorted(set(chosen))
    assert chosen[0] >= 0
    assert chosen[-1] < parts
    closest = nearest(parts, chosen)
    for part, number in enumerate(closest):
        assert abs(chosen[number] - part) == min(abs(c - part) for c in chosen)


@given(st.sampled_from([0.25, 0.5, 0.75]), st.floats(0, 0.999))
def test_crafted_clips_stay_inside_and_share_what_is_crafted(
    ratio: float, shift: float
) -> None:
    model = TinyAV().eval()
    got = craft(
        PGD(steps=1),
        model,
        clips(),
        LABELS,
        THREAT,
        randoms(),
        ratio=ratio,
        parts=4,
        shift=shift,
    ).batch
    video, audio = got.frames - clips().frames, got.waveform - clips().waveform
    assert video.abs().max() <= 0.03 + 1e-12
    assert audio.abs().max() <= 0.02 + 1e-12
    assert got.frames.min() >= 0
    assert got.frames.max() <= 1
    chosen = sampled(4, ratio, shift)
    owner = nearest(4, chosen)
    inner = ((clips().frames > 0.1) & (clips().frames < 0.9)).double()
    for part in range(4):
        source = chosen[owner[part]]
        free = inner[:, part] * inner[:, source]
        assert ((video[:, part] - video[:, source]) * free).abs().max() <= 1e-12


def test_training_on_the_excerpt_sees_the_crafted_moments_alone() -> None:
    defense = EfficientTraining(
        attack="pgd",
        clean=0.0,
        ratio=0.5,
        parts=4,
        trained_on="excerpt",
        schedule="constant",
        masked=0.0,
        dropout=0.0,
        steps=2,
    )
    model = LateAV().double().train()
    defense.begin(model, TRAINING)
    loss = defense.objective(model, clips(), LABELS, moment(0.0))
    shift = float(randoms()[0].stream("shift").generator().random())
    short = excerpt_of(clips(), ratio=0.5, parts=4, shift=shift).batch
    assert short.frames.shape[1] == clips().frames.shape[1] // 2
    attack = PGD(steps=2, step=0.25)
    got = attack.perturb(model, short, LABELS, THREAT, randoms()).batch
    assert loss.item() == task_loss(model.classify(got), LABELS).item()
    assert (got.waveform != short.waveform).any()


def test_the_curriculum_grows() -> None:
    cosine_, linear, constant = (
        Curriculum(name, budget=True) for name in ("cosine", "linear", "constant")
    )
    assert [cosine_.hardness(p) for p in (0, 0.5, 1)] == pytest.approx([0, 0.5, 1])
    assert linear.hardness(0.3) == 0.3
    assert constant.hardness(0.0) == 1.0
    steps = [cosine_.steps_at(p / 20) for p in range(21)]
    assert steps[0] == 1
    assert steps[-1] == 5
    assert steps == sorted(steps)
    assert cosine_.budget_at(0) == 0.25
    assert cosine_.budget_at(1) == 1


@given(st.floats(0, 0.99), st.integers(1, 12))
def test_both_senses_miss_the_same_moments(share: float, parts: int) -> None:
    batch = Batch(
        torch.ones(2, parts, 3, 1, 1), torch.ones(2, 10 * parts), torch.tensor([1, 1])
    )
    got = masked(batch, share, parts, randoms(2))
    seen = got.frames[:, :, 0, 0, 0]
    heard = got.waveform.view(2, parts, 10)
    assert (seen == 0).sum(1).tolist() == [round(share * parts)] * 2
    assert torch.equal(heard, seen[:, :, None].expand(-1, -1, 10))


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: ExFMem(columns=0), "columns is 0"),
        (lambda: ExFMem(blend=2.0), "blend is 2.0"),
        (lambda: AdversarialTraining(clean=1.0), "clean is 1.0"),
        (lambda: EfficientTraining(ratio=0.0), "ratio is 0.0"),
        (lambda: EfficientTraining(parts=0), "parts is 0"),
        (lambda: EfficientTraining(trained_on="moments"), "trained_on is 'moments'"),
        (lambda: Curriculum("steps"), "Unknown schedule 'steps'"),
        (lambda: Curriculum(masked=1.0), "masked is 1.0"),
        (lambda: Curriculum(steps=0), "steps is 0"),
    ],
)
def test_options_out_of_range_are_refused(build: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        build()
