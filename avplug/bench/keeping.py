"""What came of cells, stored one by one and told to plugins and to the observer."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from avplug.bench.describing import describe_cell
from avplug.bench.evaluate import NoClipError, Outcome
from avplug.bench.metrics import scores
from avplug.bench.observing import Observer
from avplug.bench.plan import Cell, Plan
from avplug.bench.store import Store, StoredCell
from avplug.core.errors import StoppedError
from avplug.core.events import CellFailed, CellFinished
from avplug.core.manager import get_plugin_manager

_log = logging.getLogger("avplug")


class Keeper:
    """Stores outcomes, and tells of them.

    Args:
        plan: Of the run.
        store: Where they go.
        about: What ``run.json`` says, which failures are added to.
        observer: Told of progress.

    Attributes:
        failed: Ids of cells that failed, and why.
    """

    def __init__(
        self,
        plan: Plan,
        store: Store,
        about: Mapping[str, Any],
        observer: Observer | None,
    ) -> None:
        self._plan = plan
        self._store = store
        self._about = about
        self._observer = observer
        self.failed: dict[str, str] = {}

    def keep(self, cell: Cell, outcome: Outcome | Exception) -> None:
        """Store an outcome, or note a failure.

        Raises:
            NoClipError: Not one clean clip could be evaluated: the other cells would
                only say so again.
            StorageError: It cannot be stored, nor could another.
            StoppedError: It is a failure, and the run stops at the first.
        """
        folder = str(self._store.folder)
        manager = get_plugin_manager()
        if isinstance(outcome, NoClipError) and cell.clean:
            raise outcome
        if isinstance(outcome, Exception):
            error = f"{type(outcome).__name__}: {outcome}"
            self.failed[cell.id] = error
            _log.error("Cell %s failed. %s", describe_cell(cell.identity), error)
            _log.debug("Traceback of cell %s", cell.id, exc_info=outcome)
            manager.notify(
                "avplug_cell_failed",
                CellFailed(folder, cell.id, cell.identity, error),
            )
            self._store.write_run({**self._about, "failed": self.failed})
            if self._plan.config.on_error == "stop":
                raise StoppedError(
                    f"{describe_cell(cell.identity)} failed: {error}",
                    "Finished cells are kept; the same command again goes on.",
                ) from outcome
        else:
            stored = self._put(cell, outcome)
            manager.notify(
                "avplug_cell_finished", _event(self._store.folder, self._plan, stored)
            )
        if self._observer:
            self._observer.cell_ended(cell, self.failed.get(cell.id))

    def _put(self, cell: Cell, outcome: Outcome) -> StoredCell:
        config = self._plan.config
        record = {
            **outcome.record,
            "run": {
                "batch_size": config.batch_size,
                "workers": config.workers,
                "executor": config.executor,
            },
            "finished": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        }
        if cell.model.modalities != "av":
            record["modalities"] = cell.model.modalities
        return self._store.put(
            cell.identity, outcome.predictions, record, outcome.places, outcome.maps
        )


def _event(folder: Path, plan: Plan, stored: StoredCell) -> CellFinished:
    try:
        values = scores(plan.metrics, stored.predictions())
    except (Exception, SystemExit):
        # The predictions are safe; a broken metric must not end the run.
        _log.exception("A metric failed on cell %s.", stored.id)
        values = {}
    seconds = stored.record["seconds"]["total"]
    return CellFinished(str(folder), stored.id, stored.cell, values, seconds)
