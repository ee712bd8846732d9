"""A network small enough to be saved and loaded in every test."""

from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import nn

from avplug.core.clip import InputSpec
from avplug.core.model import Model
from avplug.core.weights import read_checkpoint


class Net(Model):
    input = InputSpec(size=8, seconds=1)

    def __init__(self, labels: tuple[str, ...], width: int = 4) -> None:
        super().__init__(labels, width=width)
        self.body = nn.Linear(3, width)
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, len(labels))

    def adapt_state(self, tensors: dict) -> dict:
        return {k: v for k, v in tensors.items() if k != "extra"}


def same(first: dict, second: dict) -> bool:
    return first.keys() == second.keys() and all(
        torch.equal(first[name], second[name]) for name in first
    )


def checkpoint_of(tmp_path: Path, tensors: dict) -> object:
    path = tmp_path / "other.safetensors"
    save_file(tensors, path)
    return read_checkpoint(path)
