"""The promises that avplug asks of every plugin."""

from __future__ import annotations

import subprocess
import sys

import avplug_mlflow

from avplug.core.hookspecs import hookimpl


def test_its_hooks_are_events_of_avplug():
    marked = {name for name in vars(avplug_mlflow) if name.startswith("avplug_")}
    assert marked == {
        "avplug_run_started",
        "avplug_cell_finished",
        "avplug_cell_failed",
        "avplug_run_finished",
    }
    attribute = f"{hookimpl.project_name}_impl"
    assert all(hasattr(getattr(avplug_mlflow, name), attribute) for name in marked)


def test_loading_the_plugin_loads_no_mlflow():
    code = "import avplug_mlflow, sys; sys.exit('mlflow' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
