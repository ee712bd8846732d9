"""What the command line costs before it does anything, against bare Python.

Prints CPU time (user and system, of the child alone) of some commands as multiples of
``python -c pass``: the minimum of interleaved rounds, so that a busy machine disturbs
all alike. ``avplug list --json`` is timed with 0, 10 and 100 plugins installed, too:
distributions as ``avplug new`` writes them, in a folder that looks like an
environment's. With ``--check``, exits with 1 if the command is over its budget.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from avplug.scaffold.naming import Names
from avplug.scaffold.writing import distribution

BUDGET = 14.0
BARE = "python -c pass"
COMMANDS = {
    BARE: ["-c", "pass"],
    "avplug list --json": ["-m", "avplug", "list", "--json"],
    "avplug --help": ["-m", "avplug", "--help"],
    "avplug plugins --json": ["-m", "avplug", "plugins", "--json"],
}
#: Plugins that are installed while ``avplug list --json`` is timed.
PLUGINS = (0, 10, 100)


def install(folder: Path, count: int) -> None:
    """Lay out so many distributions, each with one corruption, in a folder."""
    for number in range(count):
        names = Names(f"trial-{number}")
        for path, text in distribution("corruption", names).items():
            if path.startswith("src/"):
                target = folder / path.removeprefix("src/")
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(text, encoding="utf-8")
        info = folder / f"{names.package}-0.1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {names.dist}\nVersion: 0.1.0\n"
        )
        (info / "entry_points.txt").write_text(
            f"[avplug]\n{names.name} = {names.package}\n"
        )


def cpu_seconds(arguments: list[str], site: Path | None = None) -> float:
    """Run Python with the arguments and return the CPU time of the child.

    Args:
        arguments: Of the interpreter.
        site: A folder of distributions that are installed as well.
    """
    child = subprocess.Popen(
        [sys.executable, *arguments],
        env={**os.environ, "PYTHONPATH": str(site)} if site else None,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{arguments} ended with exit code {child.returncode}.")
    return usage.ru_utime + usage.ru_stime


def measure(rounds: int, folder: Path) -> dict[str, float]:
    """Return the least CPU time of each command over interleaved rounds.

    Args:
        rounds: How many.
        folder: An empty one, for the distributions.
    """
    cases: dict[str, tuple[list[str], Path | None]] = {
        name: (arguments, None) for name, arguments in COMMANDS.items()
    }
    for count in PLUGINS:
        site = folder / str(count)
        site.mkdir()
        install(site, count)
        listing = COMMANDS["avplug list --json"]
        cases[f"{count} more plugins"] = listing, site
    best = dict.fromkeys(cases, float("inf"))
    for place in range(rounds + 1):
        for name, (arguments, site) in cases.items():
            seconds = cpu_seconds(arguments, site)
            # The first round writes the bytecode of what it imports.
            best[name] = min(best[name], seconds) if place else best[name]
    return best


def main() -> int:
    """Print the ratios and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="fail over the budget")
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        best = measure(options.rounds, Path(folder))
    for name, seconds in best.items():
        print(f"{name:24}{1000 * seconds:8.1f} ms {seconds / best[BARE]:6.1f} x")
    ratio = best["avplug list --json"] / best[BARE]
    if options.check and ratio > BUDGET:
        print(f"avplug list --json: {ratio:.1f} x is over the budget of {BUDGET} x.")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
