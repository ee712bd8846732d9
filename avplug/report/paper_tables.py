"""Tables in a paper's own form, of networks that were trained for them.

A suite states them, as data, in its configuration's ``tables``. Each has ``form``,
``title``, ``rows`` (names of trainings, with what they are called) and may have
``attacks`` (names; all if absent) and ``base``, the training that RI is relative to:

============ =========================================================================
``attacks``  attacks down, attacked senses with their budgets across, on the first of
             ``rows``; the clean accuracy of all of them below
``senses``   networks down, senses across; one table for each attack and budget
``success``  networks down, accuracy and success of each attack across, and what the
             training took; one table for each budget
``transfer`` networks that the attack was made on down, those it was shown to across
============ =========================================================================

Every number is a mean over trainings with different seeds, with their standard
deviation (of n - 1) behind it where there are several.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from avplug.core.errors import UsageError, closest
from avplug.report.attacked import AttackPanel
from avplug.report.paper_robustness import by_attacks, by_senses
from avplug.report.paper_source import Layout, Source, seed_of, training_of
from avplug.report.paper_training import by_success, by_transfer
from avplug.report.table import Table

_FORMS: dict[str, Callable[[Source, Layout], list[Table]]] = {
    "attacks": by_attacks,
    "senses": by_senses,
    "success": by_success,
    "transfer": by_transfer,
}


def paper_tables(
    panel: AttackPanel, layouts: Sequence[Mapping[str, Any]], costs: Sequence[Any]
) -> list[Table]:
    """Return the tables that a run's suite states, of what is finished.

    Args:
        panel: Its attacked cells.
        layouts: ``tables`` of its configuration.
        costs: ``trainings`` of its ``run.json``.

    Raises:
        UsageError: A table has an unknown form.
    """
    source = Source(panel, costs)
    found: list[Table] = []
    for number, plain in enumerate(layouts, 1):
        layout = Layout(**plain)
        if layout.form not in _FORMS:
            raise UsageError(
                f"A table has the unknown form {layout.form!r}."
                f"{closest(layout.form, _FORMS)}",
                f"Forms: {', '.join(_FORMS)}.",
            )
        made = _FORMS[layout.form](source, layout)
        found += [
            replace(
                table,
                name=f"{layout.form}-{number}" + (f"-{part}" if part > 1 else ""),
                note=f"{table.note} {_seeds(source, layout)}",
            )
            for part, table in enumerate(made, 1)
        ]
    return found


def _seeds(source: Source, layout: Layout) -> str:
    seeds = {seed_of(c) for c in source.cells if training_of(c) in layout.rows}
    clips = {int(c.stored.record["clips"]["evaluated"]) for c in source.cells}
    count = "–".join(map(str, sorted({min(clips), max(clips)})))
    if len(seeds) > 1:
        return f"Mean ± standard deviation of {len(seeds)} trainings; {count} clips."
    return f"One training of each; {count} clips."
