"""What a result was made with: versions, source code and hardware.

Names of the machine, of its user and of folders are left out: results are published.
"""

from __future__ import annotations

import functools
import hashlib
import os
import platform
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch

from avplug._version import __version__
from avplug.bench.nvml import NvmlError, driver_version
from avplug.bench.own_model import source_file
from avplug.core.discovery import BUILTIN, version_of
from avplug.core.manager import get_plugin_manager

#: Distributions whose version can change a number, or explain one.
PACKAGES = (
    *("torch", "numpy", "scipy", "opencv-python-headless", "opencv-python", "av"),
    *("pillow", "soundfile", "safetensors", "tokenizers", "pluggy", "ray", "submitit"),
    *("scikit-learn", "torchmetrics", "filelock", "pyyaml"),
)

_GIT_SECONDS = 10


def environment(device: torch.device, models: Iterable[str] = ()) -> dict[str, Any]:
    """Return what was computed with, as plain data.

    Args:
        device: That is computed on.
        models: As the configuration names them; of those in a file of the user's own
            the state of that file is told.
    """
    return {
        "avplug": __version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "platform": f"{sys.platform} {platform.machine()}",
        "kernel": platform.release(),
        "cpu": torch.backends.cpu.get_cpu_capability(),
        "cpu_model": _cpu_model(),
        "cores": os.cpu_count(),
        "memory_gb": _memory_gb(),
        "device": str(device),
        **_accelerator(device),
        "packages": {
            name: version for name in PACKAGES if (version := version_of(name))
        },
        "plugins": _plugins(),
        "source": _source(models),
    }


def _accelerator(device: torch.device) -> dict[str, Any]:
    if device.type != "cuda":
        return {"accelerator": ""}
    properties = torch.cuda.get_device_properties(device)
    try:
        driver = driver_version()
    except NvmlError as error:
        driver = f"not known: {error}"
    return {
        "accelerator": properties.name,
        "accelerator_memory_gb": round(properties.total_memory / 1e9, 1),
        "cuda": torch.version.cuda,
        "cudnn": torch.backends.cudnn.version(),  # type: ignore[no-untyped-call]
        "driver": driver,
    }


def _plugins() -> dict[str, str]:
    """Versions of the distributions of plugins that were loaded; "" where none."""
    return {
        record.distribution: record.version
        for record in get_plugin_manager().records
        if record.state == "ok" and record.distribution != BUILTIN
    }


def _source(models: Iterable[str]) -> dict[str, Any]:
    """Commit of the checkout that avplug runs from, and the state of users' files."""
    mine = git_state(Path(__file__))
    own = [source_file(name) for name in models]
    plugins = [Path(name) for name in get_plugin_manager().settings.extra]
    files = [path for path in (*own, *plugins) if path and path.is_file()]
    # An installed copy may lie inside the checkout of something else.
    return {"avplug": mine if mine and mine["tracked"] else None} | {
        path.name: {
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            "git": git_state(path.resolve()),
        }
        for path in files
    }


@functools.cache
def git_state(file: Path) -> dict[str, Any] | None:
    """Return the state of the checkout that a file is in; None if it is in none.

    Returns:
        ``commit``; ``dirty``, whether files that git tracks differ from it, None if
        that takes too long to find out; ``tracked``, whether this file is one.
    """
    folder = file.parent
    head = _git(folder, "rev-parse", "HEAD")
    if head is None:
        return None
    # Untracked files are not looked for: that may take minutes in a folder of data.
    changes = _git(folder, "status", "--porcelain", "--untracked-files=no")
    return {
        "commit": head,
        "dirty": None if changes is None else bool(changes),
        "tracked": _git(folder, "ls-files", "--error-unmatch", file.name) is not None,
    }


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        result = subprocess.run(
            ["git", "-C", str(folder), *arguments],
            capture_output=True,
            text=True,
            timeout=_GIT_SECONDS,
            # What is only looked at is not locked.
            env={**os.environ, "GIT_OPTIONAL_LOCKS": "0"},
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return result.stdout.strip() if result.returncode == 0 else None


@functools.cache
def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    names = (line.partition(":")[2].strip() for line in lines if "model name" in line)
    return next(names, platform.processor())


def _memory_gb() -> float | None:
    if "SC_PHYS_PAGES" not in getattr(os, "sysconf_names", {}):
        return None
    return round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9, 1)
