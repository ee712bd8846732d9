"""Weights that get into a model: what fits, what is shared, what is drawn."""

from pathlib import Path

import pytest
import torch
from torch import nn

from avplug.core.errors import WeightsError
from avplug.core.weights import (
    build_from,
    load_into,
    read_checkpoint,
    save_checkpoint,
    without_initialisation,
)
from tests.core.nets import Net, checkpoint_of, same


def test_misfits_are_named_and_nothing_is_loaded(tmp_path: Path, net: Net) -> None:
    tensors = {name: torch.zeros_like(t) for name, t in net.state_dict().items()}
    del tensors["norm.weight"]
    tensors |= {f"decoder.{i}": torch.ones(1) for i in range(5)}
    tensors["head.bias"] = torch.zeros(309)
    before = {name: t.clone() for name, t in net.state_dict().items()}
    with pytest.raises(WeightsError) as caught:
        load_into(net, checkpoint_of(tmp_path, tensors))
    text = str(caught.value)
    assert "other.safetensors' does not fit Net." in text
    assert "missing: norm.weight;" in text
    assert "unexpected: decoder.0, decoder.1, decoder.2 and 2 more;" in text
    assert "of another shape: head.bias [309] for [2]." in text
    assert "another model" not in text
    assert same(net.state_dict(), before)


def test_a_checkpoint_of_another_model_is_called_so(tmp_path: Path, net: Net) -> None:
    with pytest.raises(WeightsError, match="looks like a checkpoint of another model"):
        load_into(net, checkpoint_of(tmp_path, {"conv.weight": torch.ones(1)}))


def test_the_model_adapts_published_names(tmp_path: Path, net: Net) -> None:
    tensors = {name: t.clone() for name, t in net.state_dict().items()}
    load_into(net, checkpoint_of(tmp_path, {**tensors, "extra": torch.ones(1)}))
    assert same(net.state_dict(), tensors)


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_what_is_loaded_is_mapped_and_the_file_stays_as_it_is(
    tmp_path: Path, net: Net, suffix: str
) -> None:
    path = tmp_path / f"net{suffix}"
    if suffix == ".pth":
        torch.save(net.state_dict(), path)
    else:
        save_checkpoint(path, net)
    before = path.read_bytes()
    checkpoint = read_checkpoint(path)
    with without_initialisation():
        other = Net(("dog", "car"))
    load_into(other, checkpoint)
    if suffix == ".pth":
        mapped = checkpoint.tensors["body.weight"]
        assert other.body.weight.data_ptr() == mapped.data_ptr()
    assert all(p.requires_grad and p.is_leaf for p in other.parameters())
    other.body.weight.data.fill_(3.0)
    assert path.read_bytes() == before
    assert not same(read_checkpoint(path).tensors, other.state_dict())


@pytest.mark.parametrize("note", ["", "x", "xx" * 9, "x" * 40])
def test_the_file_around_the_tensors_changes_no_bit_of_the_answers(
    tmp_path: Path, note: str
) -> None:
    torch.manual_seed(0)
    net = Net(("dog", "car"), width=67)
    save_checkpoint(tmp_path / "net.safetensors", net, {"note": note})
    other = Net(("dog", "car"), width=67)
    load_into(other, read_checkpoint(tmp_path / "net.safetensors"))
    assert all(p.data_ptr() % 64 == 0 for p in other.parameters())
    rows = torch.randn(50, 67)
    assert torch.equal(other.head(rows), net.head(rows))


def test_types_stay_the_models_and_one_tensor_makes_no_two_parameters_one(
    tmp_path: Path,
) -> None:
    class Twice(Net):
        def adapt_state(self, tensors: dict) -> dict:
            return {**tensors, "norm.weight": tensors["norm.bias"]}

    net = Twice(("dog", "car"))
    state = {k: v.half() for k, v in net.state_dict().items() if k != "norm.weight"}
    load_into(net, checkpoint_of(tmp_path, state))
    assert all(p.dtype == torch.float32 for p in net.parameters())
    state = {k: v.float() for k, v in state.items()}
    load_into(net, checkpoint_of(tmp_path, state))
    net.norm.weight.data.add_(1)
    assert torch.equal(net.norm.bias, state["norm.bias"])


def test_nothing_is_drawn_without_initialisation() -> None:
    torch.manual_seed(3)
    before = torch.get_rng_state()
    with without_initialisation():
        nn.Linear(4, 4)
        nn.MultiheadAttention(8, 2)
        nn.Conv2d(3, 3, 3)
        assert nn.BatchNorm2d(2).running_var.tolist() == [1, 1]
    assert torch.equal(torch.get_rng_state(), before)
    assert nn.LayerNorm(2).weight.tolist() == [1, 1]
    assert not torch.equal(nn.Linear(4, 4).weight, nn.Linear(4, 4).weight)


class Unfinished(Net):
    """Keeps its own head, as a pre-trained network does."""

    def adapt_state(self, tensors: dict) -> dict:
        own = self.state_dict()
        return {**tensors, **{k: own[k] for k in ("head.weight", "head.bias")}}


def test_what_a_model_keeps_of_itself_has_its_initial_values_each_time_the_same(
    tmp_path: Path, net: Net
) -> None:
    state = {k: v for k, v in net.state_dict().items() if not k.startswith("head")}
    checkpoint = checkpoint_of(tmp_path, state)
    before = torch.get_rng_state()
    built = [build_from(lambda: Unfinished(("dog", "car")), checkpoint) for _ in "ab"]
    assert torch.equal(torch.get_rng_state(), before)
    assert same(built[0].state_dict(), built[1].state_dict())
    torch.manual_seed(0)
    assert torch.equal(built[0].head.weight, Unfinished(("dog", "car")).head.weight)
    assert torch.equal(built[0].body.weight, net.body.weight)
