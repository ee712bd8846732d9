"""Models that use one sense: what a run leaves out of them, and what it notes."""

import dataclasses

import pytest

from avplug.bench.models import LoadedModel
from avplug.bench.planning import make_plan
from avplug.bench.runner import run
from avplug.bench.store import Store
from avplug.core.errors import UsageError
from avplug.core.registry import get_registry
from tests.bench.toys import config

SEES = {"model": {"mode": "videoonly"}}
HEARS = {"model": {"mode": "audioonly"}}


def plan_of(tmp_path, **changes):
    defaults = {"corruptions": ("gaussian",), "limit": 6, "options": SEES}
    return make_plan(config(tmp_path, **{**defaults, **changes}), get_registry())


def spoilt(plan):
    """Return which senses the corruptions of each cell spoil."""
    return [
        [segment.identity["modalities"] for segment in cell.segments]
        for cell in plan.cells
        if not cell.clean
    ]


def said(plan):
    return [(skip.what, skip.cells, skip.reason) for skip in plan.skips]


@pytest.mark.parametrize(
    ("options", "left", "signal", "only"),
    [(SEES, "v", "sound", "only sees"), (HEARS, "a", "picture", "only hears")],
)
def test_what_spoils_the_other_sense_alone_is_skipped(
    tmp_path, options, left, signal, only
):
    plan = plan_of(tmp_path, options=options, modalities=("a", "av", "v"), seeds=(0, 1))
    assert sorted(spoilt(plan)) == sorted([["av"], [left]] * 4)
    assert sum(cell.clean for cell in plan.cells) == 2
    assert said(plan) == [
        (f"cav-mae where only the {signal} is corrupted", 4, f"it {only}")
    ]


def test_nothing_of_that_is_in_a_cells_identity(tmp_path, monkeypatch):
    found = {cell.id for cell in plan_of(tmp_path, modalities=("a", "av")).cells}
    assert "modalities" not in plan_of(tmp_path).cells[0].identity["model"]
    monkeypatch.setattr(LoadedModel, "modalities", "av")
    before = {cell.id for cell in plan_of(tmp_path, modalities=("a", "av")).cells}
    assert found < before
    assert len(before - found) == 2


def test_streams_of_the_other_sense_are_skipped_whole(tmp_path):
    plan = plan_of(
        tmp_path,
        corruptions=("gaussian", "shot"),
        modalities=("a", "av"),
        protocol="continual",
        tta=("tent",),
    )
    assert spoilt(plan) == [["av", "av"]] * 2
    assert [skip.cells for skip in plan.skips] == [2]


def test_methods_that_join_the_senses_are_skipped(tmp_path):
    plan = plan_of(tmp_path, tta=("source", "tent", "read", "sumi"))
    methods = {cell.method.spec.name for cell in plan.cells}
    assert methods == {"source", "tent"}
    assert [skip.reason for skip in plan.skips] == [
        "read needs fusion_attention, which cav-mae has not: it only sees",
        "sumi needs norm_unimodal, unimodal, which cav-mae has not: it only sees",
    ]


def attacked(plan):
    return [
        (cell.attack.method.spec.name, cell.attack.senses)
        for cell in plan.cells
        if cell.attack
    ]


def test_attacks_on_the_other_sense_are_skipped(tmp_path):
    plan = plan_of(tmp_path, corruptions=(), attacks=("pgd", "mma"))
    assert attacked(plan) == [("pgd", "v"), ("pgd", "av")]
    assert {skip.reason for skip in plan.skips} == {
        "it attacks the sound alone, and cav-mae only sees",
        "mma needs unimodal, which cav-mae has not: it only sees",
    }


def test_what_a_papers_table_prints_is_computed_all_the_same(tmp_path):
    table = {"form": "senses", "title": "Table 2", "rows": {"visual": "V"}}
    plan = plan_of(tmp_path, corruptions=(), attacks=("pgd",), tables=(table,))
    assert attacked(plan) == [("pgd", "a"), ("pgd", "v"), ("pgd", "av")]
    assert plan.skips == ()


def test_the_record_tells_it(tmp_path):
    settings = config(tmp_path, limit=4, corruptions=(), options=SEES)
    run(settings, get_registry())
    both = dataclasses.replace(settings, options={}, out=str(tmp_path / "both"))
    run(both, get_registry())
    (one,), (two,) = (Store(tmp_path / name).cells() for name in ("run", "both"))
    assert one.record["modalities"] == "v"
    assert "modalities" not in two.record


OWN = """
import torch
from torch import nn
from avplug import InputSpec

class Net(nn.Module):
    input = InputSpec(size=16, seconds=1, sample_rate=8000)
    modalities = {modalities!r}

    def __init__(self, labels):
        super().__init__()
        self.register_buffer("rows", torch.eye(len(labels)))

    def forward(self, frames, waveform):
        return frames.mean((1, 2, 3, 4))[:, None] * self.rows[0]
"""


@pytest.mark.parametrize("modalities", ["v", ("rgb",)])
def test_a_users_own_network_says_so_by_an_attribute(tmp_path, modalities):
    (tmp_path / "own.py").write_text(OWN.format(modalities=modalities))
    changes = {
        "models": (f"{tmp_path}/own.py:Net",),
        "weights": (),
        "options": {},
        "modalities": ("a", "v"),
    }
    if modalities == "v":
        assert sorted(spoilt(plan_of(tmp_path, **changes))) == [["v"], ["v"]]
        return
    with pytest.raises(UsageError, match=r"modalities .* is \('rgb',\)\. Possible: av"):
        plan_of(tmp_path, **changes)
