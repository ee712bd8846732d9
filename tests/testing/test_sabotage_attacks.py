"""An attack that breaks one promise is caught by its check, and by no other."""

from dataclasses import replace

import torch

from tests.testing import test_quiet_attacks as quiet_ones
from tests.testing.healthy import (
    checks_of_marked,
    failures,
    healthy,
    names_of,
    sabotage_tests,
)

SPEC, Sound = healthy("attack")


def altered(result, **parts):
    return replace(result, batch=replace(result.batch, **parts))


class inside_the_ball(Sound):
    def perturb(self, model, batch, labels, threat, randoms):
        larger = replace(threat, video=threat.video and threat.video.scaled(1.2))
        return super().perturb(model, batch, labels, larger, randoms)


class inside_the_bounds(Sound):
    def perturb(self, model, batch, labels, threat, randoms):
        video = threat.video
        if video is not None and video.norm == "linf" and video.epsilon > 0.5:
            threat = replace(threat, video=replace(video, bounds=(-1.0, 2.0)))
        return super().perturb(model, batch, labels, threat, randoms)


class shape(Sound):
    def perturb(self, model, batch, labels, threat, randoms):
        result = super().perturb(model, batch, labels, threat, randoms)
        if not (threat.video and threat.video.epsilon and threat.audio):
            return result
        return altered(result, lengths=result.batch.lengths - 1)


class one_sense(Sound):
    def perturb(self, model, batch, labels, threat, randoms):
        threat = replace(threat, video=threat.video or threat.audio)
        threat = replace(threat, audio=threat.audio or threat.video)
        return super().perturb(model, batch, labels, threat, randoms)


class no_budget(Sound):
    def perturb(self, model, batch, labels, threat, randoms):
        result = super().perturb(model, batch, labels, threat, randoms)
        if threat.video is not None and threat.video.epsilon == 0:
            return altered(result, frames=1 - result.batch.frames)
        return result


class padding(Sound):
    def perturb(self, model, batch, labels, threat, randoms):
        result = super().perturb(model, batch, labels, threat, randoms)
        if threat.audio is None or not threat.audio.epsilon:
            return result
        waveform = result.batch.waveform.clone()
        waveform[waveform == 0] = 1e-9
        return altered(result, waveform=waveform)


class model_untouched(Sound):
    def perturb(self, model, batch, labels, threat, randoms):
        model.requires_grad_(True)
        return super().perturb(model, batch, labels, threat, randoms)


class batch_mates(Sound):
    def perturb(self, model, batch, labels, threat, randoms):
        result = super().perturb(model, batch, labels, threat, randoms)
        shift = result.batch.frames - batch.frames
        return altered(result, frames=batch.frames + shift * batch.frames.mean())


class labels_of_others(Sound):
    def perturb(self, model, batch, labels, threat, randoms):
        result = super().perturb(model, batch, labels, threat, randoms)
        shift = result.batch.frames - batch.frames
        share = (1 + labels.float().mean()) / 10
        return altered(result, frames=batch.frames + shift * share)


class repeatable(Sound):
    def perturb(self, model, batch, labels, threat, randoms):
        result = super().perturb(model, batch, labels, threat, randoms)
        shift = result.batch.frames - batch.frames
        share = 1 / (1 + torch.initial_seed() % 7)
        return altered(result, frames=batch.frames + shift * share)


class pure(Sound):
    def perturb(self, model, batch, labels, threat, randoms):
        result = super().perturb(model, batch, labels, threat, randoms)
        batch.lengths.sub_(1)
        return altered(result, lengths=batch.lengths + 1)


class hurts(Sound):
    def perturb(self, model, batch, labels, threat, randoms):
        result = super().perturb(model, batch, labels, threat, randoms)
        back = [
            2 * getattr(batch, n) - getattr(result.batch, n)
            for n in ("frames", "waveform")
        ]
        kept = (b.clamp(lo, 1) for b, lo in zip(back, (0, -1), strict=True))
        frames, waveform = kept
        return altered(result, frames=frames, waveform=waveform)


class account(Sound):
    def perturb(self, model, batch, labels, threat, randoms):
        result = super().perturb(model, batch, labels, threat, randoms)
        return replace(result, forwards=0)


class quiet(Sound):
    def perturb(self, model, batch, labels, threat, randoms):
        print(threat)  # noqa: T201
        return super().perturb(model, batch, labels, threat, randoms)


TABLE = names_of(
    "attack",
    *(inside_the_ball, inside_the_bounds, shape, one_sense, no_budget, padding),
    *(model_untouched, batch_mates, labels_of_others, repeatable, pure, hurts),
    *(account, quiet),
)
TestSabotage = sabotage_tests(
    SPEC, Sound, TABLE, elsewhere=checks_of_marked(quiet_ones)
)


def test_one_that_says_so_may_depend_on_the_batch():
    class Dependent(batch_mates):
        batch_dependent = True

    assert failures(SPEC, Dependent) == {}


def test_one_that_says_so_may_leave_its_budget():
    class Leaves(inside_the_ball):
        leaves_budget = True

    assert failures(SPEC, Leaves) == {}
