"""What the command line costs before it does anything, against bare Python.

Prints CPU time (user and system, of the child alone) of some commands as multiples of
``python -c pass``: the minimum of interleaved rounds, so that a busy machine disturbs
all alike. With ``--check``, exits with 1 if ``avplug list --json`` is over its budget.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys

BUDGET = 14.0
BARE = "python -c pass"
COMMANDS = {
    BARE: ["-c", "pass"],
    "avplug list --json": ["-m", "avplug", "list", "--json"],
    "avplug --help": ["-m", "avplug", "--help"],
    "avplug plugins --json": ["-m", "avplug", "plugins", "--json"],
}


def cpu_seconds(arguments: list[str]) -> float:
    """Run Python with the arguments and return the CPU time of the child."""
    child = subprocess.Popen(
        [sys.executable, *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{arguments} ended with exit code {child.returncode}.")
    return usage.ru_utime + usage.ru_stime


def measure(rounds: int) -> dict[str, float]:
    """Return the least CPU time of each command over interleaved rounds."""
    best = dict.fromkeys(COMMANDS, float("inf"))
    for _ in range(rounds):
        for name, arguments in COMMANDS.items():
            best[name] = min(best[name], cpu_seconds(arguments))
    return best


def main() -> int:
    """Print the ratios and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="fail over the budget")
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    best = measure(options.rounds)
    for name, seconds in best.items():
        print(f"{name:24}{1000 * seconds:8.1f} ms {seconds / best[BARE]:6.1f} x")
    ratio = best["avplug list --json"] / best[BARE]
    if options.check and ratio > BUDGET:
        print(f"avplug list --json: {ratio:.1f} x is over the budget of {BUDGET} x.")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
