"""The bar of a run, where several cells are under way at once."""

import io
from pathlib import Path

from rich.console import Console

from avplug.bench.planning import make_plan
from avplug.cli.progress import RunProgress
from avplug.core.registry import get_registry
from tests.bench.toys import config


def test_cells_at_once_are_counted_and_what_is_lost_is_taken_back(tmp_path):
    plan = make_plan(config(tmp_path, severities=(5,)), get_registry())
    first, second, third = plan.cells
    console = Console(file=io.StringIO(), width=200)
    progress = RunProgress(console)
    clips, cells = progress._bar.tasks

    progress.planned(plan, plan.cells, Path("out"))
    assert clips.total == 3 * 24
    progress.cell_started(first)
    assert clips.description == "cav-mae source clean seed 0"
    progress.cell_started(second)
    assert clips.description == "2 cells at once"
    progress.clips_done(20)
    progress.clips_done(-15)
    assert clips.completed == 5
    progress.cell_ended(first, None)
    assert clips.completed == 5
    assert clips.description == "cav-mae source gaussian s5 seed 0"
    progress.cell_ended(second, "it failed")
    # With nothing under way, the count is that of the cells that have ended.
    assert clips.completed == 2 * 24
    progress.cell_ended(third, None)
    assert (clips.completed, cells.completed) == (3 * 24, 3)
    said = console.file.getvalue()
    assert "gaussian s5 seed 0: failed (2/3)" in said
    assert "compression s5 seed 0: done (3/3)" in said
