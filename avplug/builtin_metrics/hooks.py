"""The metrics that come with avplug."""

from __future__ import annotations

from avplug.core.components import MetricSpec
from avplug.core.hookspecs import hookimpl


@hookimpl
def avplug_metrics() -> tuple[MetricSpec, ...]:
    """Return top-1 accuracy and mean average precision."""
    return (
        MetricSpec(
            "top1",
            "avplug.builtin_metrics.accuracy:TopOne",
            "Share of clips whose highest logit is the label's",
            aliases=("accuracy",),
            task="single-label",
            title="top-1 accuracy (%)",
        ),
        MetricSpec(
            "map",
            "avplug.builtin_metrics.average_precision:MeanAveragePrecision",
            "Average precision, mean over the classes that have a positive clip",
            task="multi-label",
            title="mAP (%)",
        ),
    )
