"""A run as a script: for Slurm's sbatch, or for bash on any machine."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, Literal

from avplug.bench.config import RunConfig
from avplug.core.errors import UsageError
from avplug.core.records import PluginSettings

_SLURM = """\
#SBATCH --job-name=avplug
#SBATCH --output=avplug-%j.log
#SBATCH --nodes=1
# Cores: as many as workers, or as -j, need.
#SBATCH --cpus-per-task=8
{gpus}#SBATCH --time=24:00:00
# A signal before the time is up: the result in hand is written, and submitting this
# script again goes on from there.
#SBATCH --signal=TERM@120
"""
_GPUS = "#SBATCH --gpus=1\n"


def job_script(
    config: RunConfig,
    flavour: Literal["slurm", "bash"],
    plugins: PluginSettings,
    folder: Path,
) -> str:
    """Return a script that does a run.

    The configuration stands in it as TOML, what differs from the defaults. A script
    for Slurm is one for bash, too.

    Args:
        config: The run.
        flavour: ``slurm`` adds what sbatch reads, to be adjusted.
        plugins: That are loaded besides the installed ones.
        folder: Where relative paths start from.

    Raises:
        UsageError: The run submits jobs itself.
    """
    if config.executor == "slurm" and flavour == "slurm":
        raise UsageError(
            "A job that submits jobs: --executor slurm needs no script.",
            "Leave out --emit-script, or the executor.",
        )
    command = [sys.executable, "-m", "avplug"]
    command += ["--no-plugins"] if plugins.no_plugins else []
    for name in plugins.extra:
        path = Path(name)
        command += ["--plugin", str(path.resolve()) if path.suffix == ".py" else name]
    command += ["run", "--config", "/dev/stdin"]
    gpus = "" if config.device == "cpu" else _GPUS
    lines = [
        "#!/usr/bin/env bash",
        *([_SLURM.format(gpus=gpus).rstrip()] if flavour == "slurm" else []),
        "set -euo pipefail",
        f"cd {shlex.quote(str(folder))}",
        f"exec {shlex.join(command)} <<'AVPLUG'",
        *_settings(config),
        "AVPLUG",
    ]
    return "\n".join(lines) + "\n"


def _settings(config: RunConfig) -> list[str]:
    default = RunConfig()
    return [
        f"{field.name} = {_toml(getattr(config, field.name))}"
        for field in fields(config)
        if getattr(config, field.name) != getattr(default, field.name)
    ]


def _toml(value: Any) -> str:
    """Return a value on one line; of those that a configuration can hold."""
    if isinstance(value, Mapping):
        pairs = (f"{_toml(key)} = {_toml(item)}" for key, item in value.items())
        return f"{{{', '.join(pairs)}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_toml, value))}]"
    # Strings, numbers and booleans of JSON are those of TOML, but for this character.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
