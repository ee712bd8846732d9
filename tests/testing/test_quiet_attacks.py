"""Attacks that break a promise where a first glance does not look."""

import sys
from dataclasses import replace

import numpy as np
import torch

from avplug.core.attack import Attack, Attacked
from avplug.core.errors import CapabilityError
from tests.testing.healthy import caught_by, failures, healthy, quiet_tests

SPEC, Sound = healthy("attack")


def altered(result, **parts):
    return replace(result, batch=replace(result.batch, **parts))


@caught_by("attack/inside-the-ball")
class TooFarInTheSoundOnly(Sound):
    def perturb(self, model, batch, labels, threat, randoms):
        larger = replace(threat, audio=threat.audio and threat.audio.scaled(1.01))
        return super().perturb(model, batch, labels, larger, randoms)


@caught_by("attack/inside-the-ball")
class ForgetsTheColours(Sound):
    def perturb(self, model, batch, labels, threat, randoms):
        if threat.video and len(threat.video.scale) > 1:
            threat = replace(threat, video=replace(threat.video, scale=(1.0,)))
        return super().perturb(model, batch, labels, threat, randoms)


@caught_by("attack/inside-the-ball")
class HasALeastStep(Sound):
    """What is smaller than a thousandth of full scale is made as large."""

    def perturb(self, model, batch, labels, threat, randoms):
        audio = threat.audio
        if audio and 0 < audio.epsilon < 0.01:
            threat = replace(threat, audio=replace(audio, epsilon=0.01))
        return super().perturb(model, batch, labels, threat, randoms)


@caught_by("attack/inside-the-ball")
class TwoBallsForOne(Sound):
    def perturb(self, model, batch, labels, threat, randoms):
        return super().perturb(
            model, batch, labels, replace(threat, joint=False), randoms
        )


@caught_by("attack/inside-the-bounds")
class LoudSoundGetsLouder(Sound):
    def perturb(self, model, batch, labels, threat, randoms):
        result = super().perturb(model, batch, labels, threat, randoms)
        loud = batch.waveform.abs() > 1
        if not loud.any():
            return result
        shift = result.batch.waveform + loud * 0.1
        return altered(result, waveform=shift)


@caught_by("attack/no-graph")
class KeepsTheGraph(Sound):
    def perturb(self, model, batch, labels, threat, randoms):
        result = super().perturb(model, batch, labels, threat, randoms)
        return altered(result, frames=result.batch.frames.requires_grad_())


@caught_by("attack/shape")
class ReturnsDoubles(Sound):
    def perturb(self, model, batch, labels, threat, randoms):
        result = super().perturb(model, batch, labels, threat, randoms)
        return altered(result, waveform=result.batch.waveform.double())


@caught_by("attack/model-untouched")
class LeavesGradients(Sound):
    def perturb(self, model, batch, labels, threat, randoms):
        with torch.enable_grad():
            torch.autograd.backward(model.classify(batch).sum())
        return super().perturb(model, batch, labels, threat, randoms)


@caught_by("attack/model-untouched")
class LeavesAHook(Sound):
    def perturb(self, model, batch, labels, threat, randoms):
        result = super().perturb(model, batch, labels, threat, randoms)
        model.head.register_forward_hook(lambda module, given, logits: logits / 2)
        return result


@caught_by("attack/model-untouched")
class TrainsOneLayer(Sound):
    def perturb(self, model, batch, labels, threat, randoms):
        model.norm_joint.train()
        return super().perturb(model, batch, labels, threat, randoms)


@caught_by("attack/place-in-the-batch")
class DrawsByRow(Sound):
    """From the first clip's stream alone, one row after the other."""

    def perturb(self, model, batch, labels, threat, randoms):
        result = super().perturb(model, batch, labels, threat, randoms)
        share = torch.linspace(0.2, 1, len(batch)).view(-1, 1, 1, 1, 1)
        shift = result.batch.frames - batch.frames
        return altered(result, frames=batch.frames + share * shift)


@caught_by("attack/stateless")
class GoesOnWithItsMomentum(Sound):
    momentum = 0

    def perturb(self, model, batch, labels, threat, randoms):
        result = super().perturb(model, batch, labels, threat, randoms)
        shift = result.batch.frames - batch.frames
        share = 1 / (1 + self.momentum)
        self.momentum += 1
        return altered(result, frames=batch.frames + share * shift)


@caught_by("attack/several-labels")
class OneLabelOnly(Sound):
    def perturb(self, model, batch, labels, threat, randoms):
        labels.view(-1)[: len(batch)].tolist()
        rows = [int(label) for label in labels]
        return super().perturb(model, batch, torch.tensor(rows), threat, randoms)


@caught_by("attack/pure")
class AsksForGradientsInPlace(Sound):
    def perturb(self, model, batch, labels, threat, randoms):
        result = super().perturb(model, batch, labels, threat, randoms)
        if not threat.joint:
            batch.waveform.requires_grad_()
        return altered(result, waveform=result.batch.waveform.detach())


@caught_by("attack/pure")
class WritesToTheLabels(Sound):
    def perturb(self, model, batch, labels, threat, randoms):
        result = super().perturb(model, batch, labels, threat, randoms)
        labels.flip(0)
        labels[0] = labels[1]
        return result


@caught_by("attack/repeatable")
class StartsAtNumPysRandom(Sound):
    def perturb(self, model, batch, labels, threat, randoms):
        result = super().perturb(model, batch, labels, threat, randoms)
        shift = result.batch.frames - batch.frames
        return altered(result, frames=batch.frames + np.random.random() * shift)


@caught_by("attack/elsewhere")
class HashesItsName(Sound):
    def perturb(self, model, batch, labels, threat, randoms):
        result = super().perturb(model, batch, labels, threat, randoms)
        shift = result.batch.frames - batch.frames
        drawn = np.random.default_rng(hash("share") % 2**32)
        share = torch.from_numpy(drawn.random(shift[0].shape)).to(shift)
        return altered(result, frames=batch.frames + share * shift)


@caught_by("attack/surroundings")
class SeedsTorch(Sound):
    def perturb(self, model, batch, labels, threat, randoms):
        torch.manual_seed(0)
        return super().perturb(model, batch, labels, threat, randoms)


@caught_by("attack/surroundings")
class TurnsDeterminismOn(Sound):
    def perturb(self, model, batch, labels, threat, randoms):
        torch.use_deterministic_algorithms(True)
        return super().perturb(model, batch, labels, threat, randoms)


TestQuietly = quiet_tests(sys.modules[__name__], SPEC)


class Noise(Attack):
    """Asks the model nothing, and draws all from the clips' own streams."""

    def perturb(self, model, batch, labels, threat, randoms):
        if threat.joint or labels.ndim == 2:
            raise CapabilityError("Noise has one label and a ball for each sense.")
        parts = {"frames": batch.frames, "waveform": batch.waveform}
        inside = torch.arange(batch.waveform.shape[1]) < batch.lengths[:, None]
        for name, budget in (("frames", threat.video), ("waveform", threat.audio)):
            if budget is None:
                continue
            clean = parts[name]
            rows = [r.stream(name).generator() for r in randoms]
            drawn = [row.uniform(-1, 1, clean.shape[1:]) for row in rows]
            noise = torch.from_numpy(np.stack(drawn)).to(clean)
            if name == "waveform":
                noise = noise * inside
            if budget.norm == "l2":
                size = noise.flatten(1).norm(dim=1).clamp(min=1e-9)
                noise = noise / size.view(-1, *[1] * (clean.ndim - 1))
            moved = clean + 0.999 * budget.radius(clean) * noise
            parts[name] = budget.bounded(moved, clean)
        count = len(batch)
        flat = torch.zeros(count, dtype=torch.bool)
        made = replace(batch, **parts)
        return Attacked(made, 0, 0, torch.full((1, count), float("nan")), flat)


def test_the_unusual_is_not_refused():
    assert failures(replace(SPEC, needs=()), Noise) == {}
