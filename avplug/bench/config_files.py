"""Configurations as users write them: TOML, YAML or JSON files, and single settings."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Hashable
from pathlib import Path
from typing import Any

from avplug.core.errors import MissingExtraError, UsageError

_EXPONENT = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)[eE][-+]?\d+\Z")


def read_config(path: Path) -> dict[str, Any]:
    """Read a TOML, YAML or JSON file as plain data.

    Raises:
        UsageError: The file is missing, malformed, or has a repeated key.
        MissingExtraError: YAML support is not installed.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(f"Cannot read {path}: {error.strerror}.") from error
    try:
        if path.suffix == ".json":
            data = json.loads(text, object_pairs_hook=_unique)
        elif path.suffix in (".yaml", ".yml"):
            data = _read_yaml(text)
        else:
            data = tomllib.loads(text)
    except ValueError as error:
        raise UsageError(f"{path} is malformed: {error}") from error
    if not isinstance(data, dict):
        raise UsageError(f"{path} holds no table of keys and values.")
    return data


def parse_options(pairs: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    """Read ``name.key=value`` settings; a value is TOML, or else text.

    Raises:
        UsageError: A setting has another form.
    """
    options: dict[str, dict[str, Any]] = {}
    for pair in pairs:
        target, equals, text = pair.partition("=")
        name, dot, key = target.rpartition(".")
        if not (name and dot and key and equals):
            raise UsageError(
                f"{pair!r} is no setting.", "Write it as name.key=value: tent.lr=1e-3."
            )
        try:
            value = tomllib.loads(f"value = {text}")["value"]
        except tomllib.TOMLDecodeError:
            value = text
        options.setdefault(name, {})[key.replace("-", "_")] = value
    return options


def _unique(pairs: list[tuple[Any, Any]]) -> dict[Any, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        keys = [key for key, _ in pairs]
        repeated = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"the key {repeated!r} stands there twice.")
    return result


def _read_yaml(text: str) -> Any:
    try:
        import yaml
    except ImportError as error:
        raise MissingExtraError(
            "Reading YAML needs PyYAML.", 'Install it with: pip install "avplug[yaml]"'
        ) from error

    class Loader(yaml.SafeLoader):
        """Refuses repeated keys, which YAML lets the last one win."""

    def mapping(loader: Loader, node: yaml.MappingNode) -> dict[Hashable, Any]:
        return _unique(
            [
                (
                    loader.construct_object(k, deep=True),
                    loader.construct_object(v, deep=True),
                )
                for k, v in node.value
            ]
        )

    # YAML 1.1, which PyYAML reads, takes 1e-4 for text.
    Loader.add_implicit_resolver(
        "tag:yaml.org,2002:float", _EXPONENT, list("-+0123456789.")
    )
    Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, mapping)
    try:
        return yaml.load(text, Loader)
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from error
