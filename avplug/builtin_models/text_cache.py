"""Vectors of texts, kept on disk under a name that says what they were made of.

A text encoder takes up to minutes for the classes of a data set, and its answer never
changes: the same weights and tokens give the same vectors. An entry is one
``.safetensors`` file, named after the hash of all that it depends on and holding the
hash of its content; one that does not agree is made anew. Files appear whole, so that
any number of processes may read and write at once.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path

import safetensors.torch
import torch
from safetensors import SafetensorError, safe_open

from avplug.core.cache import cache_folder
from avplug.core.files import write_atomic

_FORMAT = "1"


def text_folder() -> Path:
    """Return the folder of the entries, inside ``AVPLUG_CACHE``."""
    return cache_folder() / "texts"


def hash_tensors(tensors: Iterable[tuple[str, torch.Tensor]]) -> str:
    """Return the sha256 of names, types, shapes and bytes, hexadecimal."""
    digest = hashlib.sha256()
    for name, tensor in tensors:
        digest.update(f"{name} {tensor.dtype} {list(tensor.shape)}\n".encode())
        flat = tensor.detach().cpu().contiguous().reshape(-1)
        digest.update(flat.view(torch.uint8).numpy().data)
    return digest.hexdigest()


def cached(
    folder: Path, facts: Iterable[str], compute: Callable[[], torch.Tensor]
) -> torch.Tensor:
    """Return what ``compute`` returns, from ``folder`` where it is there already.

    Args:
        folder: Made where it does not exist. One that cannot be written costs a
            warning and the time of computing, no more.
        facts: All that the answer depends on.
        compute: Returns a tensor; what comes back is on the CPU.
    """
    key = hashlib.sha256("\n".join([_FORMAT, *facts]).encode()).hexdigest()
    path = folder / f"{key}.safetensors"
    found = _read(path)
    if found is not None:
        return found
    vectors = compute().cpu()
    content = {"sha256": hash_tensors([("vectors", vectors)])}
    data = safetensors.torch.save({"vectors": vectors.contiguous()}, content)
    try:
        write_atomic(path, data)
    except OSError as error:
        warnings.warn(
            f"Text vectors are not kept: {error}. AVPLUG_CACHE names the folder.",
            RuntimeWarning,
            stacklevel=2,
        )
    return vectors


def _read(path: Path) -> torch.Tensor | None:
    """Return the vectors in a file; None if it is missing or not as it was written."""
    try:
        with safe_open(path, framework="pt") as file:
            vectors: torch.Tensor = file.get_tensor("vectors")
            stated = (file.metadata() or {}).get("sha256")
    except (OSError, SafetensorError):
        return None
    return vectors if stated == hash_tensors([("vectors", vectors)]) else None
