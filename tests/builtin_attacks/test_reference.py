"""Attacks against the outputs of the reference implementations, in float64."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from avplug.builtin_attacks.apgd import APGD
from avplug.builtin_attacks.ball import Ball, Signals
from avplug.builtin_attacks.cvpr21_mim import CVPR21MIM
from avplug.builtin_attacks.iterative import FGSM, PGD
from avplug.builtin_attacks.momentum import MIM
from avplug.builtin_attacks.tally import Tally
from avplug.builtin_attacks.temporal import TMA, agreement, temporal_variation
from avplug.core.attack import Budget, ThreatModel
from avplug.core.batch import Batch
from avplug.core.model import PerSense
from tests.builtin_attacks.tinyav import MEAN, STD, TinyAV, clips, labels_of, randoms
from tests.golden import arrays, needs_golden

pytestmark = needs_golden

AMPLITUDE, PIXEL = (-1.0, 1.0), (0.0, 1.0)
LIMIT = 1e-6


@pytest.fixture(scope="module")
def model() -> TinyAV:
    return TinyAV().eval()


@pytest.fixture(scope="module")
def labels(model: TinyAV) -> torch.Tensor:
    return labels_of(model)


def video(epsilon: float = 8 / 255, norm: str = "linf") -> ThreatModel:
    return ThreatModel(Budget(norm, epsilon, PIXEL, "pixel"), None)


def audio(epsilon: float = 0.01, norm: str = "linf") -> ThreatModel:
    return ThreatModel(None, Budget(norm, epsilon, AMPLITUDE, "amplitude"))


def packed(radius: float, norm: str = "linf", joint: bool = False) -> ThreatModel:
    """Both senses in one vector in 0..1, which halves amplitudes."""
    return ThreatModel(
        Budget(norm, radius, PIXEL, "pixel"),
        Budget(norm, 2 * radius, AMPLITUDE, "amplitude"),
        joint,
    )


class Columnwise(MIM):
    """torchattacks on videos: its mean leaves the columns of the picture apart."""

    def comparable(self, ball: Ball, gradients: Signals) -> Signals:
        return {
            name: g / g.abs().mean((1, 2, 3), keepdim=True)
            for name, g in gradients.items()
        }


QUARTER = {"steps": 10, "step": 0.25}
RUNS = {
    "ta_fgsm_visual_F4": (FGSM(), video()),
    "ta_fgsm_visual_F1": (FGSM(), video()),
    "ta_fgsm_audio_F4": (FGSM(), audio()),
    "ta_pgd_visual_F4": (PGD(**QUARTER), video()),
    "ta_pgd_visual_F1": (PGD(**QUARTER), video()),
    "ta_pgd_audio_F4": (PGD(**QUARTER), audio()),
    "ta_mifgsm_visual_F1": (MIM(**QUARTER), video()),
    "ta_mifgsm_visual_F4": (Columnwise(**QUARTER), video()),
    "ta_mifgsm_audio_F4": (MIM(**QUARTER), audio()),
    "fb_fgsm_visual_F4": (FGSM(), video()),
    "fb_fgsm_audio_F4": (FGSM(), audio()),
    "fb_pgd_visual_F4": (PGD(**QUARTER), video()),
    "fb_pgd_audio_F4": (PGD(**QUARTER), audio()),
    "fb_mifgsm_visual_F4": (MIM(**QUARTER, rule="sign"), video()),
    "fb_mifgsm_audio_F4": (MIM(**QUARTER, rule="sign"), audio()),
    "fb_l2pgd_visual_F4": (PGD(**QUARTER), video(1.0, "l2")),
    "fb_l2pgd_audio_F4": (PGD(**QUARTER), audio(0.3, "l2")),
    "joint_ta_fgsm": (FGSM(), packed(4 / 255)),
    "joint_ta_pgd": (PGD(**QUARTER), packed(4 / 255)),
    "joint_ta_mifgsm_jointnorm": (MIM(**QUARTER, rule="joint"), packed(4 / 255)),
    "joint_fb_pgd": (PGD(**QUARTER), packed(4 / 255)),
    "joint_fb_l2pgd": (PGD(**QUARTER), packed(1.0, "l2", joint=True)),
}


def check(name: str, model: TinyAV, labels: torch.Tensor, got: Batch) -> None:
    wanted = arrays(f"attacks/{name}.npz")
    clean = clips(1 if name.endswith("F1") else 4)
    frames = torch.from_numpy(wanted["visual"]) if "visual" in wanted else clean.frames
    wave = torch.from_numpy(wanted["audio"]) if "audio" in wanted else clean.waveform
    assert (got.frames - frames.view_as(got.frames)).abs().max() <= LIMIT
    assert (got.waveform - wave.view_as(got.waveform)).abs().max() <= LIMIT
    with torch.no_grad():
        logits = model.classify(got)
    assert np.abs(logits.numpy() - wanted["logits"]).max() <= LIMIT
    losses = F.cross_entropy(logits, labels, reduction="none").numpy()
    assert np.abs(losses - wanted["loss"]).max() <= LIMIT
    assert (logits.argmax(1).numpy() == wanted["pred"]).all()


@pytest.mark.parametrize("name", RUNS)
def test_gradient_attacks(name: str, model: TinyAV, labels: torch.Tensor) -> None:
    attack, threat = RUNS[name]
    batch = clips(1 if name.endswith("F1") else 4)
    got = attack.perturb(model, batch, labels, threat, randoms())
    check(name, model, labels, got.batch)


@pytest.mark.parametrize("loss", ["ce", "dlr"])
@pytest.mark.parametrize("senses", ["visual_F4", "joint"])
def test_apgd(loss: str, senses: str, model: TinyAV, labels: torch.Tensor) -> None:
    name = f"apgd_{loss}_{senses}"
    wanted = arrays(f"attacks/{name}.npz")
    threat = video() if senses == "visual_F4" else packed(4 / 255)
    ball = Ball(clips(), threat, randoms())
    found = APGD(steps=20, loss=loss).ascend(model, ball, labels, Tally(8, 21))
    check(name, model, labels, ball.batch(found.best))
    # The ratio is ill-conditioned where its denominator vanishes: one loss is 134.
    wrong = np.abs(found.best_losses.numpy() - wanted["loss_best"])
    worst = wanted["loss_best"] ** 2 if loss == "dlr" else 0
    assert (wrong <= LIMIT * (1 + worst)).all()
    assert (found.reached.numpy() == ~wanted["acc"]).all()
    for sense, key in (("video", "visual_best_adv"), ("audio", "audio_best_adv")):
        if key in wanted:
            other = torch.from_numpy(wanted[key]).view_as(found.fooling[sense])
            assert (found.fooling[sense] - other).abs().max() <= LIMIT


CVPR = {
    "fsgm": FGSM,
    "pgd": PGD,
    "mim": CVPR21MIM,
}


def cvpr21(epsilon_v: float, epsilon_a: float, audio_bounds: float) -> ThreatModel:
    return ThreatModel(
        Budget("linf", epsilon_v, PIXEL, "pixel", STD),
        Budget("linf", epsilon_a, (-audio_bounds, audio_bounds), "amplitude"),
    )


@pytest.mark.parametrize("attack", CVPR)
@pytest.mark.parametrize(
    ("branch", "v", "a"),
    [
        ("attack", "0", "0"),
        ("attack", "0", "0.012"),
        ("attack", "0.012", "0"),
        ("attack", "0.006", "0.006"),
        ("defense", "0", "0.006"),
        ("defense", "0.006", "0"),
        ("defense", "0.006", "0.006"),
    ],
)
def test_cvpr21(
    attack: str, branch: str, v: str, a: str, model: TinyAV, labels: torch.Tensor
) -> None:
    wanted = arrays(f"attacks/cvpr_{branch}_{attack}_v{v}_a{a}.npz")
    similarity = 1.0 if branch == "defense" else 0.0
    # Its FGSM forgets the range of the sound.
    threat = cvpr21(float(v), float(a), 2.0 if attack == "fsgm" else 1.0)
    got = CVPR[attack](similarity=similarity).perturb(
        model, clips(1), labels, threat, randoms()
    )
    mean, std = (torch.tensor(x).view(3, 1, 1).double() for x in (MEAN, STD))
    normalised = ((got.batch.frames[:, 0] - mean) / std).numpy()
    assert np.abs(normalised - wanted["visual_n"]).max() <= LIMIT
    heard = got.batch.waveform.numpy().reshape(wanted["audio"].shape)
    assert np.abs(heard - wanted["audio"]).max() <= LIMIT
    with torch.no_grad():
        logits = model.classify(got.batch)
    assert np.abs(logits.numpy() - wanted["logits"]).max() <= LIMIT
    assert (logits.argmax(1).numpy() == wanted["pred"]).all()


def test_momentum_in_its_budget_is_not_the_released_one(
    model: TinyAV, labels: torch.Tensor
) -> None:
    wanted = arrays("attacks/cvpr_attack_mim_v0.012_a0.npz")["visual_n"]
    threat = cvpr21(0.012, 0.0, 1.0)
    got = MIM().perturb(model, clips(1), labels, threat, randoms())
    shift = (got.batch.frames - clips(1).frames)[:, 0]
    mean, std = (torch.tensor(x).double().view(3, 1, 1) for x in (MEAN, STD))
    assert (shift.abs() / std).max() <= 0.012 + 1e-8
    released = torch.from_numpy(wanted).double() * std + mean - clips(1).frames[:, 0]
    assert (released / std).abs().max() > 0.1


PROPOSALS = {
    "tia": (1.0, 0.0),
    "tia_disrupt": (-1.0, 0.0),
    "mma": (0.0, 1.0),
    "tma": (1.0, 1.0),
}


@pytest.mark.parametrize("name", PROPOSALS)
def test_proposals(name: str, model: TinyAV, labels: torch.Tensor) -> None:
    wanted = arrays(f"attacks/proposal_{name}.npz")
    temporal, multimodal = PROPOSALS[name]
    attack = TMA(temporal=temporal, multimodal=multimodal, balance="fixed")
    threat = ThreatModel(
        Budget("linf", 8 / 255, PIXEL, "pixel"),
        Budget("linf", 0.012, AMPLITUDE, "amplitude"),
    )
    got = attack.perturb(model, clips(), labels, threat, randoms()).batch
    assert np.abs(got.frames.numpy() - wanted["visual"]).max() <= LIMIT
    heard = got.waveform.numpy().reshape(wanted["audio"].shape)
    assert np.abs(heard - wanted["audio"]).max() <= LIMIT
    with torch.no_grad():
        for batch, suffix in ((got, ""), (clips(), "_clean")):
            tokens = model.encode(batch)
            varied = temporal_variation(
                PerSense(F.adaptive_avg_pool1d(tokens.audio.mT, 4).mT, tokens.video)
            )
            alike = agreement(model, tokens)
            assert np.abs(varied.numpy() - wanted[f"LT{suffix}"]).max() <= LIMIT
            assert np.abs(alike.numpy() - wanted[f"LM{suffix}"]).max() <= LIMIT
