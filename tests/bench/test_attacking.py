"""Attacked runs: which cells they have, what these record, and what they depend on."""

from __future__ import annotations

import copy
import json

import numpy as np
import pytest
import torch

from avplug.bench.attack_checks import CONTROLS
from avplug.bench.config import from_data
from avplug.bench.describing import describe_cell
from avplug.bench.feed import Feed
from avplug.bench.moving import AdaptsFirst
from avplug.bench.planning import make_plan
from avplug.bench.prepare import construct
from avplug.bench.runner import run
from avplug.bench.store import Store
from avplug.core.adaptation import Stream
from avplug.core.ensemble import Ensemble
from avplug.core.errors import UnknownNameError, UsageError
from avplug.core.registry import get_registry
from tests.bench.toys import checkpoint, config


def attacked(tmp_path, **changes):
    """A run of two steps of PGD on clean clips."""
    defaults = {
        "corruptions": (),
        "attacks": ("pgd",),
        "limit": 6,
        "options": {"pgd": {"steps": 2}},
    }
    return config(tmp_path, **{**defaults, **changes})


def plan_of(tmp_path, **changes):
    return make_plan(attacked(tmp_path, **changes), get_registry())


def about(plan):
    return [cell.identity["attack"] for cell in plan.cells if cell.attack]


def test_every_attack_stands_beside_the_clips_as_they_are(tmp_path):
    plan = plan_of(tmp_path, budgets=("pixel8", "cvpr21"))
    assert [c.attack is None for c in plan.cells] == [True] + 6 * [False]
    assert plan.cells[0].clean
    assert not plan.cells[1].clean
    assert [a["senses"] for a in about(plan)] == 2 * ["a", "v", "av"]
    units = {a["threat"]["video"]["unit"] for a in about(plan)}
    assert units == {"pixel"}
    assert about(plan)[0]["options"]["steps"] == 2
    assert about(plan)[0]["options"]["step"] == 0.125, "defaults belong to it"


def test_unattacked_cells_keep_their_identity(tmp_path):
    plain = make_plan(config(tmp_path, limit=6), get_registry())
    both = plan_of(tmp_path, corruptions=("gaussian", "compression"))
    ids = {cell.id for cell in plain.cells}
    assert ids == {cell.id for cell in both.cells if cell.attack is None}
    on_top = [c for c in both.cells if c.attack and not c.clean and c.segments[0].steps]
    assert len(on_top) == 3 * 4
    assert on_top[0].identity["corruption"]["name"] == "gaussian"
    plain_data = on_top[0].identity["attack"]
    assert json.loads(json.dumps(plain_data)) == plain_data


def test_the_batch_size_is_part_of_what_depends_on_it_alone(tmp_path):
    def ids(attack, size):
        options = {attack: {"steps": 2}}
        changes = {"attacks": (attack,), "batch_size": size, "options": options}
        return {c.id for c in plan_of(tmp_path, **changes).cells if c.attack}

    assert ids("pgd", 2) == ids("pgd", 3)
    assert not ids("mim-cvpr21", 2) & ids("mim-cvpr21", 3)


def test_adaptation_is_attacked_under_protocols_and_the_source_under_none(tmp_path):
    plan = plan_of(
        tmp_path,
        tta=("source", "tent"),
        attack_senses=("av",),
        attack_protocols=("transfer", "snapshot", "adaptive"),
    )
    found = [(c.method.spec.name, c.identity.get("attack")) for c in plan.cells]
    protocols = [(n, a and a.get("protocol")) for n, a in found]
    assert protocols == [
        ("source", None),
        ("source", None),
        ("tent", None),
        ("tent", "transfer"),
        ("tent", "snapshot"),
        ("tent", "adaptive"),
    ]


def test_what_cannot_be_attacked_so_is_skipped_with_the_reason(tmp_path):
    plan = plan_of(tmp_path, tta=("tent",), protocol="offline")
    assert "freezes what was adapted" in plan.skips[0].reason
    plan = plan_of(
        tmp_path,
        attacks=("tma", "mma", "universal"),
        tta=("read",),
        attack_protocols=("adaptive",),
        options={},
    )
    reasons = " ".join(skip.reason for skip in plan.skips)
    assert "tma needs time, which cav-mae has not" in reasons
    assert "looks into the model, which moves" in reasons
    assert "is fitted once" in reasons
    assert all(cell.attack is None for cell in plan.cells)
    itself = plan_of(tmp_path, surrogates=(f"cav-mae={checkpoint(tmp_path)}",))
    assert "no surrogate of itself" in itself.skips[0].reason


@pytest.mark.parametrize(
    ("changes", "error", "said"),
    [
        ({"attacks": ("pdg",)}, UnknownNameError, "Did you mean 'pgd'?"),
        ({"budgets": ("pixel9",)}, UnknownNameError, "Did you mean 'pixel8'?"),
        ({"budgets": ()}, UsageError, "budgets is empty"),
        ({"options": {"pgd": {"stepps": 3}}}, UsageError, "Did you mean 'steps'?"),
        ({"budgets": ("pixel8:a",), "attack_senses": ("v",)}, UsageError, "threatens"),
        ({"attacks": (), "attack_checks": True}, UsageError, "and no attack"),
    ],
)
def test_what_makes_no_sense_is_refused(tmp_path, changes, error, said):
    with pytest.raises(error) as caught:
        plan_of(tmp_path, **changes)
    assert said in str(caught.value)


def test_a_file_with_attacks_has_corruptions_only_if_it_says_so():
    assert from_data({"attacks": ["pgd"]}, "file").corruptions == ()
    assert from_data({}, "file").corruptions == ("avplug/*",)
    given = from_data({"attacks": ["pgd"], "corruptions": ["fog"]}, "file")
    assert given.corruptions == ("fog",)


def test_checks_add_the_cells_that_they_need_once(tmp_path):
    plan = plan_of(
        tmp_path, attack_senses=("v",), attack_checks=True, seeds=(0, 1), limit=2
    )
    found = about(plan)
    assert {a["name"] for a in found} == {"pgd", *CONTROLS}
    sizes = [a["threat"]["video"]["epsilon"] for a in found]
    assert 0.0 in sizes
    assert 0.5 in sizes
    assert {a["senses"] for a in found} == {"a", "v", "av"}
    assert {a["options"].get("steps") for a in found if a["name"] == "pgd"} == {2, 4}
    assert len([c for c in plan.cells if c.attack and c.seed == 1]) == 1
    assert len({c.id for c in plan.cells}) == len(plan.cells)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """Stored cells of a run with one of each kind of attack, by name and senses."""
    folder = tmp_path_factory.mktemp("attacked")
    settings = attacked(
        folder,
        attacks=("pgd", "noise", "mim-cvpr21", "universal"),
        budgets=("pixel8", "cvpr21:0"),
        options={"pgd": {"steps": 2}, "mim-cvpr21": {"steps": 3}},
        batch_size=3,
    )
    summary = run(settings, get_registry())
    assert not summary.failed
    return {_key(cell): cell for cell in Store(summary.folder).cells()}


def _key(cell):
    attack = cell.cell.get("attack")
    if not attack:
        return "clean"
    size = attack["threat"]["video"]["epsilon"]
    return f"{attack['name']} {attack['senses']}{'' if size else ' 0'}"


def test_a_cell_records_sizes_counts_and_answers(finished):
    facts = finished["pgd av"].record["attack"]
    assert facts["forwards"] == facts["backwards"] == 2 * 6
    assert facts["clips"] == 6
    assert facts["gradient"]
    assert facts["largest"]["video"] == pytest.approx(2 / 8 * 8 / 255, rel=1e-3)
    assert facts["largest"]["audio"] == pytest.approx(2 / 8 * 0.01, rel=1e-3)
    assert facts["ratio"] == pytest.approx(0.25, rel=1e-3)
    assert facts["outside"] == facts["invalid"] == facts["flat"] == 0
    assert facts["psnr"]["mean"] > facts["psnr"]["worst"] > 38
    assert facts["snr"]["mean"] > facts["snr"]["worst"]
    assert facts["db_x"]["worst"] > facts["db_x"]["mean"]
    assert len(facts["history"]) == 2
    assert facts["history"][1] > facts["history"][0], "the loss grows"
    assert facts["gap"] == {"logits": 0.0, "answers": 0}
    assert 0 <= facts["saved"] <= 6
    predictions = finished["pgd av"].predictions()
    said = predictions.logits.argmax(1)
    right = predictions.targets[np.arange(6), said]
    assert facts["right"] == int(right.sum())
    assert finished["pgd av"].record["seconds"]["attack"] > 0


def test_one_sense_leaves_the_other_alone(finished):
    video, audio = (finished[f"pgd {s}"].record["attack"] for s in "va")
    assert video["largest"]["audio"] == 0
    assert video["snr"]["mean"] is None
    assert audio["largest"]["video"] == 0
    assert audio["psnr"]["mean"] is None


def test_epsilon_zero_is_the_unattacked_cell(finished):
    clean = finished["clean"].predictions().logits
    for name in ("pgd av 0", "noise av 0", "mim-cvpr21 av 0", "universal av 0"):
        cell = finished[name]
        assert np.array_equal(cell.predictions().logits, clean), name
        assert cell.record["attack"]["outside"] == 0


def test_an_attack_that_leaves_its_ball_is_marked(finished):
    facts = finished["mim-cvpr21 av"].record["attack"]
    assert facts["ratio"] > 1.5
    assert facts["outside"] == 6
    assert facts["alone"]["moved"] > 0.05, "and a clip depends on its batch"
    assert finished["pgd av"].record["attack"]["alone"]["moved"] < 0.01


def test_noise_asks_the_model_for_nothing(finished):
    facts = finished["noise av"].record["attack"]
    assert facts["forwards"] == facts["backwards"] == 0
    assert facts["ratio"] == pytest.approx(1, abs=1e-3)
    fitted = finished["universal av"].cell["attack"]["fitted"]
    assert fitted["split"] == "train"
    assert fitted["clips"] == 6


def test_batches_of_one_give_the_answers_of_batches_of_sixteen(tmp_path):
    logits, ids = [], []
    for size in (1, 16):
        settings = attacked(
            tmp_path,
            batch_size=size,
            limit=16,
            attack_senses=("av",),
            attacks=("pgd", "square"),
            options={
                "pgd": {"steps": 2, "random_start": True},
                "square": {"queries": 4},
            },
            out=str(tmp_path / f"size-{size}"),
        )
        cells = Store(run(settings, get_registry()).folder).cells()
        ids.append([cell.id for cell in cells])
        logits.append(np.stack([cell.predictions().logits for cell in cells]))
    assert ids[0] == ids[1]
    assert np.array_equal(logits[0].argmax(2), logits[1].argmax(2))
    assert np.abs(logits[0] - logits[1]).max() < 5e-3


@pytest.fixture
def reading(tmp_path):
    """A method that answers after its update, a batch and the items in it."""
    plan = plan_of(tmp_path, tta=("read",), options={"read": {"lr": 0.01}}, attacks=())
    (cell,) = plan.cells
    feed = Feed(plan)
    group = next(feed.stream(cell))
    adapter = construct(cell.method, cell.treatment.options, cell.model.model)
    adapter.reset()
    adapter.begin(Stream(1, len(group.items), 0))
    yield adapter, group.batch, group.items
    adapter.reset()


def test_a_model_that_adapts_first_answers_as_the_method_will(reading):
    adapter, batch, _ = reading
    before = copy.deepcopy(adapter.model.state_dict())
    moving = AdaptsFirst(adapter)
    batch.frames.requires_grad_()
    foreseen = moving.classify(batch)
    again = moving.classify(batch)
    (slope,) = torch.autograd.grad(foreseen.sum(), batch.frames)
    batch.frames.requires_grad_(False)
    assert slope.abs().max() > 0
    assert torch.equal(foreseen, again), "what was asked before is forgotten"
    after = adapter.model.state_dict()
    assert all(torch.equal(after[name], value) for name, value in before.items())
    plain = adapter.model.classify(batch)
    answer = adapter.step(batch)
    assert torch.allclose(foreseen, answer, atol=1e-5)
    assert (plain - answer).abs().max() > 1e-4, "else this would show nothing"


@pytest.mark.parametrize("method", ["tent", "read", "sumi", "rdumb"])
def test_each_protocol_leaves_the_model_as_it_was(tmp_path, method):
    options = {"pgd": {"steps": 2}}
    settings = attacked(
        tmp_path,
        tta=(method,),
        attack_senses=("av",),
        attack_protocols=("transfer", "snapshot", "adaptive"),
        batch_size=3,
        options=options,
    )
    summary = run(settings, get_registry())
    assert not summary.failed
    clean, transfer, snapshot, adaptive = Store(summary.folder).cells()
    assert clean.cell.get("attack") is None
    first = {c.cell["attack"]["protocol"]: c for c in (transfer, snapshot, adaptive)}
    assert set(first) == {"transfer", "snapshot", "adaptive"}
    alone = run(
        attacked(
            tmp_path,
            tta=(method,),
            attack_senses=("av",),
            attack_protocols=("adaptive",),
            batch_size=3,
            options=options,
            out=str(tmp_path / "alone"),
        ),
        get_registry(),
    )
    other = Store(alone.folder).cells()[1]
    assert other.id == adaptive.id
    assert np.array_equal(other.predictions().logits, adaptive.predictions().logits)


def test_an_ensemble_is_the_mean_and_takes_like_models_alone(reading):
    adapter, batch, _ = reading
    model = adapter.model
    other = copy.deepcopy(model)
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.mul_(0.5)
    both = Ensemble([model, other])
    mean = (model.classify(batch) + other.classify(batch)) / 2
    assert torch.allclose(both.classify(batch), mean)
    assert len(list(both.parameters())) == 2 * len(list(model.parameters()))
    other.labels = other.labels[::-1]
    with pytest.raises(UsageError, match="their classes differ"):
        Ensemble([model, other])
    with pytest.raises(UsageError, match="needs a model"):
        Ensemble([])


def test_an_attack_is_made_on_surrogates_and_judged_on_the_model(tmp_path):
    (tmp_path / "other").mkdir()
    torch.manual_seed(11)
    from avplug.builtin_models.cavmae import CAVMAE
    from avplug.core.weights import save_checkpoint
    from tests.bench.toys import LABELS, SIZES

    path = tmp_path / "other" / "other.safetensors"
    save_checkpoint(
        path, CAVMAE(LABELS, **SIZES), {"model": "cav-mae", "dataset": "events"}
    )
    settings = attacked(
        tmp_path, attack_senses=("av",), surrogates=(f"cav-mae={path}",)
    )
    summary = run(settings, get_registry())
    clean, white, transfer = Store(summary.folder).cells()
    assert "surrogates" not in white.cell["attack"]
    (surrogate,) = transfer.cell["attack"]["surrogates"]
    assert surrogate["weights"] != clean.cell["model"]["weights"]
    assert not np.array_equal(white.predictions().logits, transfer.predictions().logits)
    assert "from surrogates" in describe_cell(transfer.cell)
