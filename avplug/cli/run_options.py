"""The options that say what to run, declared once for every verb that takes them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

RECORDINGS_HELP = "Folder of recordings to mix in. Default: AVPLUG_RECORDINGS, or none."
_Text = str | None
_Count = int | None
_Number = float | None
_Many = list[str] | None


def _option(kind: Any, text: str, *flags: str) -> Any:
    return Annotated[kind, typer.Option(*flags, help=text)]


#: Parameter (a key of RunConfig, but for ``suite``, ``trained``, ``config``,
#: ``processes``, ``ray_address`` and ``option``) to its option.
SELECTORS: dict[str, Any] = {
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
