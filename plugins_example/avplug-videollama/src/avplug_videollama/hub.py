"""From what ``--weights`` says to a folder on this machine."""

from __future__ import annotations

import os
import re
from pathlib import Path

from huggingface_hub import snapshot_download
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from avplug.core.errors import WeightsError

#: Of a repository: configuration, tokeniser and weights; nothing that can run.
FILES = ("*.json", "*.txt", "*.safetensors")

_REPOSITORY = re.compile(r"(?P<name>[\w.-]+/[\w.-]+)(@(?P<revision>[\w./-]+))?")
_NO = ("", "0", "false", "no")


def folder_of(weights: str) -> Path:
    """Return the folder that holds a checkpoint, downloaded if that was asked for.

    Args:
        weights: As :func:`avplug_videollama.loading.load` takes it.

    Raises:
        WeightsError: There is none, or the hub does not give it.
    """
    remote = weights.startswith("hf:")
    folder = Path(weights).expanduser()
    if folder.is_dir() and not remote:
        return folder
    found = _REPOSITORY.fullmatch(weights.removeprefix("hf:"))
    if found is None:
        raise WeightsError(
            f"There is no folder '{weights}'.",
            "Give a folder, OWNER/REPO from the hub's cache, or hf:OWNER/REPO.",
        )
    # The hub's client knows HF_HUB_OFFLINE itself.
    forbidden = os.environ.get("AVPLUG_OFFLINE", "").lower() not in _NO
    try:
        path = snapshot_download(
            found["name"],
            revision=found["revision"],
            allow_patterns=list(FILES),
            local_files_only=forbidden or not remote,
        )
    except (HfHubHTTPError, LocalEntryNotFoundError) as error:
        raise WeightsError(*_told(error, weights, remote=remote)) from error
    except OSError as error:
        raise WeightsError(
            f"'{weights}' cannot be stored: {error.strerror or error}.",
            "Make room there, or set HF_HOME to another folder.",
        ) from error
    return Path(path)


def _told(error: Exception, weights: str, *, remote: bool) -> tuple[str, str]:
    """Return what was wrong and what to do."""
    name = weights.removeprefix("hf:")
    page = f"{os.environ.get('HF_ENDPOINT') or 'https://huggingface.co'}/{name}"
    if isinstance(error, GatedRepoError):
        return (
            f"The owner of '{name}' asks for consent before a download.",
            f"Give it at {page.partition('@')[0]}, then log in: hf auth login",
        )
    if isinstance(error, RepositoryNotFoundError):
        return (
            f"The hub has no '{name}', or shows it to its members only.",
            "Look at the id; for a private one log in: hf auth login",
        )
    if isinstance(error, RevisionNotFoundError):
        return (
            f"'{name}' names a revision that the repository lacks.",
            "Give a branch, a tag or a whole commit id after '@'.",
        )
    # What the hub said, where the client then looked into its cache in vain.
    if isinstance(error.__cause__, HfHubHTTPError):
        error = error.__cause__
    if isinstance(error, HfHubHTTPError):
        code = error.response.status_code
        return (
            f"The hub refuses '{name}': {code} {error.response.reason_phrase}.",
            "Log in: hf auth login"
            if code in (401, 403)
            else "Try again later: what is downloaded already is kept.",
        )
    if remote:
        return (
            f"'{name}' is not in the hub's cache, and the hub cannot be reached.",
            "Look at the network, at AVPLUG_OFFLINE and at HF_HUB_OFFLINE.",
        )
    return (
        f"'{name}' is neither a folder nor in the hub's cache.",
        f"Fetch it with --weights hf:{name}.",
    )
