"""The work on a task, in whichever process an executor calls it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from avplug.bench.config import RunConfig
from avplug.bench.evaluate import Outcome, evaluate_group
from avplug.bench.executors.sending import portable
from avplug.bench.feed import Feed, Part
from avplug.bench.plan import Cell, Plan
from avplug.bench.planning import make_plan
from avplug.bench.prepare import pick_device
from avplug.bench.provenance import environment
from avplug.bench.tasks import Task
from avplug.core.clip import ClipRef
from avplug.core.errors import AvplugError, WorkerSetupError
from avplug.core.manager import configure, get_plugin_manager
from avplug.core.records import PluginSettings
from avplug.core.registry import get_registry

#: What came of each cell of a task, by its id: an exception concerns its cell alone.
Outcomes = dict[str, Outcome | Exception]


@dataclass(frozen=True, slots=True)
class Setting:
    """What another process needs to plan the same run.

    Args:
        config: Of the run.
        plugins: Which are loaded; files by their whole path.
        variables: Those of the environment that avplug looks at.
        folder: That relative paths of the configuration start from.
    """

    config: RunConfig
    plugins: PluginSettings
    variables: Mapping[str, str]
    folder: str

    @classmethod
    def of(cls, config: RunConfig) -> Setting:
        """Return the setting of this process."""
        plugins = get_plugin_manager().settings
        extra = tuple(
            str(Path(name).resolve()) if name.endswith(".py") else name
            for name in plugins.extra
        )
        variables = {k: v for k, v in os.environ.items() if k.startswith("AVPLUG_")}
        return cls(config, replace(plugins, extra=extra), variables, os.getcwd())

    def plan(self) -> Plan:
        """Plan the run anew, in a process that does nothing else.

        Raises:
            WorkerSetupError: That fails here.
        """
        try:
            os.chdir(self.folder)
            os.environ.update(self.variables)
            configure(self.plugins)
            return make_plan(self.config, get_registry())
        except (AvplugError, OSError) as error:
            raise WorkerSetupError(
                f"A worker on {os.uname().nodename} cannot plan the run: {error}",
                "It needs the same code, plugins, data and weights at the same paths.",
            ) from error


class CellWork:
    """Evaluates tasks of a run; decoded clips and models stay between them.

    Args:
        config: Of the run.
        plan: Its plan in this process; pickled without it, to be made anew.
        tasks: That will come, in their order: the clips of one are prepared while the
            last of the one before are answered. Empty where they are not known.
    """

    def __init__(
        self, config: RunConfig, plan: Plan | None = None, tasks: Sequence[Task] = ()
    ) -> None:
        self._setting = Setting.of(config)
        self._away = False
        self._coming = list(tasks)
        self._use(plan)

    def _use(self, plan: Plan | None) -> None:
        self._plan = plan
        self._cells: dict[str, Cell] = {}
        if plan:
            self._cells = {cell.id: cell for cell in plan.cells}
            self._feed = Feed(plan)
            self._environment = environment(
                pick_device(plan.config.device), plan.config.models
            )

    @property
    def device(self) -> str:
        """The device of the configuration."""
        return self._setting.config.device

    def __getstate__(self) -> Setting:
        return self._setting

    def __setstate__(self, setting: Setting) -> None:
        self._setting = setting
        self._away = True
        self._coming = []
        self._use(None)

    def __call__(self, task: Task, tick: Callable[[int], None]) -> Outcomes:
        """Return what came of each cell of a task.

        Raises:
            WorkerSetupError: This process plans other cells than its caller.
        """
        if self._plan is None:
            self._use(self._setting.plan())
        plan = self._plan
        assert plan is not None
        lacking = [name for name in task.cells if name not in self._cells]
        if lacking:
            raise WorkerSetupError(
                f"A worker on {os.uname().nodename} plans other cells than the process "
                f"that started it; it lacks {lacking[0]}.",
                "Code, plugins, data and weights must be the same on every machine.",
            )
        if task in self._coming:
            self._coming.remove(task)
        cells = [self._cells[name] for name in task.cells]
        clips = _clips(plan, task)
        found = evaluate_group(
            cells, plan, self._feed, tick, clips, lambda: self._following(plan)
        )
        return {name: self._noted(outcome) for name, outcome in found.items()}

    def close(self) -> None:
        """Prepare nothing more."""
        if self._plan is not None:
            self._feed.close()

    def _following(self, plan: Plan) -> Part | None:
        task = next(iter(self._coming), None)
        if task is None:
            return None
        return self._feed.part(self._cells[task.cells[0]], 0, _clips(plan, task))

    def _noted(self, outcome: Outcome | Exception) -> Outcome | Exception:
        if isinstance(outcome, Exception):
            return portable(outcome) if self._away else outcome
        return replace(
            outcome, record={**outcome.record, "environment": self._environment}
        )


def _clips(plan: Plan, task: Task) -> tuple[ClipRef, ...] | None:
    return plan.clips[slice(*task.clips)] if task.clips else None
