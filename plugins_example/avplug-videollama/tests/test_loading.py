"""Checkpoints: folders of both layouts, formats, what cannot be loaded."""

from __future__ import annotations

import builtins
import json
import sys

import pytest
import torch
from avplug_videollama.loading import load
from safetensors.torch import load_file, save_file

from avplug import UsageError
from avplug.core.errors import MissingExtraError, WeightsError


def test_a_folder_is_loaded_as_saved(folder, make, clips):
    source, plain, _ = load("random", "auto", "")
    found, tokenizer, _ = load(str(folder), "auto", "")
    assert not found.training
    tensors = dict(found.named_parameters())
    for name, tensor in source.named_parameters():
        assert torch.equal(tensors[name], tensor * 0.9)
        assert not tensors[name].requires_grad
    text = "a dog<|im_end|>"
    assert tokenizer(text)["input_ids"] == plain(text)["input_ids"]
    with torch.no_grad():
        scores = [
            make(weights=weights)(*clips(1)) for weights in ("random", str(folder))
        ]
    assert (scores[0] - scores[1]).abs().max() > 1e-3


def test_a_folder_as_the_hub_holds_it(folder):
    """The thinker lies beside the parts that speak, in an older naming."""
    path = folder / "model.safetensors"
    tensors = {f"thinker.{name}": tensor for name, tensor in load_file(path).items()}
    tensors["talker.thinker_to_talker_proj.bias"] = torch.zeros(4)
    save_file(tensors, path, metadata={"format": "pt"})
    config = json.loads((folder / "config.json").read_text())
    whole = {"model_type": "qwen2_5_omni", "thinker_config": config}
    (folder / "config.json").write_text(json.dumps(whole))
    found, _, _ = load(str(folder), "auto", "")
    source, _, _ = load("random", "auto", "")
    for one, other in zip(found.parameters(), source.parameters(), strict=True):
        assert torch.equal(one, other * 0.9)


def test_number_format_of_a_folder(folder):
    assert load(str(folder), "bfloat16", "")[0].dtype == torch.bfloat16


def test_a_device_map(folder, make, clips):
    pytest.importorskip("accelerate")
    plain = make(weights=str(folder))
    spread = make(weights=str(folder), device_map="cpu")
    assert spread.to("meta") is spread
    with torch.no_grad():
        assert torch.allclose(plain(*clips(1)), spread(*clips(1)))


def test_a_damaged_folder(folder):
    path = folder / "model.safetensors"
    tensors = load_file(path)
    tensors.popitem()
    save_file(tensors, path, metadata={"format": "pt"})
    with pytest.raises(WeightsError, match="lacks 1 tensors"):
        load(str(folder), "auto", "")


def test_a_folder_of_another_model(folder):
    (folder / "config.json").write_text(json.dumps({"model_type": "bert"}))
    with pytest.raises(WeightsError, match="checkpoint of 'bert', which is not"):
        load(str(folder), "auto", "")


def other_sizes(folder):
    path = folder / "config.json"
    config = json.loads(path.read_text())
    config["text_config"]["intermediate_size"] = 48
    path.write_text(json.dumps(config))


def half(folder):
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:100_000])


def pointer(folder):
    text = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 3\n"
    (folder / "model.safetensors").write_text(text)


def pickled(folder):
    tensors = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    torch.save(tensors, folder / "pytorch_model.bin")


def no_tokenizer(folder):
    for path in folder.glob("tokenizer*"):
        path.unlink()


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (other_sizes, r"has other sizes of 6 tensors, such as 'model.language_model"),
        (half, "has a damaged file of weights: .*not fully covered"),
        (pointer, "has a damaged file of weights: .*Git LFS"),
        (pickled, "no file named model.safetensors"),
        (no_tokenizer, "has no tokeniser that can be read"),
        (lambda f: (f / "config.json").write_text("<html>"), "has no config.json"),
        (lambda f: (f / "config.json").write_text("[]"), "has no config.json"),
        (lambda f: (f / "config.json").unlink(), "has no config.json"),
    ],
)
def test_what_is_wrong_with_a_folder_is_told(folder, damage, said):
    damage(folder)
    with pytest.raises(WeightsError, match=said):
        load(str(folder), "auto", "")


@pytest.mark.parametrize("name", ["gpu7", "cuda:99"])
def test_a_device_that_is_not_there(name, folder):
    with pytest.raises(UsageError, match=f"'{name}' is no device of this machine"):
        load(str(folder), "auto", name)


def test_without_transformers(monkeypatch, make):
    for name in list(sys.modules):
        if name.startswith("avplug_videollama.") and not name.endswith(
            (".model", ".prompts", ".answers")
        ):
            monkeypatch.delitem(sys.modules, name)
    imported = builtins.__import__

    def without(name, *rest, **more):
        if name.partition(".")[0] == "transformers":
            raise ModuleNotFoundError("No module named 'transformers'")
        return imported(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingExtraError, match="pip install 'transformers"):
        make()
