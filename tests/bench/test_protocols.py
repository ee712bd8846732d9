"""Protocols: which streams they make, and what of it is a cell's identity."""

from __future__ import annotations

import json

import pytest

from avplug.bench.planning import make_plan
from avplug.core.errors import UsageError
from avplug.core.registry import get_registry
from tests.bench.toys import config

CLEAN = ("clean", 0)
PROTOCOLS = ("reset", "continual", "gradual", "mixed", "episodic", "offline")


def plan_of(tmp_path, **changes):
    return make_plan(config(tmp_path, **changes), get_registry())


def streams(plan, method="tent", seed=0):
    return [
        [(c.name, c.severity) for c in cell.segments]
        for cell in plan.cells
        if cell.method.spec.name == method and cell.seed == seed
    ]


def stretches(plan, cell):
    protocol = cell.protocol
    return protocol.stretches(len(cell.segments), plan.clips, cell.seed)


def test_continual_has_a_stream_for_each_severity(tmp_path):
    plan = plan_of(tmp_path, tta=("source", "tent"), protocol="continual")
    assert streams(plan) == [
        [CLEAN],
        [("gaussian", 1), ("compression", 1)],
        [("gaussian", 5), ("compression", 5)],
    ]
    assert len(streams(plan, "source")) == 5, "the source model has no state"
    cell = next(c for c in plan.cells if len(c.segments) > 1)
    parts = stretches(plan, cell)
    assert [{s for s, _ in part} for part in parts] == [{0}, {1}]
    assert [r for _, r in parts[0]] == [r for _, r in parts[1]], "paired"


def test_gradual_rises_and_falls_within_each_corruption(tmp_path):
    plan = plan_of(tmp_path, tta=("tent",), protocol="gradual", severities=(5, 1, 3))
    one = [1, 3, 5, 3, 1]
    assert streams(plan)[1:] == [
        [("gaussian", s) for s in one] + [("compression", s) for s in one]
    ]


def test_mixed_shows_every_pair_once_in_one_stretch(tmp_path):
    plan = plan_of(tmp_path, tta=("tent",), protocol="mixed", severities=(5,))
    (cell,) = (c for c in plan.cells if len(c.segments) > 1)
    (items,) = stretches(plan, cell)
    assert len(items) == len({(s, r.id) for s, r in items}) == 2 * 24
    first = [s for s, _ in items[:24]]
    assert 4 < sum(first) < 20, "neither corruption comes first"


@pytest.mark.parametrize("protocol", ["reset", "episodic", "offline", "few-shot"])
def test_other_protocols_have_a_stream_for_each_condition(tmp_path, protocol):
    plan = plan_of(tmp_path, tta=("tent",), protocol=protocol)
    assert len(streams(plan)) == 5
    assert all(len(stream) == 1 for stream in streams(plan))


def test_senses_are_streams_of_their_own(tmp_path):
    plan = plan_of(tmp_path, tta=("tent",), protocol="continual", modalities=("a", "v"))
    assert len(streams(plan)) == 1 + 2 * 2


def test_the_sequence_can_be_drawn_by_the_seed(tmp_path):
    names = ("gaussian", "shot", "impulse", "speckle", "compression")
    changes = {"tta": ("tent",), "protocol": "continual", "corruptions": names}
    changes |= {"severities": (5,), "seeds": (0, 1)}
    listed = plan_of(tmp_path, **changes)
    assert [n for n, _ in streams(listed)[1]] == list(names)
    drawn = plan_of(tmp_path, **changes, options={"protocol": {"sequence": "shuffled"}})
    zero, one = streams(drawn, seed=0)[1], streams(drawn, seed=1)[1]
    assert sorted(zero) == sorted(one) == sorted((n, 5) for n in names)
    assert zero != one


def identities(tmp_path, **changes):
    plan = plan_of(tmp_path, tta=("tent",), **changes)
    return {cell.id for cell in plan.cells}


def test_protocol_order_and_passes_are_part_of_the_identity(tmp_path):
    variants = [{"protocol": name} for name in PROTOCOLS]
    variants += [{"order": name} for name in ("fixed", "label-sorted", "correlated")]
    variants += [
        {"protocol": "offline", "options": {"protocol": {"passes": 2}}},
        {"order": "correlated", "options": {"protocol": {"delta": 0.5}}},
        {"protocol": "continual", "options": {"protocol": {"sequence": "shuffled"}}},
        {"protocol": "few-shot"},
        {"protocol": "few-shot", "options": {"protocol": {"shots": 2}}},
        {"protocol": "few-shot", "options": {"protocol": {"support": "val"}}},
        {"forgetting": 4},
        {"attention_every": 3},
    ]
    found = [identities(tmp_path, **changes) for changes in variants]
    for i, one in enumerate(found):
        for other in found[:i]:
            assert not one & other, variants[i]


def test_the_order_of_the_corruptions_is_part_of_a_stream_alone(tmp_path):
    turned = {"corruptions": ("compression", "gaussian")}
    assert identities(tmp_path) == identities(tmp_path, **turned)
    one = identities(tmp_path, protocol="continual")
    other = identities(tmp_path, protocol="continual", **turned)
    assert len(one & other) == 1, "the clean stream"


def test_the_source_model_has_the_same_cells_under_every_protocol(tmp_path):
    def source(**changes):
        return {c.id for c in plan_of(tmp_path, **changes).cells}

    assert len({frozenset(source(protocol=p)) for p in PROTOCOLS}) == 1
    assert source(forgetting=8) == source()


def test_the_default_identity_is_what_it_was(tmp_path):
    plan = plan_of(tmp_path, tta=("source", "tent"))
    source, tent = plan.cells[:2]
    common = {
        "schema", "dataset", "model", "adaptation", "corruption", "severity", "seed",
        "dtype", "at",
    }  # fmt: skip
    assert set(source.identity) == set(tent.identity) == common
    about = {"name", "provider", "options", "predicts", "stateful"}
    assert set(source.identity["adaptation"]) == about
    assert set(tent.identity["adaptation"]) == about | {"order", "batch_size", "reset"}
    assert tent.identity["adaptation"]["reset"] == "per-cell"


def test_stream_identities_are_plain_json(tmp_path):
    for protocol in ("continual", "gradual", "mixed", "few-shot"):
        for cell in plan_of(tmp_path, tta=("av2c",), protocol=protocol).cells:
            assert json.loads(json.dumps(cell.identity))["seed"] == cell.seed


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"options": {"protocol": {"passes": 2}}}, "protocol.passes is given"),
        ({"options": {"protocol": {"delta": 2.0}}}, "protocol.delta is given"),
        ({"options": {"protocol": {"pases": 2}}}, "Did you mean 'passes'?"),
        (
            {"protocol": "offline", "options": {"protocol": {"passes": 0}}},
            "protocol.passes is 0",
        ),
        (
            {"order": "correlated", "options": {"protocol": {"delta": -1.0}}},
            "protocol.delta is -1.0",
        ),
        ({"protocol": "mixed", "order": "fixed"}, "order 'fixed' keeps them apart"),
        ({"protocol": "gradual", "severities": (5,)}, "one scale of several"),
        ({"protocol": "gradual", "sound_severities": (1, 2)}, "one scale of several"),
        ({"forgetting": -1}, "forgetting is -1"),
    ],
)
def test_what_a_protocol_makes_nothing_of_is_refused(tmp_path, changes, said):
    with pytest.raises(UsageError) as caught:
        plan_of(tmp_path, **changes)
    assert said in caught.value.message


def test_a_method_that_needs_labels_or_a_split_is_skipped_with_the_reason(tmp_path):
    plan = plan_of(tmp_path, tta=("fine-tune",))
    assert plan.cells == ()
    assert plan.skips[0].cells == 5
    assert "needs labels, which protocol few-shot alone gives" in plan.skips[0].reason
    few = {"tta": ("source", "tent"), "protocol": "few-shot"}
    plan = plan_of(tmp_path, **few, options={"protocol": {"support": "nowhere"}})
    assert {cell.method.spec.name for cell in plan.cells} == {"source"}
    assert "has no split 'nowhere'" in plan.skips[0].reason
    plan = plan_of(tmp_path, **few, options={"protocol": {"shots": 501}})
    assert "has 500 clips of the 501 that are asked for" in plan.skips[0].reason


def test_shots_are_of_every_class_and_of_another_split(tmp_path):
    plan = plan_of(
        tmp_path,
        tta=("tent",),
        protocol="few-shot",
        seeds=(0, 1),
        options={"protocol": {"shots": 2}},
    )
    shots = plan.cells[0].treatment.shots
    for refs in shots.values():
        assert sorted(r.labels[0] for r in refs) == sorted([*range(12)] * 2)
        assert not {r.id for r in refs} & {r.id for r in plan.clips}
    assert shots[0] != shots[1]
    assert plan.visits(plan.cells[0]) == 5 * 24 + 24
