"""The options that say what to run, declared once for every verb that takes them."""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer

if TYPE_CHECKING:
    from avplug.bench.config import RunConfig

RECORDINGS_HELP = "Folder of recordings to mix in. Default: AVPLUG_RECORDINGS, or none."
_Text = str | None
_Count = int | None
_Number = float | None
_Many = list[str] | None


def _option(kind: Any, text: str, *flags: str) -> Any:
    return Annotated[kind, typer.Option(*flags, help=text)]


#: Parameter (a key of RunConfig, but for ``suite``, ``trained``, ``config``,
#: ``processes``, ``ray_address`` and ``option``) to its option.
_SELECTORS: dict[str, Any] = {
    "suite": _option(
        _Text, "A packaged configuration: avplug list suites. File and flags win."
    ),
    "trained": _option(
        Path | None,
        "Folder of avplug train --suite: its networks are the models of the run.",
    ),
    "config": _option(
        Path | None, "TOML, YAML or JSON file; flags win over it.", "--config", "-C"
    ),
    "dataset": _option(_Text, "Data set: avplug list datasets. Default: events."),
    "split": _option(_Text, "Part of the data set. Default: test."),
    "data_root": _option(_Text, "Folder or list file of the data set."),
    "models": _option(
        _Many,
        "Model, model:variant, or your own FILE.py:NAME. Default: cav-mae:tiny.",
        "--model",
        "-m",
    ),
    "weights": _option(
        _Many,
        "Checkpoint of each model: known name, file, https://..., hf:OWNER/REPO/FILE, "
        "or part=source,part=source.",
        "--weights",
        "-w",
    ),
    "corruptions": _option(
        _Many,
        "Names, category/* or globs. Default: avplug/*, all built in.",
        "--corruption",
        "-c",
    ),
    "severities": _option(
        _Many, "1 (mild) to 5 (strong). Default: 1,2,3,4,5.", "--severity", "-s"
    ),
    "sound_severities": _option(
        _Many,
        "Of the sound, crossed with the picture's. Default: the same.",
        "--sound-severity",
    ),
    "modalities": _option(
        _Many, "Senses that are corrupted: av (default), a, v.", "--modalities"
    ),
    "at": _option(
        _Text, "Corrupt at model-input (default), or at the clip's source size."
    ),
    "recordings": _option(_Text, RECORDINGS_HELP),
    "profile": _option(
        _Text, "Corruption parameters: paper or released. Default: paper."
    ),
    "tta": _option(_Many, "Test-time adaptation methods. Default: source.", "--tta"),
    "attacks": _option(
        _Many,
        "Adversarial attacks: avplug list attacks. Then no corruptions by default.",
        "--attack",
    ),
    "budgets": _option(
        _Many,
        "Budgets of the attacks: cvpr21, pixel8 (default), transfer16, NAME:EPSILON, "
        "NAME:xFACTOR; several give curves.",
        "--budget",
    ),
    "attack_senses": _option(
        _Many, "Senses that are attacked. Default: a,v,av.", "--attack-senses"
    ),
    "attack_protocols": _option(
        _Many,
        "Attacks on methods that adapt: transfer, snapshot (default), adaptive.",
        "--attack-protocol",
    ),
    "surrogates": _option(
        _Many,
        "Attack from these models as well, together: MODEL or MODEL=WEIGHTS.",
        "--surrogate",
    ),
    "transfer": _option(
        _Many,
        "Attacks that each model meets from each other one as well: a matrix.",
        "--transfer",
    ),
    "attack_checks": _option(
        bool | None, "Add the cells that checks of attacks need.", "--attack-checks"
    ),
    "localisation": _option(
        _Count, "Keep localisation maps of so many attacked clips. Default: 4."
    ),
    "metrics": _option(_Many, "Metrics. Default: by the data set's task.", "--metric"),
    "seeds": _option(_Many, "Each repeats the matrix. Default: 0.", "--seed"),
    "batch_size": _option(
        _Count, "Clips per batch; part of an adapted result. Default: 16."
    ),
    "auto_batch_size": _option(
        bool | None,
        "On a GPU, larger batches where they pay; of cells without state.",
        "--auto-batch-size",
    ),
    "protocol": _option(
        _Text,
        "Streams of adaptation: reset (default), continual, gradual, mixed, episodic, "
        "offline, few-shot.",
    ),
    "order": _option(
        _Text,
        "Stream order of adaptation: shuffled (default), fixed, label-sorted, "
        "correlated.",
    ),
    "retrieval": _option(
        bool | None,
        "Keep embeddings of both senses, and show R@1, R@5 and R@10 both ways.",
        "--retrieval",
    ),
    "forgetting": _option(
        _Count, "Score so many clean clips with the adapted weights at the end."
    ),
    "attention_every": _option(
        _Count, "Note the attention between the senses every so many batches."
    ),
    "workers": _option(_Count, "Threads that decode and corrupt ahead. Default: 0."),
    "clip_cache": _option(
        _Text, "Folder that keeps decoded clips for all runs. Default: off."
    ),
    "clip_cache_size": _option(_Number, "GB that it may hold. Default: 50."),
    "clip_timeout": _option(
        _Number, "Seconds to decode a clip, then it fails; 0 for any. Default: 300."
    ),
    "threads": _option(
        _Count, "Of an operation on the CPU. Default: by the model's size."
    ),
    "device": _option(_Text, "auto (default), cpu, cuda, cuda:1, ..."),
    "dtype": _option(
        _Text, "Of products and convolutions: float32 (default), bfloat16, float16."
    ),
    "channels_last": _option(
        bool | None, "Convolutions keep channels innermost.", "--channels-last"
    ),
    "compile": _option(
        bool | None, "Let torch.compile make the model's code.", "--compile"
    ),
    "limit": _option(_Count, "Only so many clips, drawn evenly; for trials."),
    "executor": _option(_Text, "Where cells run: avplug list executors."),
    "processes": _option(
        _Count,
        "Worker processes, of the executor local.",
        "--processes",
        "-j",
    ),
    "ray_address": _option(_Text, "Of a Ray cluster, for the executor ray."),
    "on_error": _option(
        _Text, "What a clip or cell that fails does: skip (default), or stop the run."
    ),
    "retries": _option(
        _Count, "Further tries to read a clip that cannot be read. Default: 0."
    ),
    "out": _option(_Text, "Results folder. Default: in runs/, named by the rest."),
    "option": _option(
        _Many, "A setting: -o tent.lr=1e-3, -o dataset.classes=names.csv.", "-o"
    ),
}
_NUMBERS = ("severities", "sound_severities", "seeds")
_ATTACKS = (
    *("attacks", "budgets", "attack_senses", "attack_protocols", "surrogates"),
    "transfer",
)
_LISTS = (
    *("models", "weights", "corruptions", "modalities", "tta", "metrics"),
    *_ATTACKS,
    *_NUMBERS,
)


def selecting(verb: Callable[..., None]) -> Callable[..., None]:
    """Let a verb ``f(settings: RunConfig, ...)`` take the options above as flags."""
    # RunConfig is named for type checkers only: its module is not light.
    hints = get_type_hints(verb, None, {"RunConfig": Any}, include_extras=True)
    own = list(inspect.signature(verb).parameters.values())[1:]

    @functools.wraps(verb)
    def command(**values: Any) -> None:
        flags = {name: values.pop(name) for name in _SELECTORS}
        verb(gather(**flags), **values)

    keyword = inspect.Parameter.KEYWORD_ONLY
    parameters = [
        inspect.Parameter(name, keyword, default=None, annotation=kind)
        for name, kind in _SELECTORS.items()
    ]
    parameters += [p.replace(kind=keyword, annotation=hints[p.name]) for p in own]
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {p.name: p.annotation for p in parameters}
    return command


def gather(
    config: Path | None = None,
    option: _Many = None,
    suite: str | None = None,
    trained: Path | None = None,
    processes: _Count = None,
    ray_address: _Text = None,
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
    from avplug.bench.config import from_data
    from avplug.bench.config_files import parse_options, read_config

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
            given.setdefault("executor", name)
            options["executor"] = {**options.get("executor", {}), key: value}
    return from_data({**packaged, **data, **given, "options": options}, "command line")


def _suite(name: str) -> dict[str, Any]:
    from avplug.core.registry import get_registry

    settings: dict[str, Any] = get_registry().get("suite", name).load()()
    return settings


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
