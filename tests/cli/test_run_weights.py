"""``avplug run`` with checkpoints that are of no use: one clear error for each."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from avplug.builtin_models.cavmae import CAVMAE
from avplug.builtin_models.hooks import avplug_models
from avplug.builtin_models.wav2clip import Wav2CLIP
from tests.bench.toys import LABELS

TINY = {spec.name: spec.variants.get("tiny", {}) for spec in avplug_models()}


class Harmful:
    """Makes a folder, if it is unpickled."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return os.mkdir, (str(self.folder),)


@pytest.fixture(scope="module")
def good_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint of CAV-MAE, and both parts of one of Wav2CLIP."""
    folder = tmp_path_factory.mktemp("weights")
    whole = CAVMAE(LABELS, **TINY["cav-mae"]).state_dict()
    pair = Wav2CLIP(LABELS, **TINY["wav2clip"]).state_dict()
    heard = {name: t for name, t in pair.items() if name.startswith("audio_")}
    torch.save(whole, folder / "whole.pth")
    torch.save(heard, folder / "audio.pth")
    torch.save({k: t for k, t in pair.items() if k not in heard}, folder / "clip.pth")
    return folder


def spoil(path: Path, damage: str) -> None:
    content = bytearray(path.read_bytes())
    if damage == "corrupt":
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
    elif damage == "truncated":
        path.write_bytes(content[: len(content) // 2])
    elif damage == "of another model":
        torch.save({"conv1.weight": torch.zeros(3, 3)}, path)
    elif damage == "code":
        torch.save({"a": Harmful(path.parent / "harmed")}, path)
    else:
        path.unlink()


@pytest.mark.parametrize("model", ["cav-mae:tiny", "wav2clip:tiny"])
@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ("corrupt", "is damaged or of another format: Bad CRC-32"),
        ("truncated", "is damaged or of another format"),
        ("of another model", "unexpected: "),
        ("code", "is refused: it holds pickled code, not only tensors"),
        ("missing", "There is no checkpoint at"),
    ],
)
def test_a_useless_checkpoint_is_one_clear_error(
    avplug, good_files: Path, tmp_path: Path, model: str, damage: str, said: str
) -> None:
    shutil.copytree(good_files, tmp_path, dirs_exist_ok=True)
    whole, audio, clip = (tmp_path / f"{n}.pth" for n in ("whole", "audio", "clip"))
    bad = whole if model.startswith("cav-mae") else audio
    weights = str(whole) if bad == whole else f"audio={audio},clip={clip}"
    spoil(bad, damage)
    result = avplug(
        *("run", "--model", model, "--weights", weights, "--device", "cpu"),
        *("--dataset", "events", "--limit", "2", "--corruption", "gaussian"),
        *("--severity", "1", "--out", str(tmp_path / "out")),
    )
    assert result.exit_code == 2
    error = " ".join(result.stderr.split())
    assert error.count("Error: ") == 1
    assert said in error
    assert bad.name in error
    assert "Traceback" not in error
    assert not (tmp_path / "harmed").exists()
    assert not list((tmp_path / "out").glob("cells/*"))
