"""A model that breaks one promise is caught by its check, and by no other."""

from dataclasses import replace

import torch

from tests.testing import test_quiet_models as quiet_ones
from tests.testing.healthy import (
    checks_of_marked,
    failures,
    healthy,
    names_of,
    sabotage_tests,
)

PLAIN, Sound = healthy("model")
SPEC = replace(PLAIN, capabilities=(*PLAIN.capabilities, "encode"))


class Healthy(Sound):
    """The generated model, which can be taken apart as well."""

    def encode(self, batch):
        return batch

    def fuse(self, tokens):
        return self.classify(tokens)


class input(Healthy):
    input = None

    def forward(self, frames, waveform):
        return super().forward(frames, waveform)


class logits(Healthy):
    def __init__(self, labels, **config):
        super().__init__(labels[:2], **config)


class deterministic(Healthy):
    def forward(self, frames, waveform):
        answer = super().forward(frames, waveform)
        return answer + 1e-5 * torch.rand_like(answer)


class frozen_in_eval(Healthy):
    def __init__(self, labels, **config):
        super().__init__(labels, **config)
        self.register_buffer("seen_clips", torch.zeros(()))

    def forward(self, frames, waveform):
        self.seen_clips += len(frames)
        return super().forward(frames, waveform)


class batch_invariance(Healthy):
    def forward(self, frames, waveform):
        answer = super().forward(frames, waveform)
        return answer - answer.mean(0) / 2


class pure(Healthy):
    def classify(self, batch):
        batch.lengths.sub_(1)
        return super().classify(batch)


class silence(Healthy):
    def forward(self, frames, waveform):
        answer = super().forward(frames, waveform)
        peak = waveform.detach().abs().amax(1, keepdim=True)
        return answer + 0 * (peak / peak)


class moves(Healthy):
    def __init__(self, labels, **config):
        super().__init__(labels, **config)
        self.mean = torch.zeros(3)


class gradient(Healthy):
    def forward(self, frames, waveform):
        return super().forward(frames.detach(), waveform)


class used_senses(Healthy):
    def forward(self, frames, waveform):
        return super().forward(frames, torch.zeros_like(waveform))


class unused_senses(Healthy):
    """Its descriptor says that it only sees."""

    def forward(self, frames, waveform):
        loudness = waveform.abs().mean(1, keepdim=True)
        return super().forward(frames, torch.zeros_like(waveform)) + 0.01 * loudness


class quiet(Healthy):
    def forward(self, frames, waveform):
        print(frames.shape)  # noqa: T201
        return super().forward(frames, waveform)


class surfaces(Healthy):
    def parameters_for(self, surface):
        if surface == "norm":
            return {"norm": torch.nn.Parameter(torch.ones(1))}
        return super().parameters_for(surface)


class protocols(Healthy):
    """Its descriptor claims what nobody knows."""


class encode_then_fuse(Healthy):
    def fuse(self, tokens):
        return self.classify(tokens) + 1


class checkpoint(Healthy):
    def __init__(self, labels, **config):
        super().__init__(labels, **config)
        self.config = {"width": 16}


TABLE = names_of(
    "model",
    *(logits, deterministic, frozen_in_eval, batch_invariance, pure, silence, moves),
    *(gradient, used_senses, unused_senses, quiet),
    *(surfaces, protocols, encode_then_fuse, checkpoint),
)


TELEPATHY = replace(SPEC, capabilities=(*SPEC.capabilities, "telepathy"))
TestSabotage = sabotage_tests(
    SPEC,
    Healthy,
    TABLE,
    specs={protocols: TELEPATHY, unused_senses: replace(SPEC, modalities="v")},
    elsewhere={"model/input", *checks_of_marked(quiet_ones)},
)


def test_what_avplug_new_writes_keeps_every_promise():
    assert failures(PLAIN, Sound) == {}


def test_a_model_that_does_not_say_what_it_wants_cannot_be_asked_anything():
    assert "no InputSpec" in failures(SPEC, input)["model/input"]
