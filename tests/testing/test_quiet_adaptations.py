"""Methods that break a promise where a first glance does not look."""

import sys
from dataclasses import replace

import numpy as np
import pytest
import torch

from avplug.core.adaptation import Adapter
from tests.testing.healthy import caught_by, failures, healthy, quiet_tests

SPEC, Sound = healthy("adaptation")


@caught_by("adaptation/reset-restores")
class RestoresNearly(Sound):
    """Subtracts what it added, which is not bit for bit."""

    def reset(self):
        if self._updates:
            with torch.no_grad():
                for parameter, source in zip(
                    self.parameters.values(), self._source.values(), strict=True
                ):
                    step = parameter - source
                    parameter.sub_(step * 0.999)
        kept, self._source = (
            self._source,
            {k: p.detach().clone() for k, p in self.parameters.items()},
        )
        super().reset()
        self._source = kept


@caught_by("adaptation/reset-forgets")
class CountsItsStreams(Sound):
    streams = 0

    def step(self, batch):
        return super().step(batch) - 0.01 * self.streams

    def reset(self):
        self.streams += self._updates > 0
        super().reset()


@caught_by("adaptation/reset-forgets")
class AdamGoesOn(Sound):
    def _made(self):
        known = getattr(self, "_optimizer", None)
        return known or torch.optim.Adam(self.parameters.values(), lr=self._lr)


@caught_by("adaptation/source-again")
class LeavesItsHook(Sound):
    def step(self, batch):
        answer = super().step(batch)
        if self._updates == 1 and not hasattr(self, "hook"):
            self.hook = self.model.head.register_forward_hook(
                lambda module, given, logits: logits * self.gain
            )
        return answer

    @property
    def gain(self):
        return 1.0 if self._updates else 1.5


@caught_by("adaptation/declared-parameters")
class MovesTheHeadAsWell(Sound):
    def step(self, batch):
        answer = super().step(batch)
        self.model.head.bias.data += 0.1
        return answer

    def reset(self):
        super().reset()
        self.model.head.bias.data.zero_()


@caught_by("adaptation/eval-mode")
class LeavesTrainingOn(Sound):
    def step(self, batch):
        self.model.train()
        return super().step(batch)


@caught_by("adaptation/repeatable")
class DropsAtRandom(Sound):
    def step(self, batch):
        kept = torch.rand(()) if self._updates else 1.0
        return super().step(batch) * kept


@caught_by("adaptation/elsewhere")
class HashesItsDropout(Sound):
    def __init__(self, model, *, lr=1e-3):
        super().__init__(model, lr=lr)
        drawn = np.random.default_rng(hash("dropout") % 2**32)
        for parameter in self.parameters.values():
            mask = torch.from_numpy(drawn.random(parameter.shape)).to(parameter)
            parameter.register_hook(lambda slope, mask=mask: slope * mask)


@caught_by("adaptation/last-batch")
class KeepsTheBatchBefore(Sound):
    before = None

    def step(self, batch):
        answer = super().step(batch)
        mixed = answer if self.before is None else answer + 0 * self.before.nan_to_num()
        self.before = answer
        return mixed

    def reset(self):
        super().reset()
        self.before = None


@caught_by("adaptation/broken-clip")
class TakesNaNOfThePicture(Sound):
    def step(self, batch):
        answer = super().step(batch)
        if not batch.frames.isfinite().all():
            self.parameters["norm_joint.bias"].data.fill_(float("nan"))
        return answer


@caught_by("adaptation/pure")
class AsksForGradientsOfTheBatch(Sound):
    def step(self, batch):
        batch.frames.requires_grad_()
        return super().step(batch)


@caught_by("adaptation/predicts")
class AnswersAfterwards(Sound):
    def step(self, batch):
        super().step(batch)
        with torch.no_grad():
            return self.model.classify(batch)


@caught_by("adaptation/stateful", spec=replace(SPEC, stateful=False))
class NormalisesOverTheBatch(Adapter):
    stateful = False

    def __init__(self, model, *, lr=0.1):
        super().__init__(model)

    def step(self, batch):
        with torch.no_grad():
            answer = self.model.classify(batch)
        return answer - 1e-2 * (answer.mean(0) if len(batch) > 1 else 0)

    predicts = "pre"


@caught_by("adaptation/surroundings")
class SeedsTorch(Sound):
    def step(self, batch):
        torch.manual_seed(0)
        return super().step(batch)


@caught_by("adaptation/surroundings")
class LeavesGradientsOff(Sound):
    def step(self, batch):
        answer = super().step(batch)
        torch.set_grad_enabled(False)
        return answer


TestQuietly = quiet_tests(sys.modules[__name__], SPEC, lr=0.1)


class Nothing(Adapter):
    """No parameters, no state, no options."""

    stateful = False

    def step(self, batch):
        with torch.no_grad():
            return self.model.classify(batch)


class Prior(Adapter):
    """Changes no parameter, and remembers which classes it has seen."""

    def __init__(self, model, *, weight=0.5):
        super().__init__(model, predicts="pre")
        self._weight = weight
        self._seen = np.zeros(len(model.labels))

    def step(self, batch):
        with torch.no_grad():
            logits = self.model.classify(batch)
        answer = logits - self._weight * torch.from_numpy(self._seen).to(logits)
        if logits.isfinite().all():
            self._seen += logits.softmax(1).mean(0).numpy()
        return answer

    def reset(self):
        super().reset()
        self._seen[:] = 0


@pytest.mark.parametrize("unusual", [Nothing, Prior])
def test_the_unusual_is_not_refused(unusual):
    spec = replace(SPEC, needs=(), stateful=unusual.stateful)
    assert failures(spec, unusual) == {}
