"""The metrics that come with avplug."""

from __future__ import annotations

from typing import Any

from avplug.core.components import MetricSpec
from avplug.core.hookspecs import hookimpl

_HERE = "avplug.builtin_metrics"


@hookimpl
def avplug_metrics() -> tuple[MetricSpec, ...]:
    """Return the metrics by task: one label, several, one of each task, any."""
    return (*_single_label(), *_multi_label(), *_multi_task(), *_retrieval())


def _single_label() -> tuple[MetricSpec, ...]:
    def metric(name: str, target: str, summary: str, **facts: Any) -> MetricSpec:
        where = f"{_HERE}.{target}"
        return MetricSpec(name, where, summary, task="single-label", **facts)

    return (
        MetricSpec(
            "top1",
            f"{_HERE}.accuracy:TopOne",
            "Share of clips whose highest logit is the label's",
            aliases=("accuracy",),
            task="single-label",
            title="top-1 accuracy (%)",
        ),
        metric(
            "top5",
            "accuracy:TopFive",
            "Share of clips whose label is among the five highest logits",
            title="top-5 accuracy (%)",
        ),
        metric(
            "class-mean",
            "accuracy:MeanClassAccuracy",
            "Top-1 accuracy of each class, mean over the classes that have a clip",
            title="mean class accuracy (%)",
        ),
        metric(
            "top1-by-batch",
            "accuracy:TopOneByBatch",
            "Top-1 accuracy of each batch, mean over the batches, as public scripts do",
            title="top-1 accuracy, mean of batches (%)",
        ),
        metric(
            "ece",
            "calibration:CalibrationError",
            "Expected calibration error, 15 bins; lower is better",
            title="calibration error (%)",
            paper="arXiv:1706.04599",
        ),
        metric(
            "nll",
            "calibration:NegativeLogLikelihood",
            "Minus the log-probability of the label; lower is better",
            title="negative log-likelihood (nats)",
            unit="nats",
        ),
    )


def _multi_label() -> tuple[MetricSpec, ...]:
    return (
        MetricSpec(
            "map",
            f"{_HERE}.average_precision:MeanAveragePrecision",
            "Average precision, mean over the classes that have a positive clip",
            task="multi-label",
            title="mAP (%)",
        ),
        MetricSpec(
            "auc",
            f"{_HERE}.area_under_curve:AreaUnderCurve",
            "Area under the ROC curve, mean over the classes that have both",
            task="multi-label",
            title="AUC (%)",
        ),
        MetricSpec(
            "dprime",
            f"{_HERE}.area_under_curve:SensitivityIndex",
            "d′, the distance of two normal scores that have the mean AUC",
            task="multi-label",
            title="d′",
            unit="",
        ),
    )


def _multi_task() -> tuple[MetricSpec, ...]:
    words = {
        1: ("One", "top-1", "has the highest logit"),
        5: ("Five", "top-5", "is among the five best"),
    }
    return tuple(
        MetricSpec(
            f"{task}-top{k}",
            f"{_HERE}.tasks:{task.capitalize()}Top{word}",
            f"Share of clips whose {task} {says}",
            task="multi-task",
            title=f"{task} {top} accuracy (%)",
        )
        for k, (word, top, says) in words.items()
        for task in ("verb", "noun", "action")
    )


def _retrieval() -> tuple[MetricSpec, ...]:
    sides = {"a2v": ("Audio", "Video", "sounds"), "v2a": ("Video", "Audio", "pictures")}
    return tuple(
        MetricSpec(
            f"{name}-r{k}",
            f"{_HERE}.retrieval:{asks}To{asked}At{k}",
            f"Share of {what} that find their own clip's other sense in {k}",
            title=f"{asks.lower()}-to-{asked.lower()} R@{k} (%)",
            needs=("embeddings",),
        )
        for name, (asks, asked, what) in sides.items()
        for k in (1, 5, 10)
    )
