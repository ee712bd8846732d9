"""Models that use other senses than they say, where a first glance does not look."""

import sys
from dataclasses import replace

import pytest
import torch

from tests.testing.healthy import caught_by, failures, healthy, quiet_tests

SPEC, Sound = healthy("model")


@caught_by("model/used-senses")
class IsBlindAndSaysNothing(Sound):
    def forward(self, frames, waveform):
        return super().forward(torch.zeros_like(frames), waveform)


@caught_by("model/used-senses")
class AnswersWithoutAClip(Sound):
    def forward(self, frames, waveform):
        return 0 * super().forward(frames, waveform)


@caught_by("model/used-senses", spec=replace(SPEC, modalities="v"))
class HearsAgainstItsDescriptor(Sound):
    modalities = "av"


@caught_by("model/used-senses")
class SaysItInWords(Sound):
    modalities = ("video",)


@caught_by("model/unused-senses", spec=replace(SPEC, modalities="v"))
class CountsTheSamples(Sound):
    """The length of the sound is heard, too."""

    def classify(self, batch):
        heard = batch.lengths[:, None] / batch.waveform.shape[1]
        return self(batch.frames, 0 * batch.waveform) + 0.1 * heard


@caught_by("model/unused-senses")
class SeesInTheDark(Sound):
    """It says by itself that it only hears, and looks how bright the picture is."""

    modalities = "a"

    def forward(self, frames, waveform):
        logits = super().forward(torch.zeros_like(frames), waveform)
        return logits + 0.01 * frames.mean((1, 2, 3, 4))[:, None]


TestQuietly = quiet_tests(sys.modules[__name__], SPEC)


class SeesOnly(Sound):
    """One sense, as its options decide, and no gradient claimed for the other."""

    modalities = "v"

    def forward(self, frames, waveform):
        return super().forward(frames, torch.zeros_like(waveform))


class BeginsDeaf(Sound):
    """What joins the senses starts at zero, and learns to listen."""

    def __init__(self, labels, **config):
        super().__init__(labels, **config)
        self.gate = torch.nn.Parameter(torch.zeros(()))

    def forward(self, frames, waveform):
        return super().forward(frames, self.gate * waveform)


class HearsOnly(Sound):
    """One sense, as its descriptor says."""

    def forward(self, frames, waveform):
        return super().forward(torch.zeros_like(frames), waveform)


@pytest.mark.parametrize("unusual", [SeesOnly, BeginsDeaf])
def test_the_unusual_is_not_refused(unusual):
    assert failures(SPEC, unusual) == {}


def test_one_sense_is_enough_where_the_descriptor_says_so():
    assert failures(replace(SPEC, modalities="a"), HearsOnly) == {}
    message = failures(SPEC, HearsOnly)["model/used-senses"]
    assert "the same whatever the picture: say modalities='a'" in message
