"""Defences that break a promise where a first glance does not look."""

import sys

import pytest
import torch

from avplug.core.defense import Defense
from tests.testing.healthy import caught_by, failures, healthy, quiet_tests

SPEC, Sound = healthy("defense")


@caught_by("defense/pure")
class SmoothsTheLabelsInPlace(Sound):
    def objective(self, model, batch, labels, moment):
        loss = super().objective(model, batch, labels, moment)
        labels[0] = labels[1]
        return loss


@caught_by("defense/pure")
class AsksForGradientsOfTheBatch(Sound):
    def objective(self, model, batch, labels, moment):
        batch.waveform.requires_grad_()
        return super().objective(model, batch, labels, moment)


@caught_by("defense/gradients")
class CraftsByBackward(Sound):
    def objective(self, model, batch, labels, moment):
        torch.autograd.backward(super().objective(model, batch, labels, moment))
        for name, parameter in model.named_parameters():
            if not name.startswith("head"):
                parameter.grad = None
        return super().objective(model, batch, labels, moment)


@caught_by("defense/several-labels")
class OneLabelOnly(Sound):
    def objective(self, model, batch, labels, moment):
        return torch.nn.functional.cross_entropy(
            model.classify(batch), torch.tensor([int(label) for label in labels])
        )


@caught_by("defense/checkpoint")
class RemembersOnTheSide(Sound):
    """What the training finds is an attribute, which no checkpoint holds."""

    def wrap(self, model):
        model.gain = 1.0
        model.head.register_forward_hook(lambda m, given, logits: logits * model.gain)
        return model

    def objective(self, model, batch, labels, moment):
        model.gain = 0.9
        return super().objective(model, batch, labels, moment)


@caught_by("defense/training-mode")
class FreezesANorm(Sound):
    def objective(self, model, batch, labels, moment):
        loss = super().objective(model, batch, labels, moment)
        model.norm_joint.eval()
        return loss


@caught_by("defense/training-mode")
class ForgetsTheFlags(Sound):
    def objective(self, model, batch, labels, moment):
        loss = super().objective(model, batch, labels, moment)
        model.seen.bias.requires_grad_(False)
        return loss


@caught_by("defense/elsewhere")
class HashesItsName(Sound):
    def objective(self, model, batch, labels, moment):
        loss = super().objective(model, batch, labels, moment)
        return loss + 1e3 * hash("weight") / 2**64


@caught_by("defense/surroundings")
class SeedsTorch(Sound):
    def objective(self, model, batch, labels, moment):
        torch.manual_seed(0)
        return super().objective(model, batch, labels, moment)


TestQuietly = quiet_tests(sys.modules[__name__], SPEC)


class WrapsOnly(Defense):
    """No objective of its own: a wrapper that rounds the answers' input."""

    def wrap(self, model):
        model.head.register_forward_pre_hook(lambda m, given: (given[0].clamp(-2, 2),))
        return model


@pytest.mark.parametrize("unusual", [WrapsOnly, type("Neutral", (Defense,), {})])
def test_the_unusual_is_not_refused(unusual):
    assert failures(SPEC, unusual) == {}
