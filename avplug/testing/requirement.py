"""What a distribution says of the avplug that it needs."""

from __future__ import annotations

import re
from collections.abc import Iterable

_NAME = re.compile(r"\s*avplug(?![\w.-])\s*(?:\[[^\]]*\])?\s*\(?([^;)]*)")
_CLAUSE = re.compile(r"(~=|==|!=|<=|>=|<|>)\s*(\d+(?:\.\d+)*)(\.\*)?")

Version = tuple[int, ...]


def pin_on_avplug(requirements: Iterable[str]) -> str | None:
    """Return the version clauses of the requirement on avplug; None without one."""
    for requirement in requirements:
        match = _NAME.match(requirement)
        if match and "extra ==" not in requirement:
            return match[1].strip()
    return None


def accepts(clauses: str, version: str) -> bool:
    """Return whether clauses such as ``>=0.1,<2`` accept a release."""
    return all(
        _holds(sign, _release(wanted), bool(star), _release(version))
        for sign, wanted, star in _CLAUSE.findall(clauses)
    )


def next_minor(version: str) -> str:
    """Return the minor release after a version."""
    major, minor = (*_release(version), 0)[:2]
    return f"{major}.{minor + 1}.0"


def _release(version: str) -> Version:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])


def _holds(sign: str, wanted: Version, star: bool, version: Version) -> bool:
    if star:
        same = version[: len(wanted)] == wanted
        return same if sign == "==" else not same
    if sign == "~=":
        return version >= wanted and version[: len(wanted) - 1] == wanted[:-1]
    width = max(len(wanted), len(version))
    one, two = ((*each, 0, 0, 0)[:width] for each in (version, wanted))
    return {
        "==": one == two,
        "!=": one != two,
        "<=": one <= two,
        ">=": one >= two,
        "<": one < two,
        ">": one > two,
    }[sign]
