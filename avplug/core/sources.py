"""Sources: what names a file, and where it is on this machine."""

from __future__ import annotations

import importlib.resources
import os
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from avplug.core.cache import cached_file
from avplug.core.downloads import download_file
from avplug.core.errors import WeightsError
from avplug.core.weight_specs import FileSpec

#: Told of bytes done and bytes in all (None if the server does not say).
Progress = Callable[[int, int | None], None]

_HF = re.compile(
    r"hf:(?P<repo>[\w.-]+/[\w.-]+)(@(?P<revision>[\w.-]+))?/(?P<file>[^@]+)\Z"
)
_PIN = re.compile(r"(?P<address>.+)#sha256=(?P<sha256>[0-9a-fA-F]{8,64})\Z")


def address(source: str) -> str:
    """Return the ``http`` address of a source; "" if it is on this machine.

    ``hf:OWNER/REPO[@REVISION]/FILE`` is a file on the Hugging Face hub, or on the
    server that ``HF_ENDPOINT`` names; the revision is ``main`` by default.

    Raises:
        WeightsError: It begins with ``hf:`` and goes on in another way.
    """
    if source.startswith(("http://", "https://")):
        return source
    if not source.startswith("hf:"):
        return ""
    parts = _HF.match(source)
    if parts is None:
        raise WeightsError(
            f"{source!r} names no file on the Hugging Face hub.",
            "Write hf:OWNER/REPO/FILE, or hf:OWNER/REPO@REVISION/FILE.",
        )
    server = os.environ.get("HF_ENDPOINT") or "https://huggingface.co"
    revision = parts["revision"] or "main"
    return f"{server.rstrip('/')}/{parts['repo']}/resolve/{revision}/{parts['file']}"


def find(source: str | Path | FileSpec) -> Path | None:
    """Return the file that a source names, None if it would have to be fetched.

    Args:
        source: As for :func:`locate`.

    Raises:
        WeightsError: There is no such file; the message says what was tried.
    """
    spec = _spec(source)
    path = Path(spec.source).expanduser()
    if spec.source and path.is_file():
        return path
    if not spec.source:
        raise WeightsError(
            "No direct address of this file is known.",
            f"Fetch it yourself from {spec.page} and give its path.",
        )
    url = address(spec.source)
    return cached_file(url, spec) if url else _bundled(spec.source, path)


def locate(source: str | Path | FileSpec, *, progress: Progress | None = None) -> Path:
    """Return the file that a source names, fetched once if it is remote.

    Args:
        source: A path; ``"package:path/inside"`` for a file that a distribution
            brings along; ``https://...`` or ``hf:OWNER/REPO[@REVISION]/FILE``, where
            ``#sha256=...`` may follow; or a :class:`FileSpec`.
        progress: Told how far a download is.

    Raises:
        WeightsError: There is no such file, or it cannot be fetched; the message says
            what was tried.
    """
    spec = _spec(source)
    return find(spec) or download_file(address(spec.source), spec, progress)


def _spec(source: str | Path | FileSpec) -> FileSpec:
    spec = source if isinstance(source, FileSpec) else FileSpec(str(source))
    pinned = _PIN.match(spec.source)
    if pinned is None or Path(spec.source).is_file():
        return spec
    return replace(spec, source=pinned["address"], sha256=pinned["sha256"].lower())


def _bundled(source: str, path: Path) -> Path:
    package, colon, inside = source.partition(":")
    if not colon:
        what = "is a folder" if path.is_dir() else "does not exist"
        raise WeightsError(f"There is no checkpoint at '{path}': it {what}.")
    if inside.startswith("//"):
        raise WeightsError(
            f"Files are not fetched by '{package}': {source}",
            "Sources: a path, https://..., hf:OWNER/REPO/FILE, package:path/inside.",
        )
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
