import numpy as np
import pytest

from avplug.bench.conditions import CLEAN, conditions
from avplug.bench.config import RunConfig
from avplug.bench.runner import run
from avplug.bench.store import Store
from avplug.builtin_corruptions.gaussian import Gaussian
from avplug.core.clip import Clip
from avplug.core.errors import UnknownNameError, UsageError
from avplug.core.registry import get_registry
from avplug.media.sound import write_sound
from tests.bench.toys import config


def of(**changes):
    return conditions(RunConfig(**changes), get_registry())


def clip():
    draw = np.random.default_rng(0)
    frames = draw.integers(0, 255, (2, 24, 32, 3), np.uint8)
    audio = draw.uniform(-0.5, 0.5, (2, 4000)).astype(np.float32)
    return Clip("c", frames, np.array([0.0, 0.5]), audio, 8000, 0.5)


def test_each_corruption_at_each_severity_after_the_clean_clips():
    found = of(corruptions=("gaussian", "shot", "gau*"), severities=(5, 1))
    assert found[0] is CLEAN
    assert [(c.name, c.severity) for c in found[1:]] == [
        ("gaussian", 1),
        ("gaussian", 5),
        ("shot", 1),
        ("shot", 5),
    ]


def test_one_sense_leaves_the_other_alone():
    both, ear, eye = (
        of(corruptions=("speckle",), severities=(4,), modalities=(senses,))[1]
        for senses in ("av", "a", "v")
    )
    whole, heard, seen = (c.apply(clip(), 0) for c in (both, ear, eye))
    assert np.array_equal(heard.frames, clip().frames)
    assert np.array_equal(seen.audio, clip().audio)
    assert np.array_equal(heard.audio, whole.audio)
    assert np.array_equal(seen.frames, whole.frames)
    assert not np.array_equal(whole.frames, clip().frames)
    assert not np.array_equal(whole.audio, clip().audio)


def test_a_pair_takes_the_picture_of_one_and_the_sound_of_the_other():
    pair, shot, gaussian = (
        of(corruptions=(name,), severities=(3,))[1].apply(clip(), 0)
        for name in ("shot+gaussian", "shot", "gaussian")
    )
    assert np.array_equal(pair.frames, shot.frames)
    assert np.array_equal(pair.audio, gaussian.audio)
    (condition,) = of(corruptions=("shot+gaussian",), severities=(3,))[1:]
    assert condition.identity["category"] == "pair"
    assert condition.identity["name"] == condition.name == "shot+gaussian"
    names = [c.name for c in of(corruptions=("s*+gaussian",), severities=(3,))]
    assert names[:3] == ["clean", "shot+gaussian", "speckle+gaussian"]


def test_senses_have_severities_of_their_own():
    found = of(corruptions=("gaussian",), severities=(1, 5), sound_severities=(1, 3))
    got = [
        (c.severity, c.identity.get("sound_severity", c.severity)) for c in found[1:]
    ]
    assert got == [(1, 1), (1, 3), (5, 1), (5, 3)]
    spoilt = found[3].apply(clip(), 0)
    strong, weak = (of(corruptions=("gaussian",), severities=(s,))[1] for s in (5, 1))
    assert np.array_equal(spoilt.frames, strong.apply(clip(), 0).frames)
    assert np.array_equal(spoilt.audio, weak.apply(clip(), 0).audio)


def test_what_a_component_says_of_itself_belongs_to_the_identity(monkeypatch):
    base = of(corruptions=("gaussian",), severities=(1,))[1].identity
    monkeypatch.setattr(Gaussian, "facts", lambda self: {"recordings": "abc"})
    other = of(corruptions=("gaussian",), severities=(1,))[1].identity
    assert other == {**base, "facts": {"gaussian": {"recordings": "abc"}}}


@pytest.mark.parametrize(
    ("changes", "kind", "said"),
    [
        ({"corruptions": ("a+b+c",)}, UsageError, "names 3 corruptions"),
        ({"corruptions": ("gaussian+shto",)}, UnknownNameError, "Did you mean 'shot'?"),
        ({"sound_severities": (7,)}, UsageError, "Severity 7 is out of range"),
        ({"modalities": ()}, UsageError, "modalities is empty"),
    ],
)
def test_what_is_no_condition_is_refused(changes, kind, said):
    with pytest.raises(kind) as caught:
        of(**changes)
    assert said in caught.value.message


def test_corrupting_at_the_source_is_another_cell(tmp_path):
    runs = {}
    for at in ("model-input", "source"):
        settings = config(
            tmp_path, at=at, out=str(tmp_path / at), corruptions=("gaussian",)
        )
        run(settings, get_registry())
        runs[at] = {c.id: c.predictions().logits for c in Store(tmp_path / at).cells()}
    assert not runs["source"].keys() & runs["model-input"].keys()
    assert all(len(logits) == 24 for logits in runs["source"].values())
    weak, strong = (list(r.values())[-1] for r in runs.values())
    assert not np.array_equal(weak, strong)


def test_the_sound_alone_goes_by_its_own_severities():
    found = of(
        corruptions=("shot",),
        severities=(1,),
        sound_severities=(4,),
        modalities=("a", "v", "a"),
    )
    assert [(c.identity["modalities"], c.severity) for c in found[1:]] == [
        ("a", 4),
        ("v", 1),
    ]


def test_recordings_of_one_run_are_not_those_of_the_next(tmp_path, monkeypatch):
    monkeypatch.delenv("AVPLUG_RECORDINGS", raising=False)
    (tmp_path / "rain").mkdir()
    write_sound(tmp_path / "rain" / "a.wav", np.ones((1, 8000), np.float32), 8000)
    plain, mixed, again = (
        of(corruptions=("rain",), severities=(1,), recordings=folder)[1].identity
        for folder in (None, str(tmp_path), None)
    )
    assert "recordings" in mixed["facts"]["rain"]
    assert plain == again
    assert "facts" not in plain
