"""Which experiment runs are put into."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from mlflow.exceptions import MlflowException

from avplug import UsageError

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

#: The experiment where the user names none.
DEFAULT = "avplug"


def experiment_id(client: MlflowClient) -> str:
    """Return the experiment that ``MLFLOW_EXPERIMENT_ID`` or ``_NAME`` says.

    One of that name is made if there is none.

    Raises:
        UsageError: It was deleted.
    """
    if given := os.environ.get("MLFLOW_EXPERIMENT_ID"):
        return given
    name = os.environ.get("MLFLOW_EXPERIMENT_NAME") or DEFAULT
    experiment = client.get_experiment_by_name(name)
    if experiment is None:
        try:
            return str(client.create_experiment(name))
        except MlflowException:
            # Another run may have made it in between.
            experiment = client.get_experiment_by_name(name)
            if experiment is None:
                raise
    if experiment.lifecycle_stage != "active":
        raise UsageError(
            f"MLflow's experiment '{name}' was deleted.",
            "Restore it, or name another with MLFLOW_EXPERIMENT_NAME.",
        )
    return str(experiment.experiment_id)
