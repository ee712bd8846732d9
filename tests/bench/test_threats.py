import pytest
import torch
from hypothesis import given, strategies as st

from avplug.bench.threats import PRESETS, describe, threat_model
from avplug.core.errors import UnknownNameError, UsageError


def test_the_papers_budget_is_normalised_for_the_picture():
    threat = threat_model("cvpr21")
    assert threat.modalities == "av"
    frames = torch.zeros(1, 1, 3, 2, 2)
    radius = threat.video.radius(frames)
    assert radius.shape == (3, 1, 1)
    assert torch.allclose(
        255 * radius.flatten(), torch.tensor([0.350, 0.343, 0.344]), atol=5e-4
    )
    assert threat.audio.epsilon == 0.006
    assert threat.video.bounds == (0, 1)
    assert threat.audio.bounds == (-1, 1)


def test_a_preset_can_be_scaled_and_restricted():
    strong = threat_model("cvpr21:0.012")
    assert (strong.video.epsilon, strong.audio.epsilon) == (0.012, 0.012)
    seen = threat_model("cvpr21:0.012:v")
    assert seen.modalities == "v"
    assert seen.video == strong.video
    half = threat_model("pixel8:x0.5")
    assert half.video.epsilon == 4 / 255
    assert half.audio.epsilon == 0.005
    assert threat_model("pixel8:a:0.02").audio.epsilon == 0.02
    assert threat_model("pixel8:0").modalities == ""


def test_a_table_says_each_sense_by_itself():
    table = {
        "video": {"norm": "l2", "epsilon": 1, "unit": "normalised"},
        "audio": {"epsilon": 0.01},
        "joint": True,
    }
    threat = threat_model(table)
    assert threat.video.norm == "l2"
    assert threat.video.scale == PRESETS["cvpr21"].video.scale
    assert threat.audio.norm == "linf"
    assert threat.joint
    assert threat_model("{audio = {epsilon = 0.01}}") == threat_model(
        {"audio": {"epsilon": 0.01}}
    )


@pytest.mark.parametrize(
    ("wanted", "complaint"),
    [
        ("cvpr12", "Did you mean 'cvpr21'"),
        ("cvpr21:strong", "'strong' changes nothing known"),
        ("cvpr21:-1", "'-1' changes nothing known"),
        ("cvpr21:x", "'x' changes nothing known"),
        ("cvpr21:nan", "'nan' changes nothing known"),
        ("pixel8:0.01", "different epsilons"),
        ("{audio = ", "malformed"),
        ({}, "threatens no sense"),
        ({"vidio": {"epsilon": 1}}, "Did you mean 'video'"),
        ({"video": {"norm": "l2"}}, "epsilon is missing"),
        ({"video": 0.1}, "epsilon is missing"),
        ({"audio": {"epsilon": 0.1, "unit": "pixel"}}, "allowed: 'amplitude'"),
        ({"audio": {"epsilon": 0.1}, "joint": 1}, "true or false"),
    ],
)
def test_faults_are_told(wanted, complaint):
    with pytest.raises(UsageError, match=complaint):
        threat_model(wanted)


def test_an_unknown_preset_is_an_unknown_name():
    with pytest.raises(UnknownNameError, match="pixel8"):
        threat_model("pixle8")


def test_every_number_has_its_unit():
    assert describe(threat_model("cvpr21")) == (
        "video linf 0.006 x 0.229/0.224/0.225 pixel (0..1)"
        " = 0.35/0.343/0.344 of 255 grey levels,"
        " audio linf 0.006 amplitude (-1..1) = -44.4 dBFS"
    )
    assert describe(threat_model("pixel8:v")) == (
        "video linf 0.03137 pixel (0..1) = 8 of 255 grey levels"
    )
    joint = {
        "video": {"norm": "l2", "epsilon": 1},
        "audio": {"norm": "l2", "epsilon": 2},
        "joint": True,
    }
    assert describe(threat_model(joint)) == (
        "video l2 1 pixel (0..1), audio l2 2 amplitude (-1..1), in one joint ball"
    )
    assert describe(threat_model("pixel8:0")) == "nothing may change"


@given(
    st.sampled_from(sorted(PRESETS)),
    st.floats(0, 4),
    st.sampled_from(["a", "v", "av"]),
)
def test_scaling_and_restricting_commute(name, factor, senses):
    one = threat_model(f"{name}:x{factor}:{senses}")
    assert one == threat_model(f"{name}:{senses}:x{factor}")
    assert set(one.modalities) <= set(senses)
    for budget, whole in (
        (one.video, PRESETS[name].video),
        (one.audio, PRESETS[name].audio),
    ):
        assert budget is None or budget.epsilon == factor * whole.epsilon
