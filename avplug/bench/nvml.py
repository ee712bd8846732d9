"""What NVIDIA's driver tells of a device, through the library that comes with it."""

from __future__ import annotations

import ctypes
import functools
from typing import Any

import torch

_LIBRARY = "libnvidia-ml.so.1"
_TEXT = 96


class NvmlError(Exception):
    """The driver does not tell."""


@functools.cache
def _library() -> Any:
    try:
        library = ctypes.CDLL(_LIBRARY)
    except OSError as error:
        raise NvmlError(f"{_LIBRARY} cannot be loaded") from error
    _check(library.nvmlInit_v2(), "nvmlInit")
    return library


def _check(code: int, call: str) -> None:
    if code:
        raise NvmlError(f"{call} gives error {code}")


def driver_version() -> str:
    """Return the version of the driver.

    Raises:
        NvmlError: There is none, or it does not tell.
    """
    text = ctypes.create_string_buffer(_TEXT)
    call = "nvmlSystemGetDriverVersion"
    _check(getattr(_library(), call)(text, _TEXT), call)
    return text.value.decode()


def joules(device: torch.device) -> float:
    """Return the energy that a device took since the driver was loaded.

    Raises:
        NvmlError: The driver does not tell.
    """
    library = _library()
    handle, energy = ctypes.c_void_p(), ctypes.c_ulonglong()
    # Its number here may be another one than the driver's.
    uuid = f"GPU-{torch.cuda.get_device_properties(device).uuid}"
    call = "nvmlDeviceGetHandleByUUID"
    _check(getattr(library, call)(uuid.encode(), ctypes.byref(handle)), call)
    call = "nvmlDeviceGetTotalEnergyConsumption"
    _check(getattr(library, call)(handle, ctypes.byref(energy)), call)
    return energy.value / 1000
