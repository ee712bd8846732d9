"""Checkpoints: written whole, read without running code, damage named."""

import hashlib
import json
import os
import pickle
import zipfile
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import nn

from avplug import __version__
from avplug.core.errors import WeightsError
from avplug.core.weights import load_into, read_checkpoint, read_parts, save_checkpoint
from tests.core.nets import Net, same


def test_what_is_saved_is_read_and_loaded(tmp_path: Path, net: Net) -> None:
    path = tmp_path / "new" / "net.safetensors"
    sha256 = save_checkpoint(
        path, net, {"model": "net", "variant": "tiny", "top1": 61.5}
    )
    checkpoint = read_checkpoint(path)
    assert checkpoint.sha256 == sha256
    assert sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert checkpoint.metadata == {
        "avplug": __version__,
        "class": f"{Net.__module__}:Net",
        "config": {"width": 4},
        "labels": ["dog", "car"],
        "outputs": "softmax",
        "model": "net",
        "variant": "tiny",
        "top1": 61.5,
    }
    other = Net(("dog", "car"))
    assert not same(other.state_dict(), net.state_dict())
    load_into(other, checkpoint)
    assert same(other.state_dict(), net.state_dict())


def test_equal_models_give_equal_files(tmp_path: Path, net: Net) -> None:
    paths = [tmp_path / f"{i}.safetensors" for i in (1, 2)]
    sums = {save_checkpoint(path, net, {"b": 1, "a": 2}) for path in paths}
    assert len(sums) == 1
    assert paths[0].read_bytes() == paths[1].read_bytes()
    with safe_open(paths[0], framework="pt") as file:
        assert json.loads(file.metadata()["avplug"])["a"] == 2


def test_a_failed_save_leaves_the_older_file_and_no_debris(
    tmp_path: Path, net: Net, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "net.safetensors"
    save_checkpoint(path, net)
    before = path.read_bytes()

    def full(_: int) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    nn.init.zeros_(net.body.weight)
    with pytest.raises(OSError, match="No space left"):
        save_checkpoint(path, net)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_only_safetensors_are_written(tmp_path: Path, net: Net) -> None:
    with pytest.raises(WeightsError, match=r"does not end in \.safetensors"):
        save_checkpoint(tmp_path / "net.pth", net)


@pytest.mark.parametrize("prefix", ["", "module.", "__M__.", "module.module."])
@pytest.mark.parametrize("modern", [True, False])
def test_state_dicts_of_torch_are_read(
    tmp_path: Path, net: Net, prefix: str, modern: bool
) -> None:
    path = tmp_path / "net.pth"
    state = {f"{prefix}{name}": t for name, t in net.state_dict().items()}
    torch.save(state, path, _use_new_zipfile_serialization=modern)
    checkpoint = read_checkpoint(path)
    assert same(checkpoint.tensors, net.state_dict())
    assert checkpoint.metadata == {}


def test_a_prefix_of_some_names_only_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "net.pt"
    torch.save({"module.a": torch.ones(1), "b": torch.ones(1)}, path)
    assert read_checkpoint(path).tensors.keys() == {"module.a", "b"}


def test_safetensors_of_others_are_read(tmp_path: Path) -> None:
    path = tmp_path / "net.safetensors"
    save_file({"module.a": torch.ones(2)}, path)
    checkpoint = read_checkpoint(path)
    assert checkpoint.tensors.keys() == {"a"}
    assert checkpoint.metadata == {}


class Harmful:
    ran = False

    def __reduce__(self) -> tuple:
        return (setattr, (Harmful, "ran", True))


@pytest.mark.parametrize("modern", [True, False])
def test_pickled_code_is_refused_and_never_runs(tmp_path: Path, modern: bool) -> None:
    path = tmp_path / "net.pth"
    torch.save(
        {"a": torch.ones(1), "b": Harmful()},
        path,
        _use_new_zipfile_serialization=modern,
    )
    with pytest.raises(WeightsError, match="is refused: it holds pickled code"):
        read_checkpoint(path)
    assert not Harmful.ran


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_a_plain_pickle_is_refused(tmp_path: Path, protocol: int) -> None:
    path = tmp_path / "net.pth"
    path.write_bytes(pickle.dumps(Harmful(), protocol))
    with pytest.raises(WeightsError, match=r"net\.pth' is refused"):
        read_checkpoint(path)
    assert not Harmful.ran


@pytest.mark.parametrize("suffix", [".safetensors", ".pt", ".pth"])
@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ("truncated", "is damaged or of another format"),
        ("empty", "is no checkpoint: it is an empty file"),
        ("page", "it is a web page, such as a sign-in"),
        ("pointer", "it is a Git LFS pointer, which only names the file"),
        ("garbage", "is damaged or no checkpoint: it begins like no known format"),
    ],
)
def test_damaged_files_are_named(
    tmp_path: Path, net: Net, suffix: str, damage: str, said: str
) -> None:
    path = tmp_path / f"net{suffix}"
    if suffix == ".safetensors":
        save_checkpoint(path, net)
    else:
        torch.save(net.state_dict(), path)
    content = path.read_bytes()
    path.write_bytes(
        {
            "truncated": content[: len(content) * 2 // 3],
            "empty": b"",
            "page": b"\n<!DOCTYPE html><html>Sign in to download</html>",
            "pointer": b"version https://git-lfs.github.com/spec/v1\noid sha256:24\n",
            "garbage": bytes(range(7, 207)),
        }[damage]
    )
    with pytest.raises(WeightsError, match=said) as caught:
        read_checkpoint(path)
    assert str(path) in str(caught.value)


def test_a_changed_byte_of_a_zipped_tensor_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "net.pth"
    torch.save({"a": torch.full((1000,), 0.1)}, path)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(
        WeightsError, match=r"is damaged .*Bad CRC-32 for file 'net/data"
    ):
        read_checkpoint(path)


def test_a_file_that_torch_saved_without_sums_is_read(tmp_path: Path) -> None:
    path = tmp_path / "net.pth"
    torch.serialization.set_crc32_options(False)
    try:
        torch.save({"a": torch.ones(1000)}, path)
    finally:
        torch.serialization.set_crc32_options(True)
    assert read_checkpoint(path).tensors["a"].sum() == 1000


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([torch.ones(1)], "holds a list, no state dict"),
        ({"model": {}, "epoch": 3}, "is no state dict: model, epoch is no tensor"),
    ],
)
def test_other_contents_are_refused(
    tmp_path: Path, content: object, message: str
) -> None:
    path = tmp_path / "net.pth"
    torch.save(content, path)
    with pytest.raises(WeightsError, match=message):
        read_checkpoint(path)


def test_missing_files_are_refused_and_endings_do_not_matter(
    tmp_path: Path, net: Net
) -> None:
    with pytest.raises(WeightsError, match="There is no checkpoint at"):
        read_checkpoint(tmp_path / "none.pth")
    with pytest.raises(WeightsError, match=r"Cannot read .*: Is a directory"):
        read_checkpoint(tmp_path)
    torch.save(net.state_dict(), tmp_path / "uc")
    checkpoint = read_checkpoint(tmp_path / "uc")
    assert checkpoint.format == "torch zip"
    assert same(checkpoint.tensors, net.state_dict())


@pytest.mark.parametrize("pad", range(8))
def test_formats_are_told_apart_whatever_their_first_byte(
    tmp_path: Path, pad: int
) -> None:
    # The first byte of safetensors is the length of its table: 0x80 is a pickle's, too.
    path = tmp_path / "x"
    lengths = set()
    for name in range(40):
        save_file({"a" * (name * 8 + pad + 1): torch.ones(1)}, path)
        lengths.add(path.read_bytes()[0])
        assert read_checkpoint(path).format == "safetensors"
    assert 0x80 in lengths


def test_parts_are_read_each_by_itself(tmp_path: Path) -> None:
    torch.save({"module.w": torch.ones(2)}, tmp_path / "a.pth")
    save_file({"w": torch.zeros(3)}, tmp_path / "b.safetensors")
    paths = {"audio": tmp_path / "a.pth", "visual": tmp_path / "b.safetensors"}
    whole = read_parts(paths)
    assert {k: list(v.shape) for k, v in whole.tensors.items()} == {
        "audio.w": [2],
        "visual.w": [3],
    }
    sums = {part: read_checkpoint(path).sha256 for part, path in paths.items()}
    assert whole.parts == sums
    assert whole.sha256 == read_parts(dict(reversed(paths.items()))).sha256
    swapped = {"audio": paths["visual"], "visual": paths["audio"]}
    assert whole.sha256 != read_parts(swapped).sha256
    single = read_parts({"": paths["audio"]})
    assert single.tensors.keys() == {"w"}
    assert (single.sha256, single.prefix) == (sums["audio"], "module.")


def test_a_torchscript_program_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "clip.pt"
    # The mark by which torch tells its programs: a file "constants.pkl" in the zip.
    with zipfile.ZipFile(path, "w") as file:
        for name in ("constants.pkl", "data.pkl", "version"):
            file.writestr(f"clip/{name}", b"3")
    with pytest.raises(WeightsError, match="refused: it is a TorchScript program"):
        read_checkpoint(path)
