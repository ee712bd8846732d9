"""``avplug weights``, and what ``avplug run`` says of weights that are no use."""

import json
import pickle
from pathlib import Path

import pytest
import torch

from avplug.builtin_models.cavmae import CAVMAE
from avplug.builtin_models.hooks import avplug_models
from avplug.builtin_models.uavm import UAVM
from avplug.core.checkpoints import read_checkpoint
from tests.bench.toys import LABELS, SIZES, checkpoint
from tests.core.server import serving

OPTIONS = [w for k, v in SIZES.items() for w in ("-o", f"model.{k}={v}")]
SMALL = ["--limit", "4", "-c", "gaussian", "-s", "5", "--device", "cpu"]


class Harmful:
    ran = False

    def __reduce__(self):
        return (setattr, (Harmful, "ran", True))


def state(labels=LABELS, **sizes):
    torch.manual_seed(7)
    return CAVMAE(labels, **{**SIZES, **sizes}).state_dict()


def spoilt(kind: str, folder: Path) -> Path:
    path = folder / "net.pth"
    if kind == "wrong architecture":
        torch.save({"conv1.weight": torch.ones(3), "fc.bias": torch.ones(2)}, path)
    elif kind == "other size":
        torch.save(state(width=32), path)
    elif kind == "pickled code":
        torch.save({**state(), "hook": Harmful()}, path)
    elif kind == "bare pickle":
        path.write_bytes(pickle.dumps({"a": Harmful()}))
    elif kind != "missing":
        torch.save(state(), path)
        whole = path.read_bytes()
        path.write_bytes(
            {
                "truncated": whole[: len(whole) // 2],
                "corrupt": b"\x00" * 64 + whole[64:],
                "pointer": b"version https://git-lfs.github.com/spec/v1\noid sha256:0",
                "page": b"<!DOCTYPE html><html>Virus scan warning</html>",
            }[kind]
        )
    return path


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("missing", "There is no checkpoint at '{path}'"),
        ("truncated", "'{path}' is damaged or of another format"),
        ("corrupt", "'{path}' is damaged or no checkpoint"),
        ("pointer", "'{path}' is no checkpoint: it is a Git LFS pointer"),
        ("page", "'{path}' is no checkpoint: it is a web page"),
        ("pickled code", "'{path}' is refused: it holds pickled code"),
        ("bare pickle", "'{path}' is "),
        ("wrong architecture", "This looks like a checkpoint of another model."),
        ("other size", "of another shape: modality_a [1, 1, 32] for [1, 1, 16]"),
    ],
)
def test_weights_that_are_no_use_are_one_clear_error(avplug, tmp_path, kind, said):
    path = spoilt(kind, tmp_path)
    out = tmp_path / "run"
    result = avplug(
        *("run", "--model", "cav-mae", "--weights", str(path), *OPTIONS, *SMALL),
        *("--out", str(out)),
    )
    assert result.exit_code == 2
    assert said.format(path=path) in result.stderr
    assert result.stderr.count("Error:") == 1
    assert len(result.stderr.splitlines()) <= 2
    assert "Traceback" not in result.output
    assert not out.exists()
    assert not Harmful.ran


def test_a_run_takes_weights_from_an_address(avplug, tmp_path, monkeypatch):
    monkeypatch.delenv("AVPLUG_OFFLINE")
    body = Path(checkpoint(tmp_path)).read_bytes()
    with serving(body) as server:
        server.drops = 1
        command = [
            *("run", "--weights", f"{server.url}/toy.safetensors", *SMALL),
            *("--out", str(tmp_path / "run")),
        ]
        result = avplug(*command)
        assert result.exit_code == 0, result.output
        assert "Fetching http://127.0.0.1" in result.stderr
        again = avplug(*command)
    assert "0 cells computed, 2 found finished" in again.stderr
    assert [asked is None for _, asked, _ in server.requests] == [True, False]


def test_fetch_prints_the_path(avplug, tmp_path, monkeypatch):
    monkeypatch.delenv("AVPLUG_OFFLINE")
    body = Path(checkpoint(tmp_path)).read_bytes()
    with serving(body) as server:
        result = avplug("weights", "fetch", f"{server.url}/toy.safetensors")
        assert result.exit_code == 0, result.output
        assert Path(result.stdout.strip()).read_bytes() == body
        server.status = 404
        result = avplug("weights", "fetch", f"{server.url}/gone.safetensors")
        assert result.exit_code == 2
        assert "HTTP 404" in result.stderr


def test_a_non_commercial_licence_is_shown_and_must_be_accepted(avplug):
    result = avplug("weights", "fetch", "imagebind/huge")
    assert result.exit_code == 2
    assert "licence: CC-BY-NC-SA-4.0" in result.stderr
    assert "no commercial use" in result.stderr
    assert "add --accept-license" in result.stderr
    agreed = avplug("weights", "fetch", "imagebind/huge", "--accept-license")
    assert "AVPLUG_OFFLINE forbids downloads" in agreed.stderr


def test_a_run_downloads_nothing_that_nobody_named(avplug, tmp_path, monkeypatch):
    monkeypatch.delenv("AVPLUG_OFFLINE")
    result = avplug("run", "--model", "audioclip", "--out", str(tmp_path / "o"))
    assert result.exit_code == 2
    assert "Weights 'full' of 'audioclip' are not on this machine." in result.stderr
    assert "avplug weights fetch audioclip/full" in result.stderr
    named = avplug("run", "--model", "imagebind", "--weights", "huge")
    assert "avplug weights fetch imagebind/huge --accept-license" in named.stderr


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("cav-mae/vgg_65", "Did you mean 'cav-mae/vgg_65.5'?"),
        ("vgg_65.6", "no weights of that name are known"),
        ("cav_mae_ks50", "Fetch it yourself from https://drive.google.com"),
        ("hf:nobody", "names no file on the Hugging Face hub"),
    ],
)
def test_what_cannot_be_fetched_is_told(avplug, name, said):
    result = avplug("weights", "fetch", name)
    assert result.exit_code == 2
    assert said in result.stderr


def test_the_list_is_complete_and_plain_data(avplug, avplug_json):
    rows = avplug_json("weights", "list")
    assert {"cav-mae", "uavm", "equiav", "audioclip", "wav2clip", "imagebind"} <= {
        row["model"] for row in rows
    }
    names = [(row["model"], row["name"]) for row in rows]
    assert len(set(names)) == len(names)
    for row in rows:
        assert row["page"] or row["name"] == "events"
        for file in row["files"].values():
            assert file["source"] or file["page"]
            assert set(file["sha256"]) <= set("0123456789abcdef")
    (full,) = (row for row in rows if row["name"] == "full")
    assert full["files"][""]["size"] == 537_302_068
    assert full["files"][""]["here"] is False
    assert len(avplug_json("weights", "list", "uavm")) == 6
    shown = avplug("weights", "list", "cav-mae").stdout
    assert "cav-mae/vgg_65.5" in shown
    assert "audioclip" not in shown


def test_verify_tells_what_a_file_is_and_what_it_fits(avplug, avplug_json, tmp_path):
    path = tmp_path / "net.pth"
    torch.save({f"module.{k}": v for k, v in state().items()}, path)
    result = avplug("weights", "verify", str(path), "--json")
    about = json.loads(result.stdout)
    assert about["format"] == "torch zip"
    assert about["prefix"] == "module."
    assert about["tensors"] == len(state())
    assert about["values"] == sum(v.numel() for v in state().values())
    assert (about["classes"], about["classes_from"]) == (12, "mlp_head.1.weight")
    assert result.exit_code == 1
    compared = avplug("weights", "verify", str(path), "--model", "cav-mae:tiny")
    assert compared.exit_code == 1
    assert "does not fit cav-mae:tiny" in compared.stdout
    assert "missing: " in compared.stdout
    own = checkpoint(tmp_path)
    fitting = [f for f in avplug_json("weights", "verify", own)["models"] if f["fits"]]
    assert {f["model"].partition(":")[0] for f in fitting} == {"cav-mae"}


def test_verify_takes_parts_and_convert_makes_one_file_of_them(avplug, tmp_path):
    torch.save({"module.w": torch.ones(2)}, tmp_path / "a.pth")
    torch.save({"w": torch.zeros(3)}, tmp_path / "b.pth")
    parts = f"audio={tmp_path / 'a.pth'},visual={tmp_path / 'b.pth'}"
    about = json.loads(avplug("weights", "verify", parts, "--json").stdout)
    assert set(about["parts"]) == {"audio", "visual"}
    assert about["tensors"] == 2
    target = tmp_path / "one.safetensors"
    result = avplug("weights", "convert", parts, str(target))
    assert result.exit_code == 0, result.output
    written = read_checkpoint(target)
    assert written.tensors.keys() == {"audio.w", "visual.w"}
    assert result.stdout.split() == [written.sha256, str(target)]
    assert written.metadata["converted_from"] == about["sha256"]
    refused = avplug("weights", "convert", parts, str(tmp_path / "one.pth"))
    assert refused.exit_code == 2


@pytest.mark.parametrize("last", ["transformer", "audio", "visual"])
def test_verify_counts_a_models_classes_whatever_else_is_in_the_parts(
    avplug_json, tmp_path, last
):
    """Both ConvNeXts come with classifiers of their own, which nothing uses."""
    (spec,) = (spec for spec in avplug_models() if spec.name == "uavm")
    own = UAVM(tuple("abcde"), **spec.variants["tiny"]).state_dict()
    extra = {"weight": torch.ones(1000, 64), "bias": torch.ones(1000)}
    paths = []
    for part in sorted(("transformer", "audio", "visual"), key=last.__eq__):
        tensors = {
            name.removeprefix(f"{part}."): tensor
            for name, tensor in own.items()
            if name.startswith(f"{part}.")
        }
        if part == "visual":
            tensors |= {f"classifier.2.{name}": t for name, t in extra.items()}
        torch.save(tensors, tmp_path / f"{part}.pth")
        paths.append(f"{part}={tmp_path / part}.pth")
    about = avplug_json("weights", "verify", ",".join(paths), "--model", "uavm:tiny")
    assert about["format"] == "torch zip"
    assert [fit["fits"] for fit in about["models"]] == [True]


def test_verify_downloads_nothing(avplug):
    result = avplug("weights", "verify", "audioclip/full")
    assert result.exit_code == 2
    assert "avplug weights fetch audioclip/full" in result.stderr
