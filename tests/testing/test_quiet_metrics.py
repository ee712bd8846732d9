"""Metrics that break a promise where a first glance does not look."""

import sys
from dataclasses import replace

import numpy as np
import pytest

from avplug.core.metric import Metric
from tests.testing.healthy import caught_by, failures, healthy, quiet_tests

SPEC, Sound = healthy("metric")
SINGLE = replace(SPEC, task="single-label")
ASKS = replace(SINGLE, needs=("embeddings",), unit="")


@caught_by("metric/repeatable")
class DrawsItsTies(Sound):
    def compute(self, predictions, weights):
        values = super().compute(predictions, weights)
        return values - 1e-3 * np.random.random()


@caught_by("metric/weights-count")
class CountsEachClipOnce(Sound):
    """Whether a clip was drawn, and not how often."""

    def compute(self, predictions, weights):
        return super().compute(predictions, (weights > 0).astype(float))


@caught_by("metric/rows-apart")
class NormalisesOverTheRows(Sound):
    def compute(self, predictions, weights):
        values = super().compute(predictions, weights)
        return values + 1e-3 * (values - values.mean()) * (len(values) > 1)


@caught_by("metric/unit", spec=SINGLE)
class AShareOfOne(Sound):
    def compute(self, predictions, weights):
        return super().compute(predictions, weights) / 100


@caught_by("metric/unit", spec=SINGLE)
class TenThousandPercent(Sound):
    def compute(self, predictions, weights):
        return 100 * super().compute(predictions, weights)


@caught_by("metric/direction", spec=replace(SINGLE, unit=""))
class LowerIsBetter(Sound):
    def compute(self, predictions, weights):
        return 100 - super().compute(predictions, weights)


@caught_by("metric/what-is-not-known")
class NeedsItsBatches(Sound):
    def compute(self, predictions, weights):
        return super().compute(predictions, weights) + 0 * len(predictions.batches)


@caught_by("metric/what-is-not-known")
class NeedsVectorsAndDoesNotSaySo(Sound):
    def compute(self, predictions, weights):
        vectors = predictions.embeddings
        return super().compute(predictions, weights) + 0 * len(vectors.audio)


@caught_by("metric/any-task", spec=replace(SPEC, task="any"))
class OneLabelOnly(Sound):
    def compute(self, predictions, weights):
        if (predictions.targets.sum(1) > 1).any():
            raise ValueError("one label for each clip")
        return super().compute(predictions, weights)


@caught_by("metric/nothing-to-count")
class NeedsTwoClips(Sound):
    def compute(self, predictions, weights):
        if len(predictions) == 1:
            return np.array([np.inf])
        return super().compute(predictions, weights)


@caught_by("metric/pure")
class WritesToTheWeights(Sound):
    def compute(self, predictions, weights):
        values = super().compute(predictions, weights)
        weights[:, -1:] += 1
        return values


@caught_by("metric/elsewhere")
class HashesItsClasses(Sound):
    def compute(self, predictions, weights):
        values = super().compute(predictions, weights)
        return values - 1e-3 * (1 + hash("classes") / 2**64)


@caught_by("metric/surroundings")
class SeedsNumPy(Sound):
    def compute(self, predictions, weights):
        np.random.seed(3)
        return super().compute(predictions, weights)


@caught_by("metric/surroundings")
class RaisesOnDivision(Sound):
    def compute(self, predictions, weights):
        np.seterr(invalid="raise")
        return super().compute(predictions, weights)


TestQuietly = quiet_tests(sys.modules[__name__], SPEC)


class Retrieval(Metric):
    """Of the clips that ask, how many find their own picture by their sound."""

    def compute(self, predictions, weights):
        vectors = predictions.embeddings
        if not len(predictions):
            return np.full(len(weights), np.nan)
        found = (vectors.audio @ vectors.video.T).argmax(1)
        hits = found == np.arange(len(found))
        total = weights.sum(1)
        shares = np.full(len(weights), np.nan)
        return np.divide(100 * (weights @ hits), total, out=shares, where=total > 0)


class Loss(Metric):
    """Lower is better, of no bound and no unit."""

    higher_is_better = False

    def compute(self, predictions, weights):
        logits = predictions.logits.astype(float)
        peak = logits.max(1, keepdims=True, initial=-1e9)
        sums = np.log(np.exp(logits - peak).sum(1)) + peak[:, 0]
        losses = sums - (logits * predictions.targets).sum(1)
        total = weights.sum(1)
        mean = np.full(len(weights), np.nan)
        return np.divide(weights @ losses, total, out=mean, where=total > 0)


@pytest.mark.parametrize(("spec", "unusual"), [(ASKS, Retrieval), (SINGLE, Loss)])
def test_the_unusual_is_not_refused(spec, unusual):
    assert failures(spec, unusual) == {}
