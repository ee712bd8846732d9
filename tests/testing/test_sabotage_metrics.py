"""A metric that breaks one promise is caught by its check, and by no other."""

import numpy as np
import pytest

from avplug.testing.checks import checks_of
from tests.testing.healthy import failures, healthy, names_of

SPEC, Sound = healthy("metric")


class one_value_per_row(Sound):
    def compute(self, predictions, weights):
        return super().compute(predictions, weights).astype(np.float32)


class order_of_clips(Sound):
    def compute(self, predictions, weights):
        values = super().compute(predictions, weights)
        clips = [str(name)[:7] for name in predictions.ids]
        return values if clips == sorted(clips) else values / 2


class rows_apart(Sound):
    def compute(self, predictions, weights):
        values = super().compute(predictions, weights)
        return values + 0.001 * (len(weights) > 1)


class weights_count(Sound):
    def compute(self, predictions, weights):
        return super().compute(predictions, np.minimum(weights, 1))


class nothing_to_count(Sound):
    def compute(self, predictions, weights):
        if not len(predictions):
            raise ValueError("no clips")
        return super().compute(predictions, weights)


class not_a_number(Sound):
    def compute(self, predictions, weights):
        if np.isnan(predictions.logits).any():
            raise ValueError("NaN")
        return super().compute(predictions, weights)


class direction(Sound):
    higher_is_better = False


class pure(Sound):
    def compute(self, predictions, weights):
        values = super().compute(predictions, weights)
        predictions.logits[:1] = 0
        return values


class stateless(Sound):
    def __init__(self):
        self.before = []

    def compute(self, predictions, weights):
        values = super().compute(predictions, weights)
        self.before.append(values)
        return values + len(self.before)


class quiet(Sound):
    def compute(self, predictions, weights):
        print(len(predictions))  # noqa: T201
        return super().compute(predictions, weights)


TABLE = names_of(
    "metric",
    *(one_value_per_row, order_of_clips, rows_apart, weights_count, nothing_to_count),
    *(not_a_number, direction, pure, stateless, quiet),
)


def test_every_check_has_its_sabotage():
    assert {check.id for check in checks_of("metric")} == set(TABLE)


def test_what_avplug_new_writes_keeps_every_promise():
    assert failures(SPEC, Sound) == {}


@pytest.mark.parametrize("check", TABLE)
def test_caught_by_its_check_alone(check):
    found = failures(SPEC, TABLE[check])
    assert set(found) == {check}, found
