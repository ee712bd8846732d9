"""Gradients of models that use one sense, and of models that have none."""

from __future__ import annotations

import pytest
import torch

from avplug.builtin_attacks.iterative import PGD
from avplug.core.attack import Budget, ThreatModel
from avplug.core.errors import CapabilityError
from tests.builtin_attacks.tinyav import TinyAV, clips, labels_of, randoms

VIDEO = Budget("linf", 0.03, (0.0, 1.0), "pixel")
AUDIO = Budget("linf", 0.01, (-1.0, 1.0), "amplitude")


class Hears(TinyAV):
    """Answers from the sound alone."""

    def classify(self, batch):
        tokens = self.encode(batch)
        return self.unimodal(tokens).audio


class Silent(TinyAV):
    """Hides its gradient."""

    def classify(self, batch):
        return super().classify(batch).detach()


def attacked(model, threat):
    batch = clips()
    attack = PGD(steps=2)
    return batch, attack.perturb(model, batch, labels_of(model), threat, randoms())


def test_a_sense_that_is_not_used_has_nothing_to_follow():
    batch, found = attacked(Hears().eval(), ThreatModel(VIDEO, None))
    assert torch.equal(found.batch.frames, batch.frames)
    assert found.flat.all()


def test_the_other_sense_is_attacked_all_the_same():
    batch, found = attacked(Hears().eval(), ThreatModel(VIDEO, AUDIO))
    assert torch.equal(found.batch.frames, batch.frames)
    assert not torch.equal(found.batch.waveform, batch.waveform)
    assert not found.flat.any()


def test_a_model_without_any_gradient_is_told():
    with pytest.raises(CapabilityError, match="gives no gradient"):
        attacked(Silent().eval(), ThreatModel(VIDEO, None))
