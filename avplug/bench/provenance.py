"""What a result was made with: versions and hardware."""

from __future__ import annotations

import os
import platform
import sys
from typing import Any

import numpy as np
import torch

from avplug._version import __version__


def environment(device: torch.device) -> dict[str, Any]:
    """Return versions and hardware that can change a number, as plain data."""
    accelerator = ""
    if device.type == "cuda":
        accelerator = torch.cuda.get_device_name(device)
    return {
        "avplug": __version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "platform": f"{sys.platform} {platform.machine()}",
        "cpu": torch.backends.cpu.get_cpu_capability(),
        "cores": os.cpu_count(),
        "device": str(device),
        "accelerator": accelerator,
    }
