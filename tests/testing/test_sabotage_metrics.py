"""A metric that breaks one promise is caught by its check, and by no other."""

import numpy as np

from tests.testing import test_quiet_metrics as quiet_ones
from tests.testing.healthy import checks_of_marked, healthy, names_of, sabotage_tests

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


class right_clips(Sound):
    def right(self, predictions):
        return np.ones(len(predictions), bool)


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
        return values - len(self.before)


class quiet(Sound):
    def compute(self, predictions, weights):
        print(len(predictions))  # noqa: T201
        return super().compute(predictions, weights)


TABLE = names_of(
    "metric",
    *(one_value_per_row, order_of_clips, rows_apart, weights_count, nothing_to_count),
    *(not_a_number, direction, right_clips, pure, stateless, quiet),
)
TestSabotage = sabotage_tests(
    SPEC, Sound, TABLE, elsewhere=checks_of_marked(quiet_ones)
)
