"""A built data set checked against its manifest: missing, changed, unlisted files."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from avplug.bench.manifest import MANIFEST, digest, read_manifest
from avplug.bench.pipeline import ordered_map


@dataclass(frozen=True, slots=True)
class Problem:
    """A path relative to the folder, and what is wrong with it, in a word or two."""

    path: str
    what: str


@dataclass(frozen=True, slots=True)
class Verification:
    """How many files the manifest lists, and what is wrong with them or beside them."""

    files: int
    problems: tuple[Problem, ...]


def verify(
    root: Path,
    workers: int = 0,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Verification:
    """Hash every file that the manifest of ``root`` lists, and look for others.

    Args:
        root: The folder that was built.
        workers: Threads that hash.
        progress: Told of files checked, and of how many there are.

    Raises:
        UsageError: There is no manifest.
    """
    listed: dict[str, tuple[str, int]] = {}
    problems = []
    for number, row in read_manifest(root / MANIFEST):
        files = row.get("files", {}) if row else {}
        try:
            listed |= {
                path: (str(sha), int(size)) for path, (sha, size) in files.items()
            }
            sound = row is not None
        except (AttributeError, TypeError, ValueError):
            sound = False
        if not sound:
            problems.append(Problem(MANIFEST, f"line {number} is damaged"))

    def check(item: tuple[str, tuple[str, int]]) -> Problem | None:
        fault = _fault(root, *item)
        return Problem(item[0], fault) if fault else None

    results = ordered_map(check, listed.items(), workers, 4 * max(1, workers))
    for done, problem in enumerate(results, 1):
        progress(done, len(listed))
        if problem:
            problems.append(problem)
    problems += [
        Problem(path, "unlisted") for path in sorted(_present(root) - listed.keys())
    ]
    return Verification(len(listed), tuple(problems))


def _fault(root: Path, path: str, stated: tuple[str, int]) -> str:
    parts = PurePosixPath(path)
    if parts.is_absolute() or ".." in parts.parts:
        return "outside the folder"
    try:
        return "" if digest(root / path) == stated else "changed"
    except FileNotFoundError:
        return "missing"
    except OSError as error:
        return f"unreadable: {error.strerror}"


def _present(root: Path) -> set[str]:
    return set(_walk(root)) - {MANIFEST}


def _walk(root: Path) -> Iterator[str]:
    for folder, _, names in os.walk(root):
        for name in names:
            yield Path(folder, name).relative_to(root).as_posix()
