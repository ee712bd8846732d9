"""Which two methods of one or two runs are compared."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from avplug.bench.store import Store, StoredCell
from avplug.core.errors import UsageError
from avplug.report import keys
from avplug.report.pairing import Side
from avplug.report.panel import Method


def find_sides(folders: Sequence[Path], patterns: Sequence[str]) -> tuple[Side, Side]:
    """Return the two methods to compare, the reference first.

    Args:
        folders: One run or two.
        patterns: Of ``model/adaptation``, or of either alone, with ``*`` and ``?``. Of
            one run two are needed, unless it has two methods; of two runs one pattern
            serves both, and two are for one run each.

    Raises:
        UsageError: A pattern fits no method or several, or there is no choice made
            where there is one.
    """
    runs = [_methods(folder) for folder in folders]
    if len(runs) == 1:
        runs = [runs[0], runs[0]]
        if not patterns and len(runs[0]) == 2:
            patterns = [_full(method) for method in runs[0]]
        if len(patterns) != 2:
            raise UsageError(
                f"'{folders[0]}' has {_listed(list(runs[0]))}; two are compared.",
                "Name them, or give two runs: avplug compare RUN --method source"
                " --method tent",
            )
        chosen = [
            _one(run, text, folders[0])
            for run, text in zip(runs, patterns, strict=True)
        ]
    else:
        if len(patterns) > 2:
            raise UsageError(
                f"{len(patterns)} methods are named, of two runs.",
                "One --method serves both; two are for one run each.",
            )
        texts = list(patterns) * 2 if len(patterns) == 1 else list(patterns)
        texts = texts or [_default(run, runs) for run in runs]
        chosen = [
            _one(run, text, folder)
            for run, text, folder in zip(runs, texts, folders, strict=True)
        ]
    groups = [Store(folder).run.get("groups", {}) for folder in folders]
    first, second = (
        Side(label, run[method], group)
        for label, run, method, group in zip(
            _labels(chosen, folders), runs, chosen, (groups[0], groups[-1]), strict=True
        )
    )
    return first, second


def _methods(folder: Path) -> dict[Method, list[StoredCell]]:
    cells = [part for cell in Store(folder).cells() for part in cell.segments()]
    named = keys.methods(cells)
    found: dict[Method, list[StoredCell]] = {}
    for cell in cells:
        found.setdefault(named[cell.id], []).append(cell)
    if not found:
        raise UsageError(f"'{folder}' has no finished cell to compare.")
    return found


def _one(run: dict[Method, list[StoredCell]], pattern: str, folder: Path) -> Method:
    names = {method: _full(method) for method in run}
    # A name as it is written goes first: labels may hold brackets and commas.
    fits = [m for m in run if pattern in (names[m], m.model, m.adaptation)]
    fits = fits or [
        method
        for method in run
        if any(
            fnmatchcase(text, pattern)
            for text in (names[method], method.model, method.adaptation)
        )
    ]
    if len(fits) != 1:
        raise UsageError(
            f"{pattern!r} is {'no' if not fits else 'more than one'} method of "
            f"'{folder}', which has {_listed(list(run))}.",
            "Methods are model/adaptation, such as 'cav-mae:tiny/tent'.",
        )
    return fits[0]


def _default(
    run: dict[Method, list[StoredCell]], runs: list[dict[Method, list[StoredCell]]]
) -> str:
    """Return the only method of a run, else its untreated one if both have one."""
    if len(run) == 1:
        return _full(next(iter(run)))
    plain = [[m for m in methods if m.source] for methods in runs]
    if all(len(found) == 1 for found in plain):
        return _full(next(method for method in run if method.source))
    raise UsageError(
        f"The runs have several methods, {_listed(list(run))} among them.",
        "Choose with --method, once for both runs or once for each.",
    )


def _labels(chosen: list[Method], folders: Sequence[Path]) -> list[str]:
    """Return the shortest of adaptation, model, both and folder that tells."""
    one, two = chosen
    if one.model == two.model and one.adaptation != two.adaptation:
        return [method.adaptation for method in chosen]
    if one.model != two.model and one.adaptation == two.adaptation:
        return [method.model for method in chosen]
    if one != two:
        return [_full(method) for method in chosen]
    names = [folder.name for folder in folders]
    return names if len(set(names)) == 2 else [str(folder) for folder in folders]


def _full(method: Method) -> str:
    return f"{method.model}/{method.adaptation}"


def _listed(methods: list[Method]) -> str:
    count = f"{len(methods)} method{'s' * (len(methods) != 1)}"
    return f"{count} ({', '.join(map(_full, methods))})"
