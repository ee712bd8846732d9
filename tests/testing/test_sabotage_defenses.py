"""A defence that breaks one promise is caught by its check, and by no other."""

import torch

from tests.testing import test_quiet_defenses as quiet_ones
from tests.testing.healthy import checks_of_marked, healthy, names_of, sabotage_tests

SPEC, Sound = healthy("defense")


class objective(Sound):
    def objective(self, model, batch, labels, moment):
        loss = super().objective(model, batch, labels, moment)
        # Wrong at the very middle of a training alone.
        return loss[None] if moment.progress == 0.5 else loss


class wrapped_model(Sound):
    def wrap(self, model):
        model.labels = ("all",)
        return model


class checkpoint(Sound):
    made = 0

    def wrap(self, model):
        type(self).made += 1
        model.register_buffer(f"memory{self.made}", torch.zeros(1))
        return model


class learns(Sound):
    def objective(self, model, batch, labels, moment):
        return -super().objective(model, batch, labels, moment)


class training_mode(Sound):
    def objective(self, model, batch, labels, moment):
        loss = super().objective(model, batch, labels, moment)
        model.eval()
        return loss


class repeatable(Sound):
    calls = 0

    def __init__(self, **options):
        super().__init__(**options)
        type(self).calls += 1

    def objective(self, model, batch, labels, moment):
        loss = super().objective(model, batch, labels, moment)
        return loss * (1 + 0.01 * self.calls)


class pure(Sound):
    def objective(self, model, batch, labels, moment):
        loss = super().objective(model, batch, labels, moment)
        batch.lengths.sub_(1)
        return loss


class account(Sound):
    def objective(self, model, batch, labels, moment):
        self.forwards -= 1
        return super().objective(model, batch, labels, moment)


class quiet(Sound):
    def objective(self, model, batch, labels, moment):
        print(moment.progress)  # noqa: T201
        return super().objective(model, batch, labels, moment)


TABLE = names_of(
    "defense",
    *(objective, wrapped_model, checkpoint, learns, training_mode, repeatable),
    *(pure, account, quiet),
)
TestSabotage = sabotage_tests(
    SPEC, Sound, TABLE, elsewhere=checks_of_marked(quiet_ones)
)
