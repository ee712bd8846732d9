"""Where a model hears the sound: three numbers, and maps kept with the cell."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st

from avplug.bench.localising import LocalisationWatch, compare, localises
from avplug.bench.runner import run
from avplug.bench.store import Store
from avplug.core.batch import Batch
from avplug.core.clip import ClipRef
from avplug.core.registry import get_registry
from tests.bench import toys
from tests.bench.toys_cvpr21 import checkpoint, network


def one_place(row, column, size=7):
    maps = torch.zeros(1, size, size)
    maps[0, row, column] = 1.0
    return maps


def test_the_numbers_of_two_maps_are_those_of_their_definitions():
    ((correlation, entropy, moved),) = compare(one_place(0, 0), one_place(3, 4))
    assert correlation == pytest.approx(-1 / 48)
    assert entropy == 0
    assert moved == pytest.approx(5 / 7)


def test_blurring_raises_the_entropy_and_a_flat_map_has_no_correlation():
    flat = torch.full((1, 7, 7), 1 / 49)
    ((correlation, entropy, _),) = compare(one_place(2, 2), flat)
    assert math.isnan(correlation)
    assert entropy == pytest.approx(math.log(49))


@given(st.integers(1, 5), st.integers(2, 7), st.integers(2, 7), st.integers(0, 99))
def test_a_map_compared_with_itself_has_not_moved(count, height, width, seed):
    scores = torch.randn(count, height * width, generator=_random(seed))
    maps = scores.softmax(1).view(count, height, width)
    found = compare(maps, maps)
    assert torch.allclose(found, torch.tensor([[1.0, 0.0, 0.0]]).double())


def _random(seed):
    return torch.Generator().manual_seed(seed)


def batch(count, seed=0):
    random = _random(seed)
    frames = torch.rand(count, 1, 3, 64, 64, generator=random)
    waveform = torch.rand(count, 8192, generator=random) - 0.5
    return Batch(frames, waveform, torch.full((count,), 8192))


def test_weights_of_the_places_sum_to_one_and_follow_the_sound():
    model = network(pool="localised").eval()
    tokens = model.encode(batch(3))
    maps = model.localisation(tokens)
    assert maps.shape[:2] == (3, 1)
    assert torch.allclose(maps.sum((-2, -1)), torch.ones(3, 1))
    assert localises(model)
    assert not localises(network())


def test_numbers_are_over_all_clips_and_maps_of_those_asked_for_once():
    model = network(pool="localised").eval()
    refs = [ClipRef(f"clip-{i}", (0,)) for i in range(4)]
    watch = LocalisationWatch(model, {"clip-1", "clip-3"})
    watch.see(refs, batch(4), batch(4, seed=1))
    watch.see(refs, batch(4), batch(4, seed=2))
    assert watch.facts()["clips"] == 8
    maps = watch.maps()
    assert maps is not None
    assert list(maps.ids) == ["clip-1", "clip-3"]
    assert maps.frames.dtype == np.uint8
    assert maps.frames.shape == (2, 64, 64, 3)
    assert maps.before.sum((1, 2)) == pytest.approx(1.0)
    assert not np.array_equal(maps.frames, maps.attacked)


def test_a_model_that_does_not_localise_leaves_nothing():
    watch = LocalisationWatch(network(), {"clip-0"})
    watch.see([ClipRef("clip-0", (0,))], batch(1), batch(1, seed=1))
    assert watch.facts() == {}
    assert watch.maps() is None


@pytest.fixture
def attacked(tmp_path):
    config = toys.config(
        tmp_path,
        models=("cvpr21",),
        weights=(checkpoint(tmp_path, pool="localised"),),
        corruptions=(),
        attacks=("fgsm",),
        attack_senses=("v",),
        limit=6,
        localisation=2,
    )
    run(config, get_registry())
    return Store(tmp_path / "run")


def test_an_attacked_cell_keeps_its_maps_and_their_shift(attacked):
    plain, cell = attacked.cells()
    assert plain.maps() is None
    maps = cell.maps()
    assert len(maps.ids) == 2
    shift = cell.record["attack"]["localisation"]
    assert shift["clips"] == 6
    assert -1 <= shift["correlation"] <= 1
    assert 0 <= shift["moved"] <= math.sqrt(2)


def test_maps_that_were_changed_on_disk_set_the_cell_aside(attacked):
    cell = attacked.cells()[1]
    (cell.folder / "maps.npz").write_bytes(b"changed")
    assert attacked.get(cell.id) is None
    # Readers move nothing.
    assert not (attacked.folder / "damaged").exists()
    assert attacked.recover(cell.id) is None
    assert (attacked.folder / "damaged").is_dir()
