"""Accuracy where a clip has one label of each of several tasks: verb, noun, action.

The tasks' classes stand one after the other in the logits; each task is a softmax of
its own. An action is the tuple of all tasks' labels, and its probability the product of
theirs, over every combination, as EPIC-Kitchens' baselines have it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from avplug.builtin_metrics.shares import ShareOfClips, within
from avplug.core.errors import UsageError
from avplug.core.metric import Predictions


class TaskTopOne(ShareOfClips):
    """Percentage of clips whose label of one task has that task's highest logit."""

    task: ClassVar[str]
    count: ClassVar[int] = 1

    def right(self, predictions: Predictions) -> NDArray[np.bool_]:
        """Return which clips are right, bool [N].

        Raises:
            UsageError: There is no such task, or a clip has not one label of each.
        """
        tasks = split_tasks(predictions)
        if self.task not in tasks:
            raise UsageError(
                f"These clips have no {self.task}; their tasks are"
                f" {', '.join(predictions.tasks)}."
            )
        return within(*tasks[self.task], self.count)


class VerbTopOne(TaskTopOne):
    """Percentage of clips whose verb has the highest logit of the verbs."""

    task = "verb"


class VerbTopFive(VerbTopOne):
    """Percentage of clips whose verb is among the five highest logits of the verbs."""

    count = 5


class NounTopOne(TaskTopOne):
    """Percentage of clips whose noun has the highest logit of the nouns."""

    task = "noun"


class NounTopFive(NounTopOne):
    """Percentage of clips whose noun is among the five highest logits of the nouns."""

    count = 5


class ActionTopOne(ShareOfClips):
    """Percentage of clips of which every task's label has its highest logit."""

    def right(self, predictions: Predictions) -> NDArray[np.bool_]:
        """Return which clips are right, bool [N].

        Raises:
            UsageError: A clip has not one label of each task.
        """
        tasks = split_tasks(predictions).values()
        hits = np.ones(len(predictions), bool)
        for logits, own in tasks:
            hits &= within(logits, own, 1)
        return hits


class ActionTopFive(ShareOfClips):
    """Percentage of clips whose action is among the five most probable ones.

    Of equally probable actions the one with the lower labels comes first.
    """

    def right(self, predictions: Predictions) -> NDArray[np.bool_]:
        """Return which clips are right, bool [N].

        Raises:
            UsageError: A clip has not one label of each task.
        """
        tasks = list(split_tasks(predictions).values())
        sums = np.zeros((len(predictions), 1))
        labels = np.zeros(len(predictions), np.intp)
        reachable = np.ones(len(predictions), bool)
        for logits, own in tasks:
            # An action outside the best five of any task has five before it.
            best = np.argsort(-logits, axis=1, kind="stable")[:, :5]
            # In rising order of the class, so that ties go to the lower labels.
            best.sort(axis=1)
            place = (best < own[:, None]).sum(1)
            reachable &= within(logits, own, 5)
            labels = labels * best.shape[1] + place
            kept = np.take_along_axis(logits, best, 1).astype(np.float64)
            pairs = sums.shape[1] * kept.shape[1]
            sums = (sums[:, :, None] + kept[:, None, :]).reshape(len(sums), pairs)
        labels = np.where(reachable, labels, 0)
        return reachable & within(sums, labels, 5)


def split_tasks(
    predictions: Predictions,
) -> Mapping[str, tuple[NDArray[np.float32], NDArray[np.intp]]]:
    """Return logits [N, C_t] and labels [N] of each task.

    Raises:
        UsageError: There is one task only, or a clip has not one label of each.
    """
    if not predictions.tasks:
        raise UsageError(
            "These clips have one task.", "Use the metric top1 or the metric map."
        )
    found = {}
    start = 0
    for name, classes in predictions.tasks.items():
        mine = slice(start, start + classes)
        targets = predictions.targets[:, mine]
        wrong = targets.sum(1) != 1
        if wrong.any():
            clip = str(predictions.ids[int(wrong.argmax())])
            raise UsageError(f"Clip {clip!r} has not one {name}.")
        found[name] = predictions.logits[:, mine], targets.argmax(1)
        start += classes
    return found
