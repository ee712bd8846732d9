"""Where a model computes."""

from __future__ import annotations

import torch
from torch import nn

from avplug.bench.compute import device_of
from avplug.bench.planning import make_plan
from avplug.bench.runner import run
from avplug.core.registry import get_registry
from tests.bench.toys import config

SOURCE = '''
import torch

from avplug import InputSpec, Model


class Loud(Model):
    """Answers by the loudness alone; has nothing to learn."""

    def __init__(self, labels):
        super().__init__(labels)
        self.input = InputSpec(size=32, grid=1, picks=(0,))

    def forward(self, frames, waveform):
        level = waveform.square().mean(1, keepdim=True)
        return level * torch.arange(len(self.labels), device=level.device)
'''


def test_the_device_of_parameters_buffers_and_nothing():
    meta = torch.device("meta")
    assert device_of(nn.Linear(1, 1, device="meta")) == meta
    only = nn.Module()
    only.register_buffer("table", torch.zeros(1, device="meta"))
    assert device_of(only) == meta
    assert device_of(nn.Identity()) == torch.device("cpu")


def test_a_model_without_parameters_runs(tmp_path):
    (tmp_path / "loud.py").write_text(SOURCE)
    settings = config(
        tmp_path,
        models=(f"{tmp_path / 'loud.py'}:Loud",),
        weights=(),
        corruptions=("gaussian",),
        severities=(5,),
    )
    assert len(make_plan(settings, get_registry()).cells) == 2
    done = run(settings, get_registry())
    assert (done.computed, done.failed) == (2, {})
