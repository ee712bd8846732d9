"""The options that say what to run, read for every verb that takes them."""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_type_hints

from avplug.cli.run_options import SELECTORS

if TYPE_CHECKING:
    from avplug.bench.config import RunConfig

_NUMBERS = ("severities", "sound_severities", "seeds")
_LISTS = (
    *("models", "weights", "corruptions", "modalities", "tta", "metrics"),
    *("attacks", "budgets", "attack_senses", "attack_protocols", "surrogates"),
    "transfer",
    *_NUMBERS,
)


def selecting(verb: Callable[..., None]) -> Callable[..., None]:
    """Let a verb ``f(settings: RunConfig, ...)`` take :data:`SELECTORS` as flags."""
    # RunConfig is named for type checkers only: its module is not light.
    hints = get_type_hints(verb, None, {"RunConfig": Any}, include_extras=True)
    own = list(inspect.signature(verb).parameters.values())[1:]

    @functools.wraps(verb)
    def command(**values: Any) -> None:
        flags = {name: values.pop(name) for name in SELECTORS}
        verb(gather(**flags), **values)

    keyword = inspect.Parameter.KEYWORD_ONLY
    parameters = [
        inspect.Parameter(name, keyword, default=None, annotation=kind)
        for name, kind in SELECTORS.items()
    ]
    parameters += [p.replace(kind=keyword, annotation=hints[p.name]) for p in own]
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {p.name: p.annotation for p in parameters}
    return command


def gather(
    config: Path | None = None,
    option: list[str] | None = None,
    suite: str | None = None,
    trained: Path | None = None,
    processes: int | None = None,
    ray_address: str | None = None,
    **flags: Any,
) -> RunConfig:
    """Return a suite's configuration, overridden by the file's, and that by the flags.

    The networks of ``trained`` are its models, in the order of the suite's tables.
    Values of repeatable flags may be joined by commas: ``--severity 1,3,5``. Processes
    and the address are options of the executor, and name it where no flag does.

    Raises:
        UsageError: A value does not fit.
        UnknownNameError: There is no such suite.
    """
    from avplug.bench.config import RunConfig, from_data
    from avplug.bench.config_files import parse_options, read_config
    from avplug.bench.untyped import own_defaults, own_names
    from avplug.core.registry import get_registry

    packaged = _suite(suite) if suite else {}
    if trained:
        packaged |= _trained(trained, packaged, flags)
    data = read_config(config) if config else {}
    # Faults of the file are told with its name, before flags cover them.
    options = dict(from_data(packaged, f"suite {suite}").options)
    for name, settings in from_data(data, str(config or "run")).options.items():
        options[name] = {**options.get(name, {}), **settings}
    given = {key: value for key, value in flags.items() if value not in (None, [])}
    for key in _LISTS:
        if key in given:
            given[key] = _split(key, given[key])
    for name, settings in parse_options(tuple(option or ())).items():
        options[name] = {**options.get(name, {}), **settings}
    for name, key, value in (
        ("local", "processes", processes),
        ("ray", "address", ray_address),
    ):
        if value is not None:
            given = {**own_names({"executor": name}, get_registry()), **given}
            options["executor"] = {**options.get("executor", {}), key: value}
    settings = {**packaged, **data, **given, "options": options}
    settings |= own_defaults(RunConfig, settings, get_registry())
    return from_data(settings, "command line")


def _suite(name: str) -> dict[str, Any]:
    from avplug.bench.untyped import own_names
    from avplug.core.registry import get_registry

    registry = get_registry()
    entry = registry.get("suite", name)
    settings: dict[str, Any] = entry.load()()
    return own_names(settings, registry) if entry.builtin else settings


def _trained(
    folder: Path, packaged: dict[str, Any], flags: dict[str, Any]
) -> dict[str, Any]:
    from avplug.bench.trained import trained_models
    from avplug.core.errors import UsageError

    if flags.get("models") or flags.get("weights"):
        raise UsageError(
            "--trained names the models of the run, and --model or --weights others.",
            "Drop one of them.",
        )
    tables = packaged.get("tables", ())
    return dict(trained_models(folder, [row for t in tables for row in t["rows"]]))


def _split(key: str, texts: list[str]) -> list[Any]:
    word = r"[^,]+"
    if key in ("weights", "surrogates"):
        # A comma before "part=" joins the parts of one checkpoint.
        word = r"(?:[^,]|,(?=\w+=))+"
    elif key == "budgets":
        # An inline table, and the tables in it, have commas of their own.
        word = r"(?:\{(?:[^{}]|\{[^{}]*\})*\}|[^,{])+"
    words = [
        found.strip()
        for text in texts
        for found in re.findall(word, text)
        if found.strip()
    ]
    return whole_numbers(key, words) if key in _NUMBERS else words


def whole_numbers(key: str, texts: list[str]) -> list[int]:
    """Return numbers that may be joined by commas.

    Raises:
        UsageError: Something is no whole number.
    """
    from avplug.core.errors import UsageError

    words = [word.strip() for text in texts for word in text.split(",")]
    for word in words:
        if not word.lstrip("-").isdigit():
            raise UsageError(f"{word!r} in {key} is no whole number.")
    return [int(word) for word in words]
