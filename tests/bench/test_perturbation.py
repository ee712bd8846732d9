"""How far attacked clips are from clean ones, against figures worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from hypothesis import given, strategies as st

from avplug.bench.perturbation import Perturbation, saved
from avplug.bench.threats import threat_model
from avplug.core.attack import Budget, ThreatModel
from avplug.core.batch import Batch


def clips(frames=0.5, sound=0.1):
    waveform = sound * torch.ones(2, 100)
    return Batch(torch.full((2, 1, 3, 4, 4), frames), waveform, torch.tensor([100] * 2))


def moved(batch, video=0.0, audio=0.0):
    return replace(batch, frames=batch.frames + video, waveform=batch.waveform + audio)


def facts(clean, attacked, threat="pixel8"):
    made = threat_model(threat) if isinstance(threat, str) else threat
    found = Perturbation(made)
    found.see(clean, attacked)
    return found.facts()


def test_decibels_are_those_of_their_definitions():
    clean = clips()
    found = facts(clean, moved(clean, 8 / 255, 0.01))
    assert found["psnr"]["mean"] == pytest.approx(30.07, abs=0.01), "8 of 255"
    assert found["snr"]["mean"] == pytest.approx(20, abs=1e-3), "0.1 against 0.01"
    assert found["db_x"]["worst"] == pytest.approx(-20, abs=1e-3)
    assert found["ratio"] == pytest.approx(1, abs=1e-4)
    assert found["outside"] == found["invalid"] == 0


def test_the_worst_clip_stands_beside_the_mean():
    clean = clips()
    shift = torch.tensor([0.01, 0.001]).view(2, 1)
    found = facts(clean, replace(clean, waveform=clean.waveform + shift))
    assert found["snr"]["mean"] == pytest.approx(30, abs=1e-3)
    assert found["snr"]["worst"] == pytest.approx(20, abs=1e-3)
    assert found["db_x"]["mean"] == pytest.approx(-30, abs=1e-3)
    assert found["db_x"]["worst"] == pytest.approx(-20, abs=1e-3)


def test_what_is_unchanged_or_silent_has_no_ratio():
    clean = clips(sound=0.0)
    found = facts(clean, moved(clean, audio=0.01))
    assert found["psnr"] == {"mean": None, "worst": None}
    assert found["snr"] == {"mean": None, "worst": None, "silent": 2}


@pytest.mark.parametrize(
    ("threat", "video", "audio", "outside"),
    [
        ("pixel8", 8.1 / 255, 0.0, 2),
        ("pixel8", 0.0, -0.0101, 2),
        ("pixel8:a", 1e-4, 0.0, 2),
        ("pixel8:0", 0.0, 1e-5, 2),
        ("cvpr21", 0.006 * 0.225, 0.006, 2),
        ("cvpr21", 0.006 * 0.224, 0.006, 0),
    ],
)
def test_a_step_out_of_the_ball_is_seen(threat, video, audio, outside):
    clean = clips()
    assert facts(clean, moved(clean, video, audio), threat)["outside"] == outside


def test_l2_balls_are_measured_apart_or_together():
    frames, sound = Budget("l2", 1.0, (0, 1), "pixel"), Budget("l2", 1.0, (-1, 1), "a")
    clean = clips()
    attacked = moved(clean, 0.9 / 48**0.5, 0.9 / 10)
    apart = facts(clean, attacked, ThreatModel(frames, sound))
    assert apart["ratio"] == pytest.approx(0.9, abs=1e-4)
    assert apart["outside"] == 0
    together = facts(clean, attacked, ThreatModel(frames, sound, joint=True))
    assert together["ratio"] == pytest.approx(0.9 * 2**0.5, abs=1e-4)
    assert together["outside"] == 2


def test_values_out_of_range_are_seen_unless_the_clip_had_them():
    clean = clips(frames=0.99, sound=0.999)
    found = facts(clean, moved(clean, 0.02, 0.005))
    assert found["invalid"] == 2
    loud = clips(sound=1.5)
    assert facts(loud, moved(loud, audio=-0.01))["invalid"] == 0
    assert facts(loud, moved(loud, audio=0.01))["invalid"] == 2
    assert facts(loud, moved(loud, video=float("nan")))["invalid"] == 2


@given(st.floats(0, 1), st.floats(-1, 1))
def test_saving_moves_less_than_a_step_and_twice_nothing_more(frames, sound):
    once = saved(clips(frames, sound))
    assert float((once.frames - frames).abs().max()) <= 0.5 / 255 + 1e-6
    assert float((once.waveform - sound).abs().max()) <= 1 / 32768 + 1e-7
    twice = saved(once)
    assert torch.equal(twice.frames, once.frames)
    assert torch.equal(twice.waveform, once.waveform)
