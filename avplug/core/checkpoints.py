"""Checkpoints: read without running code, and saved whole."""

from __future__ import annotations

import hashlib
import json
import pickle
import warnings
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import safetensors.torch
import torch
from safetensors import SafetensorError, safe_open

from avplug._version import __version__
from avplug.core.errors import WeightsError
from avplug.core.files import write_atomic
from avplug.core.impostors import HEAD, impostor
from avplug.core.model import Model

Format = Literal["safetensors", "torch zip", "torch pickle"]

#: Prefixes that wrappers around a model leave in its checkpoints.
_PREFIXES = ("module.", "__M__.")
_METADATA_KEY = "avplug"
#: Bytes that the safetensors library takes at most.
_LONGEST_TABLE = 100_000_000
#: Bytes that are read at a time.
_PIECE = 1 << 20


@dataclass(frozen=True, slots=True, eq=False)
class Checkpoint:
    """The tensors of a file, or of several, and what they say of themselves.

    Args:
        path: The file; of a checkpoint in parts, the first one's.
        tensors: By the file's names, without a wrapper's prefix; of a checkpoint in
            parts each name begins with its part and a dot.
        sha256: Of the file, hexadecimal; of parts, of their names and sums.
        metadata: What :func:`save_checkpoint` wrote, empty for other files.
        format: How the tensors are stored; of parts, the first one's.
        prefix: The wrapper's prefix that was taken away.
        parts: The files' own sums, of a checkpoint in parts.
    """

    path: Path
    tensors: dict[str, torch.Tensor]
    sha256: str
    metadata: dict[str, Any] = field(default_factory=dict)
    format: Format = "safetensors"
    prefix: str = ""
    parts: Mapping[str, str] = field(default_factory=dict)


def read_checkpoint(path: str | Path) -> Checkpoint:
    """Read a checkpoint; nothing in it can run code.

    The tensors of safetensors and of torch's zip files are mapped, not copied: their
    pages come from the file when they are used. Writing to them changes no file.

    Args:
        path: A safetensors file, or a state dict saved by torch; told by content.

    Raises:
        WeightsError: The file is missing, damaged, no state dict, or would need
            pickled code.
    """
    path = Path(path)
    form = _format(path)
    metadata: dict[str, Any] = {}
    if form == "safetensors":
        tensors, metadata = _read_safetensors(path)
    else:
        tensors = _read_pickled(path)
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    prefix, tensors = _without_prefix(tensors)
    return Checkpoint(path, tensors, sha256, metadata, form, prefix)


def read_parts(paths: Mapping[str, Path]) -> Checkpoint:
    """Read a checkpoint of several files; see :class:`Checkpoint`.

    Args:
        paths: By part; the single part "" is a checkpoint of one file.

    Raises:
        WeightsError: As for :func:`read_checkpoint`.
    """
    if list(paths) == [""]:
        return read_checkpoint(paths[""])
    read = {part: read_checkpoint(path) for part, path in paths.items()}
    tensors = {
        f"{part}.{name}": tensor
        for part, checkpoint in read.items()
        for name, tensor in checkpoint.tensors.items()
    }
    sums = {part: checkpoint.sha256 for part, checkpoint in sorted(read.items())}
    listed = "".join(f"{part} {sha256}\n" for part, sha256 in sums.items())
    sha256 = hashlib.sha256(listed.encode()).hexdigest()
    first = next(iter(read.values()))
    return Checkpoint(first.path, tensors, sha256, format=first.format, parts=sums)


def _format(path: Path) -> Format:
    try:
        with path.open("rb") as file:
            head = file.read(HEAD)
    except FileNotFoundError as error:
        raise WeightsError(f"There is no checkpoint at '{path}'.") from error
    except OSError as error:
        raise WeightsError(f"Cannot read '{path}': {error.strerror}.") from error
    if found := impostor(head):
        what, remedy = found
        raise WeightsError(f"'{path}' is no checkpoint: it is {what}.", remedy)
    # Eight bytes of length, then a table in JSON. The first byte may be any.
    if head[8:9] == b"{" and int.from_bytes(head[:8], "little") < _LONGEST_TABLE:
        return "safetensors"
    if head.startswith(b"PK"):
        return "torch zip"
    if head.startswith(b"\x80"):
        return "torch pickle"
    raise WeightsError(
        f"'{path}' is damaged or no checkpoint: it begins like no known format.",
        "Known: .safetensors, and state dicts saved by torch (.pt, .pth).",
    )


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
        zipped = _has_sound_entries(path)
        with warnings.catch_warnings():
            # Of pickles that torch did not save; they are refused below.
            warnings.filterwarnings("ignore", "Detected pickle protocol")
            content = torch.load(
                path, map_location="cpu", weights_only=True, mmap=zipped
            )
    except pickle.UnpicklingError as error:
        refusals = {
            "GLOBAL": "it holds pickled code, not only tensors",
            "Unsupported operand": "it is no pickle of torch's, or damaged",
        }
        for sign, reason in refusals.items():
            if sign in str(error):
                raise WeightsError(
                    f"Checkpoint '{path}' is refused: {reason}.",
                    "Save its state_dict() with torch.save, or convert it to "
                    ".safetensors where you trust it.",
                ) from error
        raise _damaged(path, error) from error
    # What torch raises on a damaged file is not documented and has many types.
    except Exception as error:
        if "torch.jit" in str(error) or "TorchScript" in str(error):
            raise WeightsError(
                f"Checkpoint '{path}' is refused: it is a TorchScript program, not "
                "only tensors.",
                "Get its state dict, best as .safetensors.",
            ) from error
        raise _damaged(path, error) from error
    if not isinstance(content, Mapping):
        raise WeightsError(
            f"Checkpoint '{path}' holds a {type(content).__name__}, no state dict."
        )
    others = [k for k, v in content.items() if not isinstance(v, torch.Tensor)]
    if others:
        raise WeightsError(
            f"Checkpoint '{path}' is no state dict: {some(others)} is no tensor."
        )
    return {str(name): tensor for name, tensor in content.items()}


def _has_sound_entries(path: Path) -> bool:
    """Return whether a file is a zip file; torch does not look at the sums inside.

    Raises:
        BadZipFile: An entry is not what its CRC-32 says. It is 0 where torch was told
            to write none.
    """
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        for entry in archive.infolist():
            if entry.CRC:
                with archive.open(entry) as file:
                    while file.read(_PIECE):
                        pass
    return True


def _damaged(path: Path, error: Exception) -> WeightsError:
    first = (str(error).strip() or type(error).__name__).splitlines()[0]
    return WeightsError(f"Checkpoint '{path}' is damaged or of another format: {first}")


def _without_prefix(
    tensors: dict[str, torch.Tensor],
) -> tuple[str, dict[str, torch.Tensor]]:
    taken = ""
    for prefix in _PREFIXES:
        while tensors and all(name.startswith(prefix) for name in tensors):
            tensors = {name.removeprefix(prefix): t for name, t in tensors.items()}
            taken += prefix
    return taken, tensors


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
    facts = {
        **(metadata or {}),
        "avplug": __version__,
        "class": f"{type(model).__module__}:{type(model).__qualname__}",
        "config": model.config,
        "labels": model.labels,
        "outputs": model.outputs,
    }
    return save_tensors(path, model.state_dict(), facts)


def save_tensors(
    path: str | Path, tensors: Mapping[str, torch.Tensor], metadata: Mapping[str, Any]
) -> str:
    """Save tensors and facts as :func:`save_checkpoint` does; same errors."""
    path = Path(path)
    if path.suffix != ".safetensors":
        raise WeightsError(f"'{path}' does not end in .safetensors.")
    # Views of one storage are stored as what they show.
    plain = {
        name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()
    }
    data = safetensors.torch.save(
        plain, {_METADATA_KEY: json.dumps(metadata, sort_keys=True)}
    )
    write_atomic(path, data)
    return hashlib.sha256(data).hexdigest()


def some(names: Iterable[object], shown: int = 3) -> str:
    """Return the first names, and how many more there are."""
    listed = [str(name) for name in names]
    rest = f" and {len(listed) - shown} more" if len(listed) > shown else ""
    return f"{', '.join(listed[:shown])}{rest}"
