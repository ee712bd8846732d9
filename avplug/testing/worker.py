"""The process in which a plugin is tried: ``python -m avplug.testing.worker JOB``.

A plugin may hang, exit, crash or print: whatever it does, it does it here. The job is
JSON; answers are lines of JSON on the stream that was stdout at the start, which the
plugin never sees: its own stdout is another.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from avplug.core.inspection import HEAVY

if TYPE_CHECKING:
    from avplug.core.manager import PluginManager
    from avplug.core.records import PluginRecord

Tell = Callable[[Mapping[str, Any]], None]


def main() -> None:
    """Do the job of the command line."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")

    def tell(line: Mapping[str, Any]) -> None:
        answers.write(json.dumps(line) + "\n")
        answers.flush()

    with tempfile.TemporaryFile() as printed:
        os.dup2(printed.fileno(), 1)
        job = json.loads(sys.argv[1])
        sys.path[:] = job["path"]
        if job["task"] == "load":
            report = load_report(job)
            sys.stdout.flush()
            printed.seek(0)
            report["printed"] += printed.read(200).decode(errors="replace")
            tell({"report": report})
        else:
            run_checks(job, tell)
    # Threads that a plugin left behind must not keep the process.
    os._exit(0)


def _manager(job: Mapping[str, Any]) -> PluginManager:
    from avplug.core.manager import BUILTINS, PluginManager
    from avplug.core.records import PluginSettings

    settings = PluginSettings(
        load=tuple(job["distributions"]), extra=tuple(job["extra"]), import_limit=0
    )
    return PluginManager(settings, BUILTINS if job["builtin"] else ())


def _own(job: Mapping[str, Any], manager: PluginManager) -> list[PluginRecord]:
    return [record for record in manager.records if record.distribution == job["name"]]


def load_report(job: Mapping[str, Any]) -> dict[str, Any]:
    """Return what loading the plugin brought and cost, in plain values."""
    # What avplug itself imports is no plugin's cost.
    from avplug.core.manager import PluginManager  # noqa: F401
    from avplug.core.records import PluginSettings  # noqa: F401

    before = set(sys.modules)
    start = time.process_time()
    manager = _manager(job)
    seconds = time.process_time() - start
    new = {name.partition(".")[0] for name in set(sys.modules) - before}
    records = _own(job, manager)
    return {
        "milliseconds": 1000 * seconds,
        "heavy": sorted(new & set(HEAVY)),
        "printed": "".join(record.printed for record in records),
        "records": [
            {
                "entry_point": record.entry_point,
                "state": record.state,
                "problem": f"{record.problem} {record.remedy}".strip(),
                "notes": record.notes,
                "hooks": record.hooks,
                "components": [
                    {
                        "kind": spec.kind,
                        "name": spec.name,
                        "names": [spec.name, *spec.aliases],
                        "summary": spec.summary,
                    }
                    for spec in record.components
                ],
            }
            for record in records
        ],
    }


def run_checks(job: Mapping[str, Any], tell: Tell) -> None:
    """Run the wanted checks of all components, telling each as it begins and ends."""
    from dataclasses import asdict

    from avplug.core.errors import AvplugError, MissingExtraError, UsageError
    from avplug.core.targets import load_target, require_options
    from avplug.testing.checks import Outcome, Subject, checks_of, run_check

    wanted = {(component, check) for component, check in job["checks"]}
    for record in _own(job, _manager(job)):
        for spec in record.components:
            label = f"{spec.kind}:{spec.name}"
            if not any(component == label for component, _ in wanted):
                continue
            tell({"start": [label, "static/target"]})
            target, state, why = None, "pass", ""
            try:
                target = load_target(spec, record.provider)
            except MissingExtraError as error:
                state, why = "skip", str(error)
            except AvplugError as error:
                state, why = "fail", str(error)
            if (label, "static/target") in wanted:
                tell({"outcome": asdict(Outcome("static/target", label, state, why))})  # type: ignore[arg-type]
            if target is None:
                continue
            options = job["options"].get(spec.name, {})
            try:
                require_options(spec, target, options)
            except UsageError as error:
                tell({"refused": [error.message, error.hint]})
                break
            subject = Subject(spec, target, job["seed"], options)
            for check in checks_of(spec.kind):
                if (label, check.id) in wanted:
                    tell({"start": [label, check.id]})
                    tell({"outcome": asdict(run_check(check, subject))})
    tell({"done": True})


if __name__ == "__main__":
    main()
