"""Write the reference pages from the code: ``python docs/generate.py [--check]``."""

from __future__ import annotations

import argparse
import inspect
import os
import re
import sys
from collections.abc import Callable
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

from api import api
from corruption_tables import corruptions

REFERENCE = Path(__file__).parent / "reference"


def command_line() -> str:
    """Return the help of every verb."""
    from typer.testing import CliRunner

    from avplug.cli.app import VERBS, build_app

    runner = CliRunner()
    app = build_app()
    parts = ["# Command line\n"]
    groups = {group.name: group.typer_instance for group in app.registered_groups}
    verbs = [[], *([verb] for verb in VERBS)]
    for name, group in groups.items():
        verbs += [[name, command.name] for command in group.registered_commands]
    for verb in verbs:
        arguments = [*verb, "--help"]
        result = runner.invoke(app, arguments, prog_name="avplug", terminal_width=88)
        title = " ".join(["avplug", *verb])
        help_text = "\n".join(line.rstrip() for line in result.output.splitlines())
        parts.append(f"## {title}\n\n```text\n{help_text.strip()}\n```\n")
    parts.append(
        "## Exit codes\n\n"
        "| code | meaning |\n|---|---|\n"
        "| 0 | done |\n"
        "| 1 | a cell failed, a run is not complete (`status`), results or a written "
        "data set are damaged (`verify`), a disk is full or read-only, or a checkpoint "
        "fits no model |\n"
        "| 2 | the command, the configuration or a file is wrong, or another run "
        "writes to the folder |\n"
        "| 3 | a run does not reach its thresholds (`gate`), or is not ranked "
        "(`leaderboard --strict`) |\n"
        "| 4 | a plugin broke its contract, or is broken under `--strict-plugins` |\n"
        "| 130 | interrupted; the same command again goes on |\n"
    )
    return "\n".join(parts)


def hooks() -> str:
    """Return every hook with its signature and docstring."""
    from avplug.core import hookspecs

    parts = [
        "# Hooks\n",
        f"Version {hookspecs.HOOK_API_VERSION} of the plugin API. Mark an "
        "implementation with `avplug.hookimpl`; it names only the arguments that it "
        "wants. "
        "[Add a plugin](../how-to/plugin.md) shows a whole one.\n",
    ]
    for name, function in vars(hookspecs).items():
        if name.startswith("avplug_"):
            text = inspect.getdoc(function) or ""
            summary, _, rest = text.partition("Example::")
            parts.append(
                f"## {name}\n\n```text\n{name}{_signature(function)}\n```\n\n"
                f"{summary.strip()}\n"
            )
            if rest:
                example = inspect.cleandoc("\n" + rest.strip("\n"))
                parts.append(f"```text\n{example}\n```\n")
    return "\n".join(parts)


def _signature(hook: Callable[..., Any]) -> str:
    """Return it with the names that ``import avplug`` offers."""
    return re.sub(r"\b[ce]\.|'", "", str(inspect.signature(hook)))


def configuration() -> str:
    """Return the keys of a run's configuration."""
    from avplug.bench.config import RunConfig

    rows = []
    for field in fields(RunConfig):
        default = {} if field.default is MISSING else field.default
        shown = list(default) if isinstance(default, tuple) else default
        kind = str(field.type).replace("|", "\\|")
        rows.append(
            f"| `{field.name}` | `{kind}` | `{shown!r}` | {field.metadata['help']} |"
        )
    return (
        "# Configuration\n\n"
        "`avplug run -C run.toml` reads these keys from TOML, YAML or JSON; flags win "
        "over the file. Unknown keys are refused.\n\n"
        "| key | type | default | meaning |\n|---|---|---|---|\n"
        + "\n".join(rows)
        + '\n\n```toml\ndataset = "events"\nmodels = ["cav-mae:tiny"]\n'
        'corruptions = ["digital/*", "rain"]\nseverities = [1, 3, 5]\n'
        'tta = ["source", "tent"]\n\n[options.tent]\nlr = 1e-4\n```\n'
    )


def adaptations() -> str:
    """Return every built-in adaptation method with its options and docstring."""
    from avplug.core.components import AdaptationSpec
    from avplug.core.registry import get_registry

    parts = [
        "# Adaptation methods\n",
        "Set an option with `-o method.option=value`. Why the defaults are what they "
        "are: [the methods and their choices](../explanation/adaptation.md).\n",
    ]
    for entry in get_registry().entries("adaptation"):
        spec, target = entry.spec, entry.load()
        assert isinstance(spec, AdaptationSpec)
        needs = ", ".join(spec.needs) or "nothing of the model"
        facts = [f"Needs: {needs}", f"Paper: {spec.paper}" if spec.paper else ""]
        options = target.settings({})
        rows = "".join(
            f"| `{name}` | `{value!r}` |\n" for name, value in options.items()
        )
        table = f"| option | default |\n|---|---|\n{rows}\n" if options else ""
        text = inspect.getdoc(target) or ""
        parts.append(
            f"## {spec.name}\n\n{spec.summary}. {'. '.join(filter(None, facts))}.\n\n"
            f"{table}```text\n{text}\n```\n"
        )
    return "\n".join(parts)


def attacks() -> str:
    """Return every built-in attack with its options and docstring."""
    from avplug.core.components import AttackSpec
    from avplug.core.registry import get_registry
    from avplug.core.targets import option_defaults

    parts = [
        "# Attacks\n",
        "Set an option with `-o attack.option=value`. How to run them: [Attack a model]"
        "(../how-to/attacks.md).\n",
    ]
    for entry in get_registry().entries("attack"):
        spec, target = entry.spec, entry.load()
        assert isinstance(spec, AttackSpec)
        needs = ", ".join(spec.needs) or "nothing of the model"
        facts = [f"Needs: {needs}", f"Paper: {spec.paper}" if spec.paper else ""]
        options = option_defaults(target) or {}
        rows = "".join(
            f"| `{name}` | `{value!r}` |\n" for name, value in options.items()
        )
        table = f"| option | default |\n|---|---|\n{rows}\n"
        text = inspect.getdoc(target) or ""
        parts.append(
            f"## {spec.name}\n\n{spec.summary}. {'. '.join(filter(None, facts))}.\n\n"
            f"{table}```text\n{text}\n```\n"
        )
    return "\n".join(parts)


def checks() -> str:
    """Return every conformance check with what it promises."""
    from avplug.core.components import KINDS
    from avplug.testing.checks import checks_of

    parts = [
        "# Conformance checks\n",
        "`avplug check` and `avplug.testing.parametrize_with_checks` try each of "
        "these; [how to use them](../how-to/plugin.md#check-it).\n",
    ]
    for kind in KINDS:
        rows = "".join(f"| `{c.id}` | {c.promise} |\n" for c in checks_of(kind))
        if rows:
            parts.append(f"## {kind}\n\n| check | promise |\n|---|---|\n{rows}")
    return "\n".join(parts)


def plugins() -> str:
    """Return the directory of plugins: those that live beside avplug."""
    import tomllib

    rows = []
    for file in sorted(REFERENCE.parents[1].glob("plugins_example/*/pyproject.toml")):
        project = tomllib.loads(file.read_text(encoding="utf-8"))["project"]
        needs = [n for n in project["dependencies"] if not n.startswith("avplug")]
        rows.append(
            f"| `{project['name']}` | {project['version']} "
            f"| {project['description']} | {', '.join(needs)} |\n"
        )
    return (
        "# Plugins\n\n"
        "Distributions that are kept beside avplug, in `plugins_example/`, and "
        "installed and checked with it. Those of others are found on package indexes "
        "by the keyword `avplug-plugin`, which `avplug new` writes into each: to be "
        "found, publish it. What is installed here is shown by `avplug plugins`.\n\n"
        "| distribution | version | what it brings | needs |\n|---|---|---|---|\n"
        + "".join(rows)
    )


PAGES = {
    "../explanation/corruptions.md": corruptions,
    "adaptation.md": adaptations,
    "api.md": api,
    "attacks.md": attacks,
    "cli.md": command_line,
    "hooks.md": hooks,
    "configuration.md": configuration,
    "checks.md": checks,
    "plugins.md": plugins,
}


def main() -> int:
    """Write the pages, or tell which are not in step."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    os.environ |= {"AVPLUG_NO_PLUGINS": "1", "COLUMNS": "88", "NO_COLOR": "1"}
    stale = []
    for name, make in PAGES.items():
        path = REFERENCE / name
        text = make()
        if check and (not path.exists() or path.read_text(encoding="utf-8") != text):
            stale.append(name)
        elif not check:
            path.write_text(text, encoding="utf-8")
    if stale:
        print(f"Not in step with the code: {', '.join(stale)}. python docs/generate.py")
    return bool(stale)


if __name__ == "__main__":
    sys.exit(main())
