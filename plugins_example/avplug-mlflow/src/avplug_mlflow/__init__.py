"""An avplug plugin: what happens in a run is told to MLflow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from avplug import hookimpl

if TYPE_CHECKING:
    from avplug.core.events import CellFailed, CellFinished, RunFinished, RunStarted


@hookimpl
def avplug_run_started(event: RunStarted) -> None:
    """Find or make the MLflow run of the folder; MLflow is imported only here."""
    from avplug_mlflow.guard import GUARD

    GUARD.started(event)


@hookimpl
def avplug_cell_finished(event: CellFinished) -> None:
    """Log a cell's scores."""
    from avplug_mlflow.guard import GUARD

    GUARD.tell("cell_finished", event)


@hookimpl
def avplug_cell_failed(event: CellFailed) -> None:
    """Log why a cell has none."""
    from avplug_mlflow.guard import GUARD

    GUARD.tell("cell_failed", event)


@hookimpl
def avplug_run_finished(event: RunFinished) -> None:
    """Log how the run ended, and its files."""
    from avplug_mlflow.guard import GUARD

    GUARD.tell("run_finished", event)
