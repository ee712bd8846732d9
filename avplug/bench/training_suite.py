"""The trainings of a suite: all networks that a paper's tables compare.

::

    OUT/<name>/seed-<s>/    a training, as of :mod:`avplug.bench.training`

A suite names its trainings with the settings that make them differ: keys of
:class:`~avplug.bench.train_config.TrainConfig`, and ``after``, the training of the same
suite and seed whose weights it starts from. The user's settings win over them; but a
``budget`` is for those trainings only that have one.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from avplug.bench.decode import decode
from avplug.bench.train_config import Epoch, TrainConfig
from avplug.bench.training import WEIGHTS, train
from avplug.core.components import SuiteSpec
from avplug.core.errors import UsageError, closest
from avplug.core.registry import Registry
from avplug.core.targets import load_target

_log = logging.getLogger("avplug")


class TrainingObserver(Protocol):
    """What is told of the progress of a suite's trainings."""

    def clips_done(self, epoch: int, done: int, total: int) -> None:
        """So many clips of an epoch are done."""

    def epoch_ended(self, row: Epoch) -> None:
        """An epoch is done."""

    def training_started(self, what: str, number: int, total: int) -> None:
        """A training begins, or is found finished."""


@dataclass(frozen=True, slots=True)
class Planned:
    """A training of a suite.

    Args:
        name: In the suite.
        config: Without the weights that it starts from.
        after: Folder of the training that these are from; None for none.
    """

    name: str
    config: TrainConfig
    after: Path | None


def plan_trainings(
    registry: Registry,
    suite: str,
    out: Path | str,
    settings: Mapping[str, Any],
    seeds: Sequence[int],
    only: Sequence[str] = (),
) -> list[Planned]:
    """Return the trainings of a suite, each behind the one that it starts from.

    Args:
        registry: Where the suite is looked up.
        suite: Its name.
        out: Folder for all of them.
        settings: The user's, keys of :class:`TrainConfig`.
        seeds: Each trains all networks once.
        only: Names of trainings; all if empty.

    Raises:
        UnknownNameError: There is no such suite.
        UsageError: It has no trainings, or a setting or name is wrong.
    """
    entry = registry.get("suite", suite)
    spec = entry.spec
    assert isinstance(spec, SuiteSpec)
    if not spec.trainings:
        with_some = [e.name for e in registry.entries("suite") if _trains(e.spec)]
        raise UsageError(
            f"Suite '{suite}' trains nothing.",
            f"Suites that do: {', '.join(with_some) or 'none'}.",
        )
    target = replace(spec, target=spec.trainings)
    rows: dict[str, dict[str, Any]] = load_target(target, entry.provider)()
    for name in only:
        if name not in rows:
            raise UsageError(
                f"Suite '{suite}' has no training {name!r}.{closest(name, rows)}",
                f"Trainings: {', '.join(rows)}.",
            )
    chosen = {name: row for name, row in rows.items() if not only or name in only}
    return [
        _planned(suite, name, row, Path(out), settings, seed)
        for seed in seeds
        for name, row in chosen.items()
    ]


def _trains(spec: Any) -> bool:
    return bool(spec.trainings)


def _planned(
    suite: str,
    name: str,
    row: Mapping[str, Any],
    out: Path,
    settings: Mapping[str, Any],
    seed: int,
) -> Planned:
    mine = {key: value for key, value in row.items() if key != "after"}
    given = dict(settings)
    if "budget" not in mine:
        given.pop("budget", None)
    options = {key: dict(value) for key, value in mine.get("options", {}).items()}
    for key, value in given.get("options", {}).items():
        if _concerns(key, mine):
            options[key] = {**options.get(key, {}), **value}
    folder = _folder(out, name, seed)
    whole = {
        **mine,
        **given,
        "options": options,
        "name": name,
        "seed": seed,
        "out": str(folder),
    }
    config = decode(TrainConfig, whole, f"suite {suite}, training {name}")
    after = row.get("after")
    return Planned(name, config, _folder(out, after, seed) if after else None)


def _concerns(key: str, row: Mapping[str, Any]) -> bool:
    """Whether options are for this training: not if they are of another's defence."""
    everywhere = ("model", "dataset", "lr_of", "schedule")
    model = str(row.get("model", "")).partition(":")[0]
    return key in (*everywhere, model, row.get("model"), row.get("defense"))


def _folder(out: Path, name: str, seed: int) -> Path:
    return out / name / f"seed-{seed}"


def train_suite(
    planned: Sequence[Planned],
    registry: Registry,
    observer: TrainingObserver,
    fit: Callable[..., list[Epoch]] = train,
) -> dict[str, str]:
    """Do every training that is not finished; one that fails leaves the others alone.

    Returns:
        What went wrong, by the training's folder.
    """
    failed: dict[str, str] = {}
    for number, training in enumerate(planned, 1):
        config = training.config
        observer.training_started(config.out, number, len(planned))
        if training.after:
            start = training.after / WEIGHTS
            if not start.exists():
                failed[config.out] = f"It starts from {start}, which is not there."
                _log.error("Training %s: %s", config.out, failed[config.out])
                continue
            config = replace(config, init=str(start))
        try:
            fit(config, registry, observer.clips_done, observer.epoch_ended)
        # Whatever a plugin raises concerns its own training alone.
        except Exception as error:
            failed[config.out] = f"{type(error).__name__}: {error}"
            _log.error("Training %s failed. %s", config.out, failed[config.out])
            _log.debug("Traceback of training %s", config.out, exc_info=error)
    return failed
