"""Whether files of a store are as they were written.

Identities and environments are named by their hash; arrays have theirs in the record;
a record and ``run.json`` carry their own, over everything else in them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from avplug.core.errors import StorageError

_SEAL = "sha256"


class DamageError(Exception):
    """A file is missing, cut, or not as it was written; says which and how."""


def digest(data: bytes) -> str:
    """Return the SHA-256 of bytes, in hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def hash_of(data: Any) -> str:
    """Return the SHA-256 of plain data as canonical JSON.

    Sorted keys, no blanks, UTF-8.
    """
    text = json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    # A file name that is no UTF-8 gives lone surrogates.
    return digest(text.encode("utf-8", "surrogatepass"))


def cell_id(identity: Mapping[str, Any]) -> str:
    """Return the hash that names a cell's folder."""
    return hash_of(identity)[:20]


def environment_id(facts: Mapping[str, Any]) -> str:
    """Return the hash that names an environment's file."""
    return hash_of(facts)[:16]


def to_json(data: Any) -> bytes:
    """Return plain data as it is written to a file."""
    try:
        return json.dumps(data, indent=1, ensure_ascii=False).encode() + b"\n"
    except UnicodeEncodeError:
        return json.dumps(data, indent=1).encode() + b"\n"


def sealed(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return plain data with a hash of all of it."""
    # As it will be read back: keys become text, tuples lists.
    plain: dict[str, Any] = json.loads(json.dumps(facts))
    plain.pop(_SEAL, None)
    return {**plain, _SEAL: hash_of(plain)}


def read_sealed(path: Path) -> dict[str, Any]:
    """Read plain data and check its hash; earlier versions wrote none.

    Raises:
        DamageError: The file is not as it was written.
    """
    facts = read_facts(path)
    seal = facts.pop(_SEAL, None)
    if seal is not None and seal != hash_of(facts):
        raise DamageError(f"{path.name} does not match its hash")
    return facts


def read_facts(path: Path) -> dict[str, Any]:
    """Read a JSON file that holds a table of keys and values.

    Raises:
        DamageError: It is missing or holds something else.
    """
    try:
        facts = json.loads(read_bytes(path))
    except (ValueError, RecursionError) as error:
        raise DamageError(f"{path.name} is no JSON: {error}") from error
    if not isinstance(facts, dict):
        raise DamageError(f"{path.name} holds no table of keys and values")
    return facts


def read_bytes(path: Path) -> bytes:
    """Read a file.

    Raises:
        DamageError: It is missing, or the disk cannot give it back.
        StorageError: This user may not read it, which says nothing of the file.
    """
    try:
        return path.read_bytes()
    except PermissionError as error:
        raise StorageError(
            f"Cannot read {path}: {error.strerror}.",
            "Ask its owner for permission to read.",
        ) from error
    except FileNotFoundError as error:
        raise DamageError(f"{path.name} is missing") from error
    except OSError as error:
        raise DamageError(f"{path.name} cannot be read: {error.strerror}") from error


def read_environment(store: Path, name: str) -> dict[str, Any]:
    """Read an environment of a store's folder.

    Raises:
        DamageError: It is not as it was written.
    """
    path = store / "environments" / f"{name}.json"
    facts = read_facts(path)
    if environment_id(facts) != name:
        raise DamageError(f"environments/{path.name} does not match its hash")
    return facts


def read_cell_facts(
    folder: Path, *, arrays: bool = True
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Read identity and record of a cell's folder, named by the cell's id.

    Args:
        folder: Of the cell.
        arrays: Check the hashes of predictions and maps, too; else, that they exist.

    Raises:
        DamageError: A file of it is not as it was written.
    """
    record = read_sealed(folder / "record.json")
    cell = read_facts(folder / "cell.json")
    if cell_id(cell) != folder.name:
        raise DamageError("cell.json does not match its hash, the name of the folder")
    for key, name in (
        ("predictions_sha256", "predictions.npz"),
        ("maps_sha256", "maps.npz"),
    ):
        if key not in record and name == "maps.npz":
            continue
        path = folder / name
        if not arrays and path.is_file():
            continue
        if digest(read_bytes(path)) != record.get(key):
            raise DamageError(f"{name} does not match its hash")
    return cell, record
