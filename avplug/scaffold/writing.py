"""Fills the templates, and writes a distribution or a single file."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from string import Template

from avplug.core.components import KINDS
from avplug.core.errors import UsageError
from avplug.scaffold.kinds import SCAFFOLDS, Scaffold
from avplug.scaffold.naming import Names, free

_WIDTH = 88
#: With its indent, quotes and comma it fills a line of the hook.
_LONGEST_SUMMARY = _WIDTH - 15


def write(
    kind: str,
    names: Names,
    out: Path,
    *,
    single_file: bool = False,
    summary: str = "",
) -> list[Path]:
    """Write a plugin of a kind, and return its files.

    Args:
        kind: One of :data:`~avplug.scaffold.kinds.SCAFFOLDS`.
        names: From :func:`~avplug.scaffold.naming.names_for`.
        out: Folder in which the distribution's folder, or the file, is made.
        single_file: A file for ``--plugin`` instead of a distribution.
        summary: What it does, on one line; by default what the template does.

    Raises:
        UsageError: The folder or file is there already, or cannot be written; or the
            summary is not one line that fits.
    """
    fill = one_file if single_file else distribution
    texts = fill(kind, names, _checked(summary))
    root = out if single_file else out / names.dist
    free(root / next(iter(texts)) if single_file else root)
    written = []
    for name, text in texts.items():
        path = root / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        except OSError as error:
            raise UsageError(
                f"{path} cannot be written: {error.strerror}.",
                "Choose another folder with --out.",
            ) from error
        written.append(path)
    return written


def _checked(summary: str) -> str:
    """Return a summary that needs no quoting in Python and TOML.

    Raises:
        UsageError: It is none.
    """
    if not summary.isprintable() or set(summary) & set('"\\'):
        raise UsageError(
            f"The summary {summary!r} holds what a line of text cannot.",
            "Leave out line breaks, double quotes and backslashes.",
        )
    if len(summary) > _LONGEST_SUMMARY:
        raise UsageError(
            f"The summary has {len(summary)} characters; {_LONGEST_SUMMARY} fit.",
            "It is what avplug list shows on one line; say more in the README.",
        )
    return summary.strip()


def distribution(kind: str, names: Names, summary: str = "") -> dict[str, str]:
    """Return the files of a distribution, text by path."""
    about = SCAFFOLDS[kind]
    values = _values(kind, names, summary)
    package = f"src/{names.package}"
    hook = _fill(
        "hook.py",
        values | {"target": f'"{names.package}.{names.module}:{names.cls}"'},
    )
    return {
        "pyproject.toml": _fill("pyproject.toml", values),
        "README.md": _fill("README.md", values),
        "LICENSE": _text("LICENSE.txt"),
        ".gitignore": _fill("gitignore", values),
        ".github/workflows/test.yml": _fill("ci.yml", values),
        f"{package}/__init__.py": _fill(
            "package.py", values | {"imports": imports(about.spec, "hookimpl")}
        )
        + hook,
        f"{package}/py.typed": "",
        f"{package}/{names.module}.py": _fill(
            f"{kind}.py", values | {"imports": imports(*about.names)}
        ),
        "tests/test_conformance.py": _fill("test_conformance.py", values),
    }


def one_file(kind: str, names: Names, summary: str = "") -> dict[str, str]:
    """Return a plugin that is a single file, text by path."""
    about = SCAFFOLDS[kind]
    values = _values(kind, names, summary)
    own = imports(*about.names, about.spec, "hookimpl")
    component = _fill(f"{kind}.py", values | {"imports": own})
    if "Sequence\n" not in component:
        head, mark, rest = component.partition("annotations\n\n")
        gap = "" if rest.startswith("from pathlib") else "\n"
        component = f"{head}{mark}from collections.abc import Sequence\n{gap}{rest}"
    hook = _fill("hook.py", values | {"target": f'f"{{__name__}}:{names.cls}"'})
    return {f"{names.module}.py": f"{component}\n\n{hook}"}


def imports(*names: str) -> str:
    """Return the import of public names, as formatters write it."""
    ordered = sorted(names, key=lambda name: (name[0].islower(), name.lower()))
    line = f"from avplug import {', '.join(ordered)}"
    if len(line) <= _WIDTH:
        return line
    return "from avplug import (\n" + "".join(f"    {n},\n" for n in ordered) + ")"


def _values(kind: str, names: Names, summary: str) -> dict[str, str]:
    about: Scaffold = SCAFFOLDS[kind]
    requirements = ("avplug>=0.1,<2", *about.needs)
    commands = [use.format(name=names.name) for use in about.use]
    return {
        "kind": kind,
        "noun": about.noun,
        "name": names.name,
        "title": names.name,
        "cls": names.cls,
        "module": names.module,
        "package": names.package,
        "dist": names.dist,
        "point": names.name,
        "hook": KINDS[kind][0],
        "spec": about.spec,
        "summary": summary or about.summary,
        "more": "".join(f"            {line},\n" for line in about.more),
        "dependencies": ", ".join(f'"{each}"' for each in requirements),
        "use": "\n".join(f"$ {command}" for command in commands),
    }


def _fill(name: str, values: dict[str, str]) -> str:
    return Template(_text(f"{name}.tmpl")).substitute(values)


def _text(name: str) -> str:
    return (files("avplug.scaffold") / "templates" / name).read_text(encoding="utf-8")
