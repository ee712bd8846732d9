"""Static checks: what a distribution says of itself, and what loading it costs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from avplug._version import __version__
from avplug.core.discovery import Metadata
from avplug.testing.checks import Outcome, State
from avplug.testing.requirement import accepts, next_minor, pin_on_avplug

#: Milliseconds of CPU time that the import of an entry point may take.
SLOWEST_IMPORT = 300.0


def of_metadata(metadata: Metadata) -> Iterator[Outcome]:
    """Yield what the metadata of a distribution leaves to be wished."""
    about = metadata.distribution
    missing = [
        field
        for field, value in (
            ("description", metadata.summary),
            ("license", metadata.license),
            ("version", metadata.version),
        )
        if not value
    ]
    yield _outcome(
        "static/metadata",
        about,
        not missing,
        f"pyproject.toml states no {' and no '.join(missing)}",
    )
    pin = pin_on_avplug(metadata.requires)
    later = next_minor(__version__)
    if pin is None:
        problem = "it does not depend on avplug: add 'avplug>=0.1,<2'"
    elif not accepts(pin, __version__):
        problem = f"its pin 'avplug{pin}' excludes this avplug, {__version__}"
    elif not accepts(pin, later):
        problem = (
            f"its pin 'avplug{pin}' excludes avplug {later}, whose plugin API is the "
            "same: write 'avplug>=0.1,<2'"
        )
    else:
        problem = ""
    yield _outcome("static/pin", about, not problem, problem or f"avplug{pin}")


def of_loading(
    name: str,
    report: Mapping[str, Any],
    taken: Mapping[tuple[str, str], str],
    file: bool,
) -> Iterator[Outcome]:
    """Yield what loading the plugin showed.

    Args:
        name: The distribution, module or file.
        report: Of the worker, see :func:`avplug.testing.worker.load_report`.
        taken: Who else provides a (kind, name).
        file: Whether it is a file or module that is loaded only when it is named.
    """
    records = report["records"]
    broken = [r["problem"] for r in records if r["state"] not in ("ok", "conflict")]
    if not records:
        broken = ["it has no entry point in the group 'avplug'"]
    yield _outcome("static/loads", name, not broken, " ".join(broken))
    if broken:
        return
    yield from _weight(name, report, file)
    printed = report["printed"].strip()
    yield _outcome(
        "static/quiet", name, not printed, f"it prints {printed[:60]!r} while it loads"
    )
    notes = [note for record in records for note in record["notes"]]
    yield _outcome("static/hooks", name, not notes, " ".join(notes))
    hooks = {hook for record in records for hook in record["hooks"]}
    specs = [spec for record in records for spec in record["components"]]
    listening = sorted(hook for hook in hooks if hook.startswith(_EVENTS))
    yield _outcome(
        "static/components",
        name,
        specs or listening,
        f"components: {len(specs)}, events: {len(listening)}"
        if specs or listening
        else "it provides no component and listens to no event",
    )
    nameless = [spec["name"] for spec in specs if not spec["summary"].strip()]
    yield _outcome(
        "static/summaries",
        name,
        not nameless,
        f"{', '.join(nameless)} state no summary for avplug list",
    )
    clashes = [
        f"{spec['kind']} '{each}' of {taken[spec['kind'], each]}"
        for spec in specs
        for each in spec["names"]
        if (spec["kind"], each) in taken
    ]
    yield _outcome(
        "static/names",
        name,
        not clashes,
        f"it claims {', '.join(clashes)} as well; choose other names",
    )


_EVENTS = ("avplug_run_", "avplug_cell_")


def _weight(name: str, report: Mapping[str, Any], file: bool) -> Iterator[Outcome]:
    cost = report["milliseconds"]
    if file:
        why = "a file is loaded only when --plugin names it"
        yield Outcome("static/light", name, "skip", why)
        yield Outcome("static/quick", name, "skip", why)
        return
    heavy = ", ".join(report["heavy"])
    yield _outcome(
        "static/light",
        name,
        not heavy,
        f"its entry point imports {heavy}: name classes by a lazy target instead",
    )
    # What is heavy is slow, and told once.
    quick: State = "skip" if heavy else "pass" if cost <= SLOWEST_IMPORT else "fail"
    yield Outcome(
        "static/quick",
        name,
        quick,
        f"{cost:.0f} ms of CPU time; at most {SLOWEST_IMPORT:.0f} are fine",
    )


def _outcome(check: str, name: str, holds: object, message: str) -> Outcome:
    told = check in ("static/pin", "static/components")
    return Outcome(
        check,
        name,
        "pass" if holds else "fail",
        message if told or not holds else "",
    )
