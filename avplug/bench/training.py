"""Fitting a model to a data set: seeded, resumable, with a checkpoint every epoch.

::

    OUT/training.json         settings and the curve so far
    OUT/state.pt              model, optimiser, epoch and what the defence learns
    OUT/weights.safetensors   the model after the last epoch

Random numbers come from the seed and the epoch, so a run that was killed and goes on
gives the weights that an undisturbed one gives.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from avplug.bench.config import RunConfig
from avplug.bench.defending import check_needs, make_defense
from avplug.bench.fitting import Fitting, Progress
from avplug.bench.idle_options import refuse_idle
from avplug.bench.judging import Judge, stated
from avplug.bench.models import resolve_variant, settings_for
from avplug.bench.own_model import with_capabilities
from avplug.bench.prepare import construct, open_dataset, pick_device
from avplug.bench.threads import operation_threads
from avplug.bench.threats import threat_model
from avplug.bench.train_config import Epoch, TrainConfig
from avplug.core.clip import ClipRef
from avplug.core.dataset import Dataset
from avplug.core.errors import UsageError, WeightsError
from avplug.core.files import write_atomic
from avplug.core.model import Model
from avplug.core.registry import Entry, Registry
from avplug.core.weights import Checkpoint, load_into, read_checkpoint, save_checkpoint

#: Files of a training's folder.
CURVE, WEIGHTS = "training.json", "weights.safetensors"


def train(
    config: TrainConfig,
    registry: Registry,
    progress: Progress = lambda epoch, done, total: None,
    epoch_ended: Callable[[Epoch], None] = lambda row: None,
) -> list[Epoch]:
    """Fit the model, going on from ``state.pt`` if there is one, and save the weights.

    A training that has its weights is finished: its curve is returned as it is.

    Raises:
        UsageError: The settings are wrong, or ``out`` holds another training.
        CapabilityError: The model lacks what the defence needs.
        WeightsError: ``init`` is missing, or of another model or data set.
        AvplugError: The loss is not finite any more.
    """
    out = Path(config.out)
    start = read_checkpoint(config.init) if config.init else None
    threat = threat_model(config.budget) if config.budget else None
    entry, variant, sizes = resolve_variant(registry, config.model)
    used = {"model", "dataset", "lr_of", "schedule", config.model, entry.spec.name}
    used |= {config.defense} if config.defense else set()
    refuse_idle(config.options, used, "training", registry)
    options = config.options.get(config.defense or "", {})
    defense, defended = make_defense(registry, config.defense, options)
    dataset, clips = _open(registry, config, config.split, config.limit)
    val_set, val_clips = _open(registry, config, config.val_split, None)
    settings = config.identity()
    if start:
        # What the file holds decides, not where it lies.
        settings["init"] = start.sha256
    if threat:
        settings["judged"] = stated(threat)
    _check_folder(out, settings)
    if (out / WEIGHTS).exists():
        return read_training(out)[1]

    device = pick_device(config.device)
    torch.manual_seed(config.seed)
    task = {"outputs": "sigmoid"} if dataset.multi_label else {}
    sizes |= {**task, **settings_for(entry, config.model, config.options)}
    model: Model = construct(entry, sizes, tuple(dataset.labels)).to(device)
    if start:
        _begin_with(model, start, entry)
    check_needs(registry, config.defense, with_capabilities(entry, model))
    fitting = Fitting(config, registry, model, defense, threat, dataset, clips)
    curve = fitting.resume(out / "state.pt")
    judge = Judge(
        registry,
        val_set,
        val_clips,
        fitting.model,
        batch_size=config.batch_size,
        threat=threat,
        seed=config.seed,
    )
    # Only now is everything known to fit: what is refused leaves nothing behind.
    _write_curve(out, settings, curve)
    with operation_threads(config.threads, model):
        for epoch in range(len(curve), config.epochs):
            fitted = fitting.epoch(epoch, progress)
            row = Epoch(
                epoch=epoch + 1,
                val_accuracy=judge.clean(),
                robust_accuracy=judge.robust(),
                **fitted,
            )
            curve.append(row)
            fitting.save(out / "state.pt", curve)
            _write_curve(out, settings, curve)
            epoch_ended(row)
    facts = {
        "model": entry.spec.name,
        "variant": variant,
        "dataset": config.dataset,
        "dataset_fingerprint": dataset.fingerprint(clips),
        "training": settings,
        "val_accuracy": curve[-1].val_accuracy,
    }
    if config.name:
        facts["name"] = config.name
    if defended:
        facts["defense"] = defended
    save_checkpoint(out / WEIGHTS, fitting.model.cpu(), facts)
    return curve


def _open(
    registry: Registry, config: TrainConfig, split: str, limit: int | None
) -> tuple[Dataset, tuple[ClipRef, ...]]:
    wanted = RunConfig(
        dataset=config.dataset,
        split=split,
        data_root=config.data_root,
        limit=limit,
        options=config.options,
    )
    _, dataset, clips = open_dataset(registry, wanted)
    return dataset, clips


def _begin_with(model: Model, start: Checkpoint, entry: Entry) -> None:
    """Put a checkpoint of the same model and classes in, all of its tensors."""
    stated_model = start.metadata.get("model", entry.spec.name)
    if stated_model != entry.spec.name:
        raise WeightsError(
            f"{start.path} is a checkpoint of '{stated_model}', not of"
            f" '{entry.spec.name}'.",
            "Start from weights of the same model.",
        )
    labels = tuple(start.metadata.get("labels", model.labels))
    if labels != model.labels:
        raise WeightsError(
            f"{start.path} predicts {len(labels)} classes, this data set has"
            f" {len(model.labels)}, or others, or in another order.",
            "Start from weights trained on this data set.",
        )
    load_into(model, start)


def read_training(folder: Path) -> tuple[dict[str, Any], list[Epoch]]:
    """Return the settings and the curve of a training's folder."""
    facts = json.loads((folder / CURVE).read_text(encoding="utf-8"))
    return facts["settings"], [Epoch(**row) for row in facts["curve"]]


def _check_folder(out: Path, settings: Mapping[str, Any]) -> None:
    if not (out / CURVE).exists():
        return
    stated, _ = read_training(out)
    mine = json.loads(json.dumps(settings))
    different = [key for key in {**stated, **mine} if stated.get(key) != mine.get(key)]
    if different:
        key = different[0]
        raise UsageError(
            f"{out} holds a training with {key} = {stated.get(key)!r}, not "
            f"{mine.get(key)!r}.",
            "Give the same settings to go on, or another --out.",
        )


def _write_curve(
    out: Path, settings: Mapping[str, Any], curve: Sequence[Epoch]
) -> None:
    facts = {"settings": settings, "curve": [asdict(row) for row in curve]}
    write_atomic(out / CURVE, json.dumps(facts, indent=1).encode())
