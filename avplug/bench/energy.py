"""Energy in joules, where the hardware counts it.

Processors count by package (RAPL, shown by the kernel under ``powercap``), NVIDIA's
devices by themselves (NVML). Both count whatever runs on them, other processes, too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from avplug.bench.nvml import NvmlError, joules

_POWERCAP = Path("/sys/class/powercap")
_PACKAGES = "intel-rapl:[0-9]*"


class EnergyMeter:
    """Joules since it was made.

    Counters of packages start anew every few minutes: :meth:`see` must be called more
    often than that.

    Args:
        device: That is computed on; the processors are always counted.
        powercap: Folder in which the kernel shows the packages.
    """

    def __init__(self, device: torch.device, powercap: Path = _POWERCAP) -> None:
        self._device = device
        self._missing: dict[str, str] = {}
        self._spent: dict[str, float] = {}
        self._packages: dict[Path, int] = {}
        self._ranges: dict[Path, int] = {}
        self._begin = 0.0
        self._open_packages(powercap)
        if device.type == "cuda":
            self._open_device()

    def _open_packages(self, powercap: Path) -> None:
        # The zones of a package have a second colon, and are counted in it.
        zones = [p for p in powercap.glob(_PACKAGES) if p.name.count(":") == 1]
        if not zones:
            self._missing["cpu"] = f"{powercap} shows no package"
            return
        try:
            for zone in zones:
                self._ranges[zone] = _number(zone / "max_energy_range_uj")
                self._packages[zone] = _number(zone / "energy_uj")
        except (OSError, ValueError) as error:
            self._packages = {}
            self._missing["cpu"] = f"{zones[0]} cannot be read: {error}"
            return
        self._spent["cpu"] = 0.0

    def _open_device(self) -> None:
        try:
            self._begin = joules(self._device)
        except NvmlError as error:
            self._missing["gpu"] = str(error)
            return
        self._spent["gpu"] = 0.0

    def see(self) -> None:
        """Take the counters' values."""
        for zone, before in self._packages.items():
            now = _number(zone / "energy_uj")
            again = self._ranges[zone] if now < before else 0
            self._spent["cpu"] += (now + again - before) / 1e6
            self._packages[zone] = now
        if "gpu" in self._spent:
            self._spent["gpu"] = joules(self._device) - self._begin

    def facts(self, sharers: int = 1) -> dict[str, Any]:
        """Return joules by processor, and why one is missing.

        Args:
            sharers: Cells that were evaluated together; each gets an equal share.
        """
        self.see()
        spent = {name: value / sharers for name, value in self._spent.items()}
        return {"joules": spent or None, "missing": self._missing}


def add(parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the facts of a cell from those of its shards.

    What one shard could not count is missing in the sum.
    """
    missing = {k: v for part in parts for k, v in part["missing"].items()}
    found = [part["joules"] or {} for part in parts]
    names = [name for name in found[0] if all(name in joules for joules in found)]
    spent = {name: sum(joules[name] for joules in found) for name in names}
    return {"joules": spent or None, "missing": missing}


def _number(path: Path) -> int:
    return int(path.read_text())
