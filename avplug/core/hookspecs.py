"""Every hook of avplug on one screen: the whole plugin API.

A plugin is a module (or object) with functions of these names, each marked with
``avplug.hookimpl``, found through the entry-point group ``avplug``, ``--plugin``, or
built in. An implementation names only the arguments that it wants. Registration hooks
must be light: a component is named by a lazy target ``"package.module:Class"``.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from avplug.core import components as c, events as e

#: Raised when an old plugin would misunderstand the host; plugins may state theirs as
#: a module attribute ``avplug_api``.
HOOK_API_VERSION = 1

hookspec = pluggy.HookspecMarker("avplug")
hookimpl = pluggy.HookimplMarker("avplug")


@hookspec
def avplug_corruptions() -> Iterable[c.CorruptionSpec]:  # type: ignore[empty-body]
    """Return the corruptions of this plugin.

    Example::

        from avplug import CorruptionSpec, hookimpl

        @hookimpl
        def avplug_corruptions():
            return [CorruptionSpec("fog", "avplug_fog.fog:Fog", "Fog, damped treble")]
    """


@hookspec
def avplug_models() -> Iterable[c.ModelSpec]:  # type: ignore[empty-body]
    """Return the models of this plugin, with their sizes and published weights."""


@hookspec
def avplug_adaptations() -> Iterable[c.AdaptationSpec]:  # type: ignore[empty-body]
    """Return the test-time adaptation methods of this plugin."""


@hookspec
def avplug_metrics() -> Iterable[c.MetricSpec]:  # type: ignore[empty-body]
    """Return the metrics of this plugin."""


@hookspec
def avplug_datasets() -> Iterable[c.DatasetSpec]:  # type: ignore[empty-body]
    """Return the data sets of this plugin."""


@hookspec
def avplug_attacks() -> Iterable[c.AttackSpec]:  # type: ignore[empty-body]
    """Return the adversarial attacks of this plugin."""


@hookspec
def avplug_defenses() -> Iterable[c.DefenseSpec]:  # type: ignore[empty-body]
    """Return the defences of this plugin."""


@hookspec
def avplug_executors() -> Iterable[c.ExecutorSpec]:  # type: ignore[empty-body]
    """Return the executors of this plugin: where cells can be evaluated."""


@hookspec
def avplug_suites() -> Iterable[c.SuiteSpec]:  # type: ignore[empty-body]
    """Return named run matrices: packaged configurations."""


@hookspec
def avplug_published() -> Iterable[c.PublishedSpec]:  # type: ignore[empty-body]
    """Return papers whose printed numbers this plugin carries, with their sources."""


@hookspec
def avplug_run_started(event: e.RunStarted) -> None:
    """Called when a run begins."""


@hookspec
def avplug_cell_finished(event: e.CellFinished) -> None:
    """Called after a cell's predictions are stored, in the process that stores them."""


@hookspec
def avplug_cell_failed(event: e.CellFailed) -> None:
    """Called when a cell raised; the run goes on."""


@hookspec
def avplug_run_finished(event: e.RunFinished) -> None:
    """Called when a run ends."""
