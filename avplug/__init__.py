"""avplug: does an audio-visual model still work when sound and picture go bad together?

Names are imported on first use, so that ``import avplug`` stays light.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from avplug._version import __version__

# Checkers see through no __getattr__; a test holds both lists to the same names.
if TYPE_CHECKING:
    from avplug.core.adaptation import (
        Adapter as Adapter,
        Stream as Stream,
    )
    from avplug.core.attack import (
        Attack as Attack,
        Attacked as Attacked,
        Budget as Budget,
        ThreatModel as ThreatModel,
    )
    from avplug.core.batch import (
        Batch as Batch,
        check_clip as check_clip,
        collate as collate,
    )
    from avplug.core.clip import (
        Clip as Clip,
        ClipInfo as ClipInfo,
        ClipRef as ClipRef,
        InputSpec as InputSpec,
    )
    from avplug.core.components import (
        AdaptationSpec as AdaptationSpec,
        AttackSpec as AttackSpec,
        CorruptionSpec as CorruptionSpec,
        DatasetSpec as DatasetSpec,
        DefenseSpec as DefenseSpec,
        ExecutorSpec as ExecutorSpec,
        MetricSpec as MetricSpec,
        ModelSpec as ModelSpec,
        PublishedSpec as PublishedSpec,
        SuiteSpec as SuiteSpec,
    )
    from avplug.core.corruption import (
        Corruption as Corruption,
        corrupt as corrupt,
    )
    from avplug.core.dataset import Dataset as Dataset
    from avplug.core.defense import (
        Defense as Defense,
        Moment as Moment,
        Training as Training,
        task_loss as task_loss,
    )
    from avplug.core.errors import (
        AvplugError as AvplugError,
        CapabilityError as CapabilityError,
        DatasetError as DatasetError,
        MediaError as MediaError,
        UsageError as UsageError,
        WorkerLostError as WorkerLostError,
    )
    from avplug.core.events import (
        CellFailed as CellFailed,
        CellFinished as CellFinished,
        RunFinished as RunFinished,
        RunStarted as RunStarted,
    )
    from avplug.core.executor import (
        Executor as Executor,
        Outcome as Outcome,
        Task as Task,
        Tell as Tell,
        Work as Work,
    )
    from avplug.core.hookspecs import (
        HOOK_API_VERSION as HOOK_API_VERSION,
        hookimpl as hookimpl,
    )
    from avplug.core.metric import (
        Embeddings as Embeddings,
        Metric as Metric,
        Predictions as Predictions,
    )
    from avplug.core.model import (
        Model as Model,
        Surface as Surface,
    )
    from avplug.core.published import (
        PublishedAttackProtocol as PublishedAttackProtocol,
        PublishedNumber as PublishedNumber,
        PublishedProtocol as PublishedProtocol,
        PublishedResults as PublishedResults,
        read_numbers as read_numbers,
    )
    from avplug.core.randomness import KeyedRandom as KeyedRandom
    from avplug.core.supervision import SupervisedAdapter as SupervisedAdapter
    from avplug.core.weight_specs import (
        FileSpec as FileSpec,
        WeightSpec as WeightSpec,
    )

_HOMES = {
    "avplug.core.adaptation": ("Adapter", "Stream"),
    "avplug.core.attack": ("Attack", "Attacked", "Budget", "ThreatModel"),
    "avplug.core.batch": ("Batch", "check_clip", "collate"),
    "avplug.core.clip": ("Clip", "ClipInfo", "ClipRef", "InputSpec"),
    "avplug.core.components": (
        "AdaptationSpec",
        "AttackSpec",
        "CorruptionSpec",
        "DatasetSpec",
        "DefenseSpec",
        "ExecutorSpec",
        "MetricSpec",
        "ModelSpec",
        "PublishedSpec",
        "SuiteSpec",
    ),
    "avplug.core.corruption": ("Corruption", "corrupt"),
    "avplug.core.dataset": ("Dataset",),
    "avplug.core.defense": ("Defense", "Moment", "Training", "task_loss"),
    "avplug.core.errors": (
        "AvplugError",
        "CapabilityError",
        "DatasetError",
        "MediaError",
        "UsageError",
        "WorkerLostError",
    ),
    "avplug.core.events": ("CellFailed", "CellFinished", "RunFinished", "RunStarted"),
    "avplug.core.executor": ("Executor", "Outcome", "Task", "Tell", "Work"),
    "avplug.core.hookspecs": ("HOOK_API_VERSION", "hookimpl"),
    "avplug.core.metric": ("Embeddings", "Metric", "Predictions"),
    "avplug.core.model": ("Model", "Surface"),
    "avplug.core.published": (
        "PublishedAttackProtocol",
        "PublishedNumber",
        "PublishedProtocol",
        "PublishedResults",
        "read_numbers",
    ),
    "avplug.core.randomness": ("KeyedRandom",),
    "avplug.core.supervision": ("SupervisedAdapter",),
    "avplug.core.weight_specs": ("FileSpec", "WeightSpec"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = ["__version__", *_HOME_OF]


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        from avplug.core.deprecation import moved

        module, _, new = moved(name).partition(":")
        if module:
            return getattr(import_module(module), new)
        raise AttributeError(f"module 'avplug' has no attribute {name!r}")
    return getattr(import_module(_HOME_OF[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
