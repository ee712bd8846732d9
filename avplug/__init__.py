"""avplug: does an audio-visual model still work when sound and picture go bad together?

Names are imported on first use, so that ``import avplug`` stays light.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from avplug._version import __version__

_HOMES = {
    "avplug.core.adaptation": ("Adapter",),
    "avplug.core.attack": ("Attack", "Budget", "ThreatModel"),
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
        "SuiteSpec",
        "WeightSpec",
    ),
    "avplug.core.corruption": ("Corruption", "corrupt"),
    "avplug.core.dataset": ("Dataset",),
    "avplug.core.defense": ("Defense",),
    "avplug.core.errors": ("AvplugError", "MediaError", "UsageError"),
    "avplug.core.executor": ("Executor",),
    "avplug.core.hookspecs": ("HOOK_API_VERSION", "hookimpl"),
    "avplug.core.metric": ("Metric", "Predictions"),
    "avplug.core.model": ("Model",),
    "avplug.core.randomness": ("KeyedRandom",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = ["__version__", *_HOME_OF]


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'avplug' has no attribute {name!r}")
    return getattr(import_module(_HOME_OF[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
