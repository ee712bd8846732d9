"""Models that break a promise where a first glance does not look."""

import os
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch

from avplug.core.batch import Batch
from avplug.core.model import JointAttention, PerSense
from tests.testing.healthy import caught_by, failures, healthy, quiet_tests

SPEC, Sound = healthy("model")
ALL = replace(
    SPEC,
    capabilities=(*SPEC.capabilities, "encode", "unimodal", "time", "localise"),
)
LATE = replace(ALL, capabilities=(*ALL.capabilities, "late-fusion"))


class Whole(Sound):
    """The generated model with all that a model can offer of its parts."""

    localises = embeds = True

    def encode(self, batch):
        return PerSense(
            self.heard(4 * batch.waveform[:, None]),
            self.seen(2 * batch.frames.mean(1) - 1).flatten(2),
        )

    def features(self, tokens):
        return PerSense(tokens.audio.flatten(1), tokens.video.flatten(1))

    embed = features

    @property
    def feature_width(self):
        return 4 * self.config["width"]

    def fuse_features(self, features):
        return self.head(self.norm(torch.cat([features.audio, features.video], 1)))

    def fuse(self, tokens):
        return self.fuse_features(self.features(tokens))

    def unimodal(self, tokens, *, padded=False):
        one, two = self.features(tokens).audio, self.features(tokens).video
        nothing = torch.zeros_like(one)
        return PerSense(
            self.fuse_features(PerSense(one, nothing)),
            self.fuse_features(PerSense(nothing, two)),
        )

    def sequences(self, tokens):
        return PerSense(tokens.audio.mT, tokens.video.mT)

    def localisation(self, tokens):
        weights = tokens.video.mean(1).softmax(1).reshape(-1, 1, 2, 2)
        return weights.expand(-1, 2, 2, 2)

    def joint_attention(self, tokens):
        scores = torch.zeros(len(tokens.audio), 1, 8, 8)
        return JointAttention(self.fuse(tokens), scores, 4)

    def __init__(self, labels, *, width=32):
        super().__init__(labels, width=width)
        self.config = {"width": width}


@caught_by("model/logits")
class SortsItsLabels(Sound):
    def __init__(self, labels, **config):
        super().__init__(tuple(sorted(labels)), **config)


@caught_by("model/logits")
class NotANumberForOneClip(Sound):
    def forward(self, frames, waveform):
        logits = super().forward(frames, waveform)
        return logits / (len(logits) > 1)


@caught_by("model/deterministic")
class DropoutByHand(Sound):
    def forward(self, frames, waveform):
        logits = super().forward(frames, waveform)
        return logits + 1e-6 * np.float32(np.random.standard_normal())


@caught_by("model/deterministic")
class CountsItsAnswers(Sound):
    answered = 0

    def forward(self, frames, waveform):
        self.answered += 1
        return super().forward(frames, waveform) + 1e-6 * self.answered


@caught_by("model/frozen-in-eval")
class KeepsRunningStatistics(Sound):
    def __init__(self, labels, **config):
        super().__init__(labels, **config)
        self.register_buffer("mean", torch.zeros(()), persistent=False)

    def forward(self, frames, waveform):
        self.mean.mul_(0.9).add_(waveform.mean())
        return super().forward(frames, waveform)


@caught_by("model/frozen-in-eval")
class GoesToTraining(Sound):
    def forward(self, frames, waveform):
        self.norm.train()
        return super().forward(frames, waveform)


@caught_by("model/batch-invariance")
class CutsToTheLongest(Sound):
    def classify(self, batch):
        length = int(batch.lengths.max())
        share = batch.waveform.shape[1] / max(1, length)
        return super().classify(batch) * share


@caught_by("model/batch-invariance")
class RemembersTheShape(Sound):
    """Answers from a cache whose key is the shape of the batch."""

    def __init__(self, labels, **config):
        super().__init__(labels, **config)
        self.known = {}

    def forward(self, frames, waveform):
        logits = super().forward(frames, waveform)
        if len(logits) > 1 or (not torch.is_inference(logits) and logits.requires_grad):
            return logits
        key = frames.shape, bool(frames.any()), bool(waveform.any())
        return torch.tensor(self.known.setdefault(key, logits.tolist()))


@caught_by("model/pure")
class NormalisesInPlace(Sound):
    def forward(self, frames, waveform):
        logits = super().forward(frames, waveform)
        if not waveform.requires_grad:
            waveform.clamp_(-0.2, 0.2)
        return logits

    def classify(self, batch):
        return self(batch.frames, batch.waveform)


@caught_by("model/pure")
class AsksForGradients(Sound):
    def classify(self, batch):
        if batch.frames.is_leaf:
            batch.frames.requires_grad_()
        return super().classify(batch)


@caught_by("model/silence")
class DividesByTheLength(Sound):
    def classify(self, batch):
        mean = batch.waveform.sum(1) / batch.lengths
        return super().classify(batch) + mean[:, None]


@caught_by("model/moves")
class ListsItsTensors(Sound):
    def __init__(self, labels, **config):
        super().__init__(labels, **config)
        self.means = [torch.zeros(3)]


@caught_by("model/moves")
class MakesTensorsOnTheProcessor(Sound):
    def forward(self, frames, waveform):
        logits = super().forward(frames, waveform)
        return logits + torch.zeros(logits.shape[1])


@caught_by("model/gradient")
class RoundsThePicture(Sound):
    def forward(self, frames, waveform):
        return super().forward((255 * frames).round() / 255, waveform)


@caught_by("model/checkpoint")
class ConfigIsNoData(Sound):
    def __init__(self, labels, *, width=32, layer=torch.nn.GELU):
        super().__init__(labels, width=width)
        self.config = {"width": width, "layer": layer}


@caught_by("model/checkpoint")
class HoldsMoreThanItsState(Sound):
    made = 0

    def __init__(self, labels, **config):
        super().__init__(labels, **config)
        type(self).made += 1
        self.gain = 1 + 0.1 * (self.made % 2)

    def forward(self, frames, waveform):
        return self.gain * super().forward(frames, waveform)


@caught_by("model/pretrained")
class DrawsItsFinalWeights(Sound):
    pretrained = True
    labels = ()

    def __init__(self, labels, **config):
        super().__init__(("low", "high"), **config)


@caught_by("model/order-of-labels")
class AnswersByPlace(Sound):
    """Made of text, it says; and gives the first class the first row all the same."""

    pretrained = True

    def __init__(self, labels, **config):
        with torch.random.fork_rng():
            torch.manual_seed(1)
            super().__init__(labels, **config)


@caught_by("model/elsewhere")
class HashesItsLabels(Sound):
    def forward(self, frames, waveform):
        shifts = [hash(label) / 2**63 for label in self.labels]
        return super().forward(frames, waveform) + torch.tensor(shifts).to(frames)


@caught_by("model/surroundings")
class SeedsTorch(Sound):
    def __init__(self, labels, **config):
        torch.manual_seed(0)
        super().__init__(labels, **config)


@caught_by("model/surroundings")
class TurnsGradientsOff(Sound):
    def forward(self, frames, waveform):
        logits = super().forward(frames, waveform)
        torch.set_grad_enabled(False)
        return logits


@caught_by("model/surroundings")
class GoesElsewhere(Sound):
    def forward(self, frames, waveform):
        os.chdir("/")
        return super().forward(frames, waveform)


@caught_by("model/one-sense-alone", spec=ALL)
class SeesWhatItSaysItHears(Whole):
    def unimodal(self, tokens, *, padded=False):
        said = super().unimodal(tokens)
        return PerSense(said.audio + 0.1 * said.video, said.video)


@caught_by("model/one-sense-alone", spec=ALL)
class OneLogitTooFew(Whole):
    def unimodal(self, tokens, *, padded=False):
        said = super().unimodal(tokens)
        return PerSense(said.audio[:, 1:], said.video)


@caught_by("model/late-fusion", spec=LATE)
class FusesMoreThanFeatures(Whole):
    def fuse_features(self, features):
        return super().fuse_features(features) / 2

    def fuse(self, tokens):
        return 2 * super().fuse(tokens)


@caught_by("model/moments", spec=ALL)
class MomentsAreGone(Whole):
    def sequences(self, tokens):
        return self.features(tokens)


@caught_by("model/localisation", spec=ALL)
class WeightsOfAllFrames(Whole):
    def localisation(self, tokens):
        return super().localisation(tokens) / 2


@caught_by("model/embeddings", spec=ALL)
class SpacesOfTwoWidths(Whole):
    def embed(self, tokens):
        found = super().embed(tokens)
        return PerSense(found.audio, found.video[:, 1:])


@caught_by("model/joint-attention", spec=ALL)
class ShowsOtherLogits(Whole):
    def joint_attention(self, tokens):
        shown = super().joint_attention(tokens)
        return replace(shown, logits=shown.logits + 1)


TestQuietly = quiet_tests(sys.modules[__name__], SPEC)


class Promptable(Sound):
    """Classes are text, of which it makes its rows by itself."""

    pretrained = True

    def __init__(self, labels, **config):
        with torch.random.fork_rng():
            torch.manual_seed(0)
            super().__init__(labels, **config)
        rows = [sum(map(ord, label)) % 97 / 97 for label in labels]
        self.head.weight.data[:] = torch.tensor(rows)[:, None]
        self.head.bias.data.zero_()


class AnswersClipByClip(Sound):
    """No batch at all, in double precision inside, of its own 80 classes."""

    pretrained = True

    def __init__(self, labels, **config):
        with torch.random.fork_rng():
            torch.manual_seed(0)
            super().__init__(tuple(f"class {i}" for i in range(80)), **config)

    def classify(self, batch):
        rows = zip(batch.frames, batch.waveform, batch.lengths, strict=True)
        return torch.cat(
            [self(f[None], w[None] * (n > 0)).double() for f, w, n in rows]
        )


@pytest.mark.parametrize("unusual", [Promptable, AnswersClipByClip])
def test_the_unusual_is_not_refused(unusual):
    assert failures(SPEC, unusual) == {}


@pytest.mark.parametrize("spec", [ALL, LATE])
def test_all_that_a_model_can_offer(spec):
    assert failures(spec, Whole) == {}


def test_the_batch_has_clips_of_several_lengths():
    from avplug.testing.models import batch_for

    batch: Batch = batch_for(Sound(("a", "b")), 0)
    assert batch.lengths.tolist() == [32_000, 24_000, 18_000]
    assert not batch.waveform[1, 24_000:].any()
