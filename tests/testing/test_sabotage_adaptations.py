"""A method that breaks one promise is caught by its check, and by no other."""

import sys
from dataclasses import replace

import torch

from avplug.core.errors import CapabilityError
from tests.testing import test_quiet_adaptations as quiet_ones
from tests.testing.healthy import (
    checks_of_marked,
    failures,
    healthy,
    names_of,
    sabotage_tests,
)

SPEC, Sound = healthy("adaptation")


class logits(Sound):
    def step(self, batch):
        with torch.enable_grad():
            return super().step(batch).requires_grad_()


class reset_restores(Sound):
    def reset(self):
        adapted = self._updates > 0
        super().reset()
        with torch.no_grad():
            if adapted:
                next(iter(self.parameters.values())).mul_(1.0001)


class reset_forgets(Sound):
    def reset(self):
        momentum = self._optimizer
        super().reset()
        self._optimizer = momentum


class declared_parameters(Sound):
    """Moves a bias on which no answer depends: softmax does not see it."""

    def step(self, batch):
        answer = super().step(batch)
        self.model.qkv.bias.data[16:32] += 0.5
        return answer

    def reset(self):
        super().reset()
        self.model.qkv.bias.data[16:32] = 0


class repeatable(Sound):
    def step(self, batch):
        noise = 1e-5 * (torch.initial_seed() % 7)
        return super().step(batch) + noise


class labels_unseen(Sound):
    def step(self, batch):
        labels = sys._getframe(1).f_locals.get("labels")
        answer = super().step(batch)
        return answer if labels is None else answer + labels[:, None]


class one_clip(Sound):
    def step(self, batch):
        answer = super().step(batch)
        return answer / (len(batch) - 1) * (len(batch) - 1)


class broken_clip(Sound):
    def step(self, batch):
        with torch.enable_grad():
            answer = self.model.classify(batch)
            loss = -(answer.softmax(1) * answer.log_softmax(1)).sum(1).mean()
            loss.backward()
        self._optimizer.step()
        self._optimizer.zero_grad()
        return answer.detach()


class pure(Sound):
    def step(self, batch):
        answer = super().step(batch)
        batch.lengths.sub_(1)
        return answer


class quiet(Sound):
    def step(self, batch):
        print("entropy")  # noqa: T201
        return super().step(batch)


class refuses_a_bare_model(Sound):
    def __init__(self, model, *, lr=1e-3):
        try:
            super().__init__(model, lr=lr)
        except CapabilityError:
            model.eval()


class eval_mode(Sound):
    def step(self, batch):
        self.model.head.weight.requires_grad_(True)
        answer = super().step(batch)
        self.model.head.weight.grad = None
        return answer

    def reset(self):
        super().reset()
        self.model.head.weight.requires_grad_(False)


class predicts(Sound):
    predicts = "post"


class stateful(Sound):
    stateful = False


class settings(Sound):
    def __init__(self, model, *, lr=1e-3, schedule=max):
        super().__init__(model, lr=lr)


TABLE = names_of(
    "adaptation",
    *(logits, reset_restores, reset_forgets, declared_parameters, repeatable),
    *(labels_unseen, one_clip, broken_clip, pure, quiet, refuses_a_bare_model),
    *(eval_mode, predicts, stateful, settings),
)
TestSabotage = sabotage_tests(
    SPEC, Sound, TABLE, elsewhere=checks_of_marked(quiet_ones), lr=0.1
)


def test_one_that_adapts_and_says_that_it_does_not():
    found = failures(replace(SPEC, stateful=False), stateful, lr=0.1)
    assert "with the clips around" in found["adaptation/stateful"]


def test_a_need_that_no_toy_meets_is_a_reason_to_skip():
    found = failures(replace(SPEC, needs=("telepathy",)), logits)
    assert found == {}
