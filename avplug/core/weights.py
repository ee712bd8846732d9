"""Checkpoints: read without running code, checked by name and shape, saved whole."""

from __future__ import annotations

import hashlib
import importlib.resources
import json
import pickle
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError, safe_open

from avplug._version import __version__
from avplug.core.errors import WeightsError
from avplug.core.files import write_atomic
from avplug.core.model import Model

#: Prefixes that wrappers around a model leave in its checkpoints.
_PREFIXES = ("module.", "__M__.")
_PICKLED = (".pt", ".pth")
_METADATA_KEY = "avplug"


@dataclass(frozen=True, slots=True, eq=False)
class Checkpoint:
    """The tensors of a file, and what it says of them.

    Args:
        path: The file.
        tensors: By the model's names; a wrapper's prefix is gone.
        metadata: What :func:`save_checkpoint` wrote, empty for other files.
        sha256: Of the file, hexadecimal.
    """

    path: Path
    tensors: dict[str, torch.Tensor]
    sha256: str
    metadata: dict[str, Any] = field(default_factory=dict)


def locate(source: str | Path) -> Path:
    """Return the file that a source names.

    Args:
        source: A path, or ``"package:path/inside"`` for a file that a distribution
            brings along.

    Raises:
        WeightsError: There is no such file; the message says what was tried.
    """
    path = Path(source).expanduser()
    if path.is_file():
        return path
    package, colon, inside = str(source).partition(":")
    if inside.startswith("//"):
        raise WeightsError(
            f"Weights are not downloaded: '{source}'.",
            "Fetch the file yourself and give its path.",
        )
    if not colon:
        raise WeightsError(f"There is no checkpoint at '{path}'.")
    try:
        bundled = Path(str(importlib.resources.files(package).joinpath(inside)))
    except (ImportError, TypeError, ValueError) as error:
        raise WeightsError(
            f"There is no checkpoint '{source}': it is no file, and package"
            f" '{package}' cannot be imported ({error})."
        ) from error
    if not bundled.is_file():
        raise WeightsError(
            f"There is no checkpoint '{source}': it is no file, and package"
            f" '{package}' has no '{inside}'."
        )
    return bundled


def read_checkpoint(path: str | Path) -> Checkpoint:
    """Read a checkpoint; nothing in it can run code.

    Args:
        path: A ``.safetensors`` file, or a state dict saved by torch (``.pt``,
            ``.pth``).

    Raises:
        WeightsError: The file is missing, damaged, no state dict, or would need
            pickled code.
    """
    path = Path(path)
    if not path.is_file():
        raise WeightsError(f"There is no checkpoint at '{path}'.")
    if path.suffix == ".safetensors":
        tensors, metadata = _read_safetensors(path)
    elif path.suffix in _PICKLED:
        tensors, metadata = _read_pickled(path), {}
    else:
        raise WeightsError(
            f"'{path}' is no checkpoint: its name ends in '{path.suffix}'.",
            f"Possible: .safetensors, {', '.join(_PICKLED)}.",
        )
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    return Checkpoint(path, _without_prefix(tensors), sha256, metadata)


def _read_safetensors(
    path: Path,
) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    try:
        with safe_open(path, framework="pt") as file:
            notes = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        metadata = json.loads(notes.get(_METADATA_KEY, "{}"))
    except (SafetensorError, OSError, ValueError) as error:
        raise _damaged(path, error) from error
    return tensors, metadata


def _read_pickled(path: Path) -> dict[str, torch.Tensor]:
    try:
        content = torch.load(
            path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path)
        )
    except pickle.UnpicklingError as error:
        if "GLOBAL" not in str(error):
            raise _damaged(path, error) from error
        raise WeightsError(
            f"Checkpoint '{path}' is refused: it holds pickled code, not only tensors.",
            "Save its state_dict(), or convert it to .safetensors where you trust it.",
        ) from error
    # What torch raises on a damaged file is not documented and has many types.
    except Exception as error:
        raise _damaged(path, error) from error
    if not isinstance(content, Mapping):
        raise WeightsError(
            f"Checkpoint '{path}' holds a {type(content).__name__}, no state dict."
        )
    others = [k for k, v in content.items() if not isinstance(v, torch.Tensor)]
    if others:
        raise WeightsError(
            f"Checkpoint '{path}' is no state dict: {_some(others)} is no tensor."
        )
    return {str(name): tensor for name, tensor in content.items()}


def _damaged(path: Path, error: Exception) -> WeightsError:
    first = (str(error).strip() or type(error).__name__).splitlines()[0]
    return WeightsError(f"Checkpoint '{path}' is damaged or of another format: {first}")


def _without_prefix(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    for prefix in _PREFIXES:
        while tensors and all(name.startswith(prefix) for name in tensors):
            tensors = {name.removeprefix(prefix): t for name, t in tensors.items()}
    return tensors


def save_checkpoint(
    path: str | Path, model: Model, metadata: Mapping[str, Any] | None = None
) -> str:
    """Save a model's tensors as ``.safetensors``, whole or not at all.

    Equal tensors and metadata give equal bytes.

    Args:
        path: Where to; an older file is replaced at the very end.
        model: Its class, ``config``, ``labels`` and ``outputs`` are stored too.
        metadata: Facts to add, plain JSON values, such as ``model`` and ``variant``.

    Returns:
        The sha256 of the file, hexadecimal.

    Raises:
        WeightsError: The path does not end in ``.safetensors``.
    """
    path = Path(path)
    if path.suffix != ".safetensors":
        raise WeightsError(f"'{path}' does not end in .safetensors.")
    facts = {
        **(metadata or {}),
        "avplug": __version__,
        "class": f"{type(model).__module__}:{type(model).__qualname__}",
        "config": model.config,
        "labels": model.labels,
        "outputs": model.outputs,
    }
    tensors = {
        name: tensor.detach().cpu().contiguous()
        for name, tensor in model.state_dict().items()
    }
    data = safetensors.torch.save(
        tensors, {_METADATA_KEY: json.dumps(facts, sort_keys=True)}
    )
    write_atomic(path, data)
    return hashlib.sha256(data).hexdigest()


def load_into(model: Model, checkpoint: Checkpoint) -> None:
    """Copy a checkpoint's tensors into a model, all of them or none.

    Raises:
        WeightsError: A tensor is missing, too much, or of another shape.
    """
    tensors = model.adapt_state(checkpoint.tensors)
    own = model.state_dict()
    missing = [name for name in own if name not in tensors]
    unexpected = [name for name in tensors if name not in own]
    misshapen = [
        f"{name} {list(tensor.shape)} for {list(own[name].shape)}"
        for name, tensor in tensors.items()
        if name in own and tensor.shape != own[name].shape
    ]
    complaints = [
        f"{what}: {_some(names)}"
        for what, names in (
            ("missing", missing),
            ("unexpected", unexpected),
            ("of another shape", misshapen),
        )
        if names
    ]
    if complaints:
        foreign = 2 * len(missing) > len(own)
        raise WeightsError(
            f"Checkpoint '{checkpoint.path}' does not fit {type(model).__name__}."
            f" Tensors {'; '.join(complaints)}.",
            "This looks like a checkpoint of another model." if foreign else "",
        )
    model.load_state_dict(tensors)


def _some(names: Iterable[object], shown: int = 3) -> str:
    listed = [str(name) for name in names]
    rest = f" and {len(listed) - shown} more" if len(listed) > shown else ""
    return f"{', '.join(listed[:shown])}{rest}"
