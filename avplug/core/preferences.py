"""What a user has set for good: the plugins that ``avplug plugins disable`` named."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

from avplug.core.errors import UsageError


def config_folder(environ: Mapping[str, str] | None = None) -> Path:
    """Return the user's folder of settings: ``AVPLUG_CONFIG``, or the system's."""
    env = os.environ if environ is None else environ
    own = env.get("AVPLUG_CONFIG")
    if own:
        return Path(own).expanduser()
    shared = env.get("XDG_CONFIG_HOME")
    return (Path(shared) if shared else Path.home() / ".config") / "avplug"


def _file(environ: Mapping[str, str] | None) -> Path:
    return config_folder(environ) / "plugins.json"


def switched_off(environ: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """Return the distributions and entry points that the user has disabled.

    Raises:
        UsageError: The file of settings cannot be read.
    """
    file = _file(environ)
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}.") from error
    try:
        names = json.loads(text)["disabled"]
        valid = isinstance(names, list) and all(isinstance(n, str) for n in names)
    except (ValueError, TypeError, KeyError):
        valid = False
    if not valid:
        raise UsageError(
            f'{file} is not as avplug writes it: {{"disabled": [NAMES]}} is expected.',
            "Correct it, or remove it.",
        )
    return tuple(names)


def switch_off(
    names: tuple[str, ...], environ: Mapping[str, str] | None = None
) -> Path:
    """Write the names of all disabled plugins, and return the file.

    Raises:
        UsageError: It cannot be written.
    """
    # Not at the top: it costs more than all the rest of this module.
    from avplug.core.files import write_atomic

    file = _file(environ)
    text = json.dumps({"disabled": sorted(set(names))}, indent=2)
    try:
        write_atomic(file, f"{text}\n".encode())
    except OSError as error:
        raise UsageError(
            f"{file} cannot be written: {error.strerror}.",
            "Say by AVPLUG_CONFIG where settings shall lie.",
        ) from error
    return file
