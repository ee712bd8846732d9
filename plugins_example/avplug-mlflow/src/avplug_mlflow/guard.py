"""Keeps a tracker's trouble away from the run: told once, and the run goes on.

avplug contains a hook that raises, but would tell of each event; and a server that is
away would cost its time-out at each of a thousand cells.
"""

from __future__ import annotations

import atexit
import logging
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from avplug.core.events import RunStarted
    from avplug_mlflow.tracker import Tracker

_log = logging.getLogger("avplug")

#: What MLflow's own defaults, minutes of waiting and usage reports, are set to where
#: the user has set nothing.
DEFAULTS = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "15",
    "MLFLOW_DISABLE_TELEMETRY": "true",
}


class Guard:
    """Passes events on to a tracker, until one fails."""

    def __init__(self) -> None:
        self._tracker: Tracker | None = None
        self._process = 0

    def started(self, event: RunStarted) -> None:
        """Begin to track a run, if ``MLFLOW_TRACKING_URI`` says where."""
        self.close()
        if not os.environ.get("MLFLOW_TRACKING_URI"):
            _log.warning("MLFLOW_TRACKING_URI is not set: MLflow is told nothing.")
            return
        for name, value in DEFAULTS.items():
            os.environ.setdefault(name, value)
        try:
            from avplug_mlflow.tracker import Tracker

            self._tracker = Tracker(event)
            self._process = os.getpid()
        except Exception as error:
            self._give_up(error)

    def tell(self, what: str, *event: object) -> None:
        """Call a method of the tracker; after an error no more until the next run."""
        # A forked worker that ends has this object, too, but no run to tell of.
        if self._tracker is None or self._process != os.getpid():
            return
        try:
            getattr(self._tracker, what)(*event)
        except Exception as error:
            self._give_up(error)

    def close(self) -> None:
        """Log what came after the run's last event, such as its report."""
        self.tell("close")
        self._tracker = None

    def _give_up(self, error: Exception) -> None:
        self._tracker = None
        _log.warning(
            "MLflow is told nothing more of this run: %s: %s. The run goes on; the "
            "same command again logs what is missing.",
            type(error).__name__,
            str(error).strip().partition("\n")[0].rstrip("."),
        )
        _log.debug("Traceback of the tracker", exc_info=error)


GUARD = Guard()
atexit.register(GUARD.close)
