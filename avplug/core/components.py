"""Descriptors: what a plugin says of a component without importing it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from avplug.core.stated import check_fields
from avplug.core.weight_specs import WeightSpec

_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]*\Z")
_TARGET = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*\Z")

#: Senses that a model may use, or a corruption may change: both, sound, picture.
MODALITIES = ("av", "a", "v")


@dataclass(frozen=True)
class ComponentSpec:
    """What every component states.

    Args:
        name: Lower-case letters, digits, ``_``, ``.`` and ``-``.
        target: ``"package.module:Class"``, imported only when the component is used.
        summary: One line for ``avplug list``.
        aliases: Other names; they obey the same clash rule as names.
        paper: arXiv id, DOI or address of the source.
        license: SPDX identifier, where it differs from the plugin's.
        requires: Distributions that must be installed, as ``pip install`` takes them.

    Raises:
        TypeError: A field is of another type than stated.
        ValueError: A name or the target is malformed.
    """

    kind: ClassVar[str] = "component"
    #: ``"module:Class"`` that the target must derive from; "" for any callable.
    base: ClassVar[str] = ""

    name: str
    target: str
    summary: str = ""
    aliases: tuple[str, ...] = ()
    paper: str = ""
    license: str = ""
    requires: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_fields(self)
        for name in (self.name, *self.aliases):
            if not _NAME.match(name):
                raise ValueError(
                    f"{name!r} is no {self.kind} name: use lower-case letters, digits,"
                    " '_', '.' and '-', beginning with a letter or digit."
                )
        if not _TARGET.match(self.target):
            raise ValueError(
                f"{self.target!r} is no target of '{self.name}': write it as"
                " 'package.module:Class'."
            )


@dataclass(frozen=True)
class CorruptionSpec(ComponentSpec):
    """A corruption; returned by ``avplug_corruptions``.

    ``category`` groups corruptions for selections such as ``digital/*``; the paper's
    are ``digital``, ``environmental`` and ``human-related``.
    """

    kind = "corruption"
    base = "avplug.core.corruption:Corruption"

    category: str = "other"
    profiles: tuple[str, ...] = ("paper", "released")


@dataclass(frozen=True)
class ModelSpec(ComponentSpec):
    """A model; returned by ``avplug_models``.

    Args:
        capabilities: What methods may ask for: surfaces (``norm``,
            ``fusion_attention``, ``classifier``), ``gradient``, ``encode``.
        variants: Sizes by name, each the constructor's options; ``model:variant``.
        weights: Known checkpoints.
        reads_weights: Whether the constructor's option ``weights`` takes what a user
            gives as ``--weights``, such as a folder or an id of another library's, and
            makes the final weights of it. avplug then reads no checkpoint itself.
        modalities: Senses that its answer depends on: ``"av"``, ``"a"`` for a model
            that only hears, ``"v"`` for one that only sees. Where a variant or an
            option leaves out a sense, the model says so: ``Model.modalities``.

    Raises:
        ValueError: The modalities are others, besides what a component raises.
    """

    kind = "model"
    base = "avplug.core.model:Model"

    capabilities: tuple[str, ...] = ()
    variants: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    weights: tuple[WeightSpec, ...] = ()
    reads_weights: bool = False
    modalities: str = "av"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.modalities not in MODALITIES:
            raise ValueError(
                f"{self.modalities!r} are no modalities of model '{self.name}':"
                " 'av', 'a' or 'v' are possible."
            )


@dataclass(frozen=True)
class AdaptationSpec(ComponentSpec):
    """A test-time adaptation method; returned by ``avplug_adaptations``.

    Args:
        needs: Capabilities that the model must have, else the plan skips the cell;
            besides ``source-data``, clean clips of the training split, and ``labels``,
            which protocol ``few-shot`` gives.
        stateful: Whether the answer to a clip depends on other clips. Then stream
            order and batch size belong to the cell's identity.
        tasks: What it is defined for; entropies of a softmax mean nothing where a
            clip has several labels.
    """

    kind = "adaptation"
    base = "avplug.core.adaptation:Adapter"

    needs: tuple[str, ...] = ()
    stateful: bool = True
    tasks: tuple[str, ...] = ("single-label",)


@dataclass(frozen=True)
class MetricSpec(ComponentSpec):
    """A metric; returned by ``avplug_metrics``.

    Args:
        task: ``"single-label"``, ``"multi-label"``, ``"multi-task"`` (a label of each
            task, such as verb and noun) or ``"any"``.
        title: What tables print, with the unit.
        unit: ``"%"``, or another, "" for none. Only of percentages, of which more is
            better, do alpha and rho mean anything.
        needs: ``"embeddings"``, which a run keeps where it is told to.
    """

    kind = "metric"
    base = "avplug.core.metric:Metric"

    task: str = "any"
    title: str = ""
    unit: str = "%"
    needs: tuple[str, ...] = ()


@dataclass(frozen=True)
class DatasetSpec(ComponentSpec):
    """A data set; returned by ``avplug_datasets``.

    Args:
        classes: How many; for listing.
        size: Clips by split, in words; for listing.
        needs_root: Whether ``--data-root`` must be given.
        page: Where its owner publishes it; "" where avplug brings it.
    """

    kind = "dataset"
    base = "avplug.core.dataset:Dataset"

    classes: int = 0
    size: str = ""
    needs_root: bool = True
    page: str = ""


@dataclass(frozen=True)
class AttackSpec(ComponentSpec):
    """An adversarial attack; returned by ``avplug_attacks``."""

    kind = "attack"
    base = "avplug.core.attack:Attack"

    needs: tuple[str, ...] = ("gradient",)


@dataclass(frozen=True)
class DefenseSpec(ComponentSpec):
    """A defence; returned by ``avplug_defenses``."""

    kind = "defense"
    base = "avplug.core.defense:Defense"

    needs: tuple[str, ...] = ()


@dataclass(frozen=True)
class ExecutorSpec(ComponentSpec):
    """An executor; returned by ``avplug_executors``."""

    kind = "executor"
    base = "avplug.core.executor:Executor"


@dataclass(frozen=True)
class SuiteSpec(ComponentSpec):
    """A named run matrix; returned by ``avplug_suites``.

    Its target is called without arguments and returns a mapping: keys of a run's
    configuration with their values. A file and flags win over it.

    Args:
        trainings: Target of a function without arguments that returns what ``avplug
            train --suite`` fits, see :mod:`avplug.bench.training_suite`; "" where the
            suite needs no training.
    """

    kind = "suite"

    trainings: str = ""


@dataclass(frozen=True)
class PublishedSpec(ComponentSpec):
    """What a paper prints; returned by ``avplug_published``.

    Its target is called without arguments and returns
    :class:`~avplug.core.published.PublishedResults`; ``paper`` is the source, and
    ``title`` names it in words.
    """

    kind = "published"

    title: str = ""


#: Registration hook of each kind, in the order of ``avplug list``.
KINDS: dict[str, tuple[str, type[ComponentSpec]]] = {
    "corruption": ("avplug_corruptions", CorruptionSpec),
    "model": ("avplug_models", ModelSpec),
    "adaptation": ("avplug_adaptations", AdaptationSpec),
    "metric": ("avplug_metrics", MetricSpec),
    "dataset": ("avplug_datasets", DatasetSpec),
    "attack": ("avplug_attacks", AttackSpec),
    "defense": ("avplug_defenses", DefenseSpec),
    "executor": ("avplug_executors", ExecutorSpec),
    "suite": ("avplug_suites", SuiteSpec),
    "published": ("avplug_published", PublishedSpec),
}
