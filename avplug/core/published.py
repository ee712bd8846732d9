"""Numbers that papers print, with where they stand and how they were made."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files

from avplug.core.errors import PluginError

COLUMNS = (
    "place",
    "dataset",
    "model",
    "method",
    "corruption",
    "severity",
    "metric",
    "value",
    "note",
)


@dataclass(frozen=True, slots=True)
class PublishedNumber:
    """One number as its source prints it.

    Args:
        place: Table, figure or page.
        dataset: As the source calls it.
        model: As the source calls it; ``"unknown"`` if it does not say.
        method: Adaptation, defence or attack; ``"none"`` or ``"source"`` without any.
        corruption: ``"clean"``, a name, ``"mean15"``; with ``"video:"`` or ``"audio:"``
            before it where only that sense is corrupted.
        severity: ``"0"`` for clean, ``"1"`` to ``"5"``, ``"unknown"``; a budget.
        metric: Such as ``"top1_acc"`` or ``"mAP"``.
        value: In the source's unit, by default percent.
        note: What a reader must know, such as that it was read off a figure.
    """

    place: str
    dataset: str
    model: str
    method: str
    corruption: str
    severity: str
    metric: str
    value: float
    note: str = ""


@dataclass(frozen=True, slots=True)
class PublishedAttackProtocol:
    """How networks were trained and attacked, as far as the source says.

    Attacks are called as the source calls them. What is not known is left at its
    default, which comparisons tell.

    Args:
        network: The networks, in words.
        config: Options of avplug's model of that network, by their names.
        start: Weights that a training begins with, in words.
        epochs: Of a training; several where a paper and its code differ.
        training_clips: How many; 0 if not known.
        norm: Of the perturbation: ``"linf"`` or ``"l2"``; "" is taken for the first.
        colours: Factor of the picture's epsilon for each colour, in pixels of 0..1; one
            for all alike. Sound counts amplitudes of -1..1.
        knowledge: ``"white-box"``; "" if each number says it for itself.
        steps: Gradient steps of each attack.
        step: Length of a step in epsilons, of each attack.
        loss: What attacks maximise.
        defended_loss: What those on defended networks maximise, if it is another.
        leaves: Attacks that leave their budget or the valid range, and by how much.
    """

    network: str = ""
    config: Mapping[str, object] = field(default_factory=dict)
    start: str = ""
    epochs: tuple[int, ...] = ()
    training_clips: int = 0
    norm: str = ""
    colours: tuple[float, ...] = (1.0,)
    knowledge: str = ""
    steps: Mapping[str, int] = field(default_factory=dict)
    step: Mapping[str, float] = field(default_factory=dict)
    loss: str = ""
    defended_loss: str = ""
    leaves: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PublishedProtocol:
    """How the numbers on a data set were made, as far as the source says.

    What is not known is left at its default, which comparisons tell.

    Args:
        clips: How many; 0 if not known.
        classes: How many; 0 if not known.
        clip_list: SHA-256 of the sorted clip ids, joined by newlines.
        weights: SHA-256, or a file's name, of each model's checkpoint, by model.
        averaging: How accuracies become one: ``"clips"`` or ``"batches"``.
        evaluation_batch: Clips in a batch without adaptation.
        batch_size: Clips in a batch of adaptation.
        rates: Learning rate of each method.
        order: Of the stream.
        reset: When a method forgets: the protocol as avplug calls it.
        runs: How many were averaged, or what is known of it.
        severity: Of the corruptions; 0 if not known.
        senses: That are corrupted: ``"av"``; "" if it differs from table to table.
        corruptions: What made them.
        preparation: What was done to pictures and sounds.
        attacks: Of networks that were trained and attacked.
    """

    clips: int = 0
    classes: int = 0
    clip_list: str = ""
    weights: Mapping[str, str] = field(default_factory=dict)
    averaging: str = ""
    evaluation_batch: int = 0
    batch_size: int = 0
    rates: Mapping[str, float] = field(default_factory=dict)
    order: str = ""
    reset: str = ""
    runs: str = ""
    severity: int = 0
    senses: str = ""
    corruptions: str = ""
    preparation: str = ""
    attacks: PublishedAttackProtocol = field(default_factory=PublishedAttackProtocol)


@dataclass(frozen=True, slots=True)
class PublishedResults:
    """What one source prints.

    Args:
        numbers: In the order of the source.
        protocols: By data set, as the source calls it.
    """

    numbers: tuple[PublishedNumber, ...]
    protocols: Mapping[str, PublishedProtocol] = field(default_factory=dict)


def read_numbers(package: str, path: str) -> tuple[PublishedNumber, ...]:
    """Read a CSV file that is part of a package; its columns are :data:`COLUMNS`.

    Raises:
        PluginError: It is not there, or not of that form.
    """
    where = f"{package}:{path}"
    try:
        text = files(package).joinpath(path).read_text(encoding="utf-8")
        rows = list(csv.DictReader(text.splitlines(), strict=True))
        return tuple(
            PublishedNumber(
                **{key: row[key] for key in COLUMNS if key != "value"},
                value=float(row["value"]),
            )
            for row in rows
        )
    except (OSError, KeyError, TypeError, ValueError, csv.Error) as error:
        raise PluginError(
            f"The published numbers of {where} cannot be read: "
            f"{type(error).__name__}: {error}",
            f"Columns: {', '.join(COLUMNS)}.",
        ) from error
