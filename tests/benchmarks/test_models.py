"""What the benchmark of the models takes for bare arithmetic is all of it."""

from __future__ import annotations

import sys

import pytest
import torch
from hypothesis import given, strategies as st
from torch.nn.attention import SDPBackend, sdpa_kernel

from benchmarks.models import (
    MODELS,
    Recorder,
    arithmetic_of,
    flops_of,
    main,
    make_batch,
    make_model,
    replay,
    stand_in,
)


@pytest.mark.parametrize("name", MODELS)
@torch.no_grad()
def test_bare_arithmetic_has_all_flops_of_the_forward(name: str) -> None:
    model = make_model(MODELS[name], "tiny")
    batch = make_batch(model, 2)
    # Only plain products of attention are counted.
    with sdpa_kernel(SDPBackend.MATH):
        bare = arithmetic_of(model, batch)
    flops = flops_of(lambda: replay(bare))
    assert flops == flops_of(lambda: model.classify(batch)) > 0


@torch.no_grad()
def test_weights_are_the_models_own_and_other_inputs_are_not() -> None:
    layer = torch.nn.Linear(3, 2)
    recorder = Recorder(layer.parameters())
    with recorder:
        layer(torch.zeros(1, 3))
    (call,) = recorder.calls
    assert not torch.equal(call(), layer(torch.zeros(1, 3)))
    layer.weight.zero_()
    assert torch.equal(call(), layer.bias[None])


def test_what_only_moves_data_is_not_arithmetic() -> None:
    recorder = Recorder([])
    with recorder:
        row = torch.ones(2, 3).transpose(0, 1).contiguous().view(6)
        torch.cat([row, row[:2]]) + 1
    assert len(recorder.calls) == 1


@given(
    shape=st.lists(st.integers(1, 4), min_size=1, max_size=3),
    copies=st.integers(1, 3),
    dtype=st.sampled_from([torch.float32, torch.float64, torch.complex64, torch.int64]),
)
def test_a_stand_in_has_the_same_layout(
    shape: list[int], copies: int, dtype: torch.dtype
) -> None:
    turned = torch.zeros(shape, dtype=dtype).transpose(0, -1)
    tensor = turned.expand(copies, *turned.shape)
    other = stand_in(tensor)
    assert (other.dtype, other.shape) == (tensor.dtype, tensor.shape)
    assert other.stride() == tensor.stride()
    assert other.abs().max() <= 2**0.5


def test_a_row_for_each_batch_size(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    given_ = ["models.py", "--models", "clip", "--batch", "1,2", "--variant", "tiny"]
    monkeypatch.setattr(sys, "argv", [*given_, "--rounds", "1"])
    threads = torch.get_num_threads()
    main()
    torch.set_num_threads(threads)
    rows = capsys.readouterr().out.splitlines()[2:]
    assert [row.split(" | ")[:2] for row in rows] == [["| clip", "1"], ["| clip", "2"]]
