"""Fitting a model to a data set: seeded, resumable, with a checkpoint every epoch.

::

    OUT/training.json         settings and the curve so far
    OUT/state.pt              model, optimiser and epoch, to go on from
    OUT/weights.safetensors   the model after the last epoch

Random numbers come from the seed and the epoch, so a run that was killed and goes on
gives the weights that an undisturbed one gives.
"""

from __future__ import annotations

import io
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F

from avplug.bench.config import RunConfig
from avplug.bench.models import resolve_variant, settings_for
from avplug.bench.pipeline import ClipCache, ordered_map
from avplug.bench.prepare import (
    construct,
    open_dataset,
    pick_device,
)
from avplug.bench.threads import operation_threads
from avplug.core.batch import Batch, check_clip, collate
from avplug.core.clip import Clip, ClipRef
from avplug.core.dataset import Dataset
from avplug.core.errors import AvplugError, UsageError
from avplug.core.files import write_atomic
from avplug.core.model import Model
from avplug.core.randomness import KeyedRandom
from avplug.core.registry import Registry
from avplug.core.weights import save_checkpoint


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainConfig:
    """Everything that decides the trained weights.

    ``shift`` and ``gain`` augment: the sound is moved by up to so many seconds and
    scaled by up to so many decibels, the picture moved by up to an eighth of its side.
    """

    out: str
    dataset: str = "events"
    split: str = "train"
    val_split: str = "val"
    data_root: str | None = None
    model: str = "cav-mae:tiny"
    epochs: int = 12
    batch_size: int = 32
    lr: float = 1e-3
    weight_decay: float = 0.05
    warmup: float = 0.1
    shift: float = 0.2
    gain: float = 6.0
    seed: int = 0
    workers: int = 1
    threads: int = 0
    device: str = "auto"
    limit: int | None = None
    options: dict[str, dict[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size"):
            if getattr(self, name) < 1:
                raise UsageError(
                    f"{name} is {getattr(self, name)}; at least 1 is needed."
                )
        if self.lr <= 0:
            raise UsageError(f"lr is {self.lr}; it must be positive.")

    def identity(self) -> dict[str, Any]:
        """Return what decides the weights, without where and how they are made."""
        hidden = {"out", "workers", "threads", "device"}
        return {k: v for k, v in asdict(self).items() if k not in hidden}


@dataclass(frozen=True, slots=True)
class Epoch:
    """One row of the curve; the loss is a mean over clips, accuracy in percent."""

    epoch: int
    loss: float
    val_accuracy: float


#: Told of ``(epoch, clips done, clips in all)``, and of each finished epoch.
Progress = Callable[[int, int, int], None]


def train(
    config: TrainConfig,
    registry: Registry,
    progress: Progress = lambda epoch, done, total: None,
    epoch_ended: Callable[[Epoch], None] = lambda row: None,
) -> list[Epoch]:
    """Fit the model, going on from ``state.pt`` if there is one, and save the weights.

    Raises:
        UsageError: The settings are wrong, or ``out`` holds another training.
        AvplugError: The loss is not finite any more.
    """
    out = Path(config.out)
    _claim(out, config)
    dataset, clips = _open(registry, config, config.split, config.limit)
    val_set, val_clips = _open(registry, config, config.val_split, None)
    device = pick_device(config.device)
    entry, variant, sizes = resolve_variant(registry, config.model)
    torch.manual_seed(config.seed)
    task = {"outputs": "sigmoid"} if dataset.multi_label else {}
    sizes |= {**task, **settings_for(entry, config.model, config.options)}
    model: Model = construct(entry, sizes, tuple(dataset.labels)).to(device)
    trainer = _Trainer(config, model, dataset, clips)
    curve = trainer.resume(out / "state.pt")
    judge = _Judge(config, val_set, val_clips, model)
    with operation_threads(config.threads, model):
        for epoch in range(len(curve), config.epochs):
            loss = trainer.epoch(epoch, progress)
            row = Epoch(epoch + 1, loss, judge())
            curve.append(row)
            trainer.save(out / "state.pt", curve)
            _write_curve(out, config, curve)
            epoch_ended(row)
    facts = {
        "model": entry.spec.name,
        "variant": variant,
        "dataset": config.dataset,
        "dataset_fingerprint": dataset.fingerprint(clips),
        "training": config.identity(),
        "val_accuracy": curve[-1].val_accuracy,
    }
    save_checkpoint(out / "weights.safetensors", model.cpu(), facts)
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


def _claim(out: Path, config: TrainConfig) -> None:
    path = out / "training.json"
    if not path.exists():
        _write_curve(out, config, [])
        return
    stated = json.loads(path.read_text(encoding="utf-8"))["settings"]
    mine = json.loads(json.dumps(config.identity()))
    different = [key for key in mine if stated.get(key) != mine[key]]
    if different:
        key = different[0]
        raise UsageError(
            f"{out} holds a training with {key} = {stated.get(key)!r}, not "
            f"{mine[key]!r}.",
            "Give the same settings to go on, or another --out.",
        )


def _write_curve(out: Path, config: TrainConfig, curve: Sequence[Epoch]) -> None:
    facts = {"settings": config.identity(), "curve": [asdict(row) for row in curve]}
    write_atomic(out / "training.json", json.dumps(facts, indent=1).encode())


class _Trainer:
    """AdamW with a warm-up and a cosine decay; the loss is cross-entropy."""

    def __init__(
        self,
        config: TrainConfig,
        model: Model,
        dataset: Dataset,
        clips: Sequence[ClipRef],
    ) -> None:
        self._config = config
        self._model = model
        self._clips = clips
        self._targets = {ref.id: _target(ref, dataset) for ref in clips}
        self._cache = ClipCache(dataset, model.input, max_bytes=2 << 30)
        matrices = [p for p in model.parameters() if p.ndim > 1]
        vectors = [p for p in model.parameters() if p.ndim <= 1]
        self._optimizer = torch.optim.AdamW(
            [
                {"params": matrices, "weight_decay": config.weight_decay},
                {"params": vectors, "weight_decay": 0.0},
            ],
            lr=config.lr,
        )
        self._steps = math.ceil(len(clips) / config.batch_size)

    def resume(self, path: Path) -> list[Epoch]:
        """Load the state of an interrupted training and return its curve."""
        if not path.exists():
            return []
        state = torch.load(path, weights_only=True)
        self._model.load_state_dict(state["model"])
        self._optimizer.load_state_dict(state["optimizer"])
        return [Epoch(**row) for row in state["curve"]]

    def save(self, path: Path, curve: Sequence[Epoch]) -> None:
        """Write everything that :meth:`resume` needs."""
        buffer = io.BytesIO()
        torch.save(
            {
                "model": self._model.state_dict(),
                "optimizer": self._optimizer.state_dict(),
                "curve": [asdict(row) for row in curve],
            },
            buffer,
        )
        write_atomic(path, buffer.getvalue())

    def epoch(self, epoch: int, progress: Progress) -> float:
        """Pass over the clips once and return the mean loss."""
        config, model = self._config, self._model
        model.train()
        order = KeyedRandom((config.seed, "epoch", epoch)).permutation(len(self._clips))
        refs = [self._clips[i] for i in order]

        def work(ref: ClipRef) -> Clip:
            clip = self._cache.load(ref)
            check_clip(clip, model.input)
            return augment(
                clip, config, KeyedRandom((config.seed, "augment", epoch, ref.id))
            )

        total = 0.0
        done = 0
        group: list[Clip] = []
        device = next(model.parameters()).device
        for clip in ordered_map(work, refs, config.workers, 4 * config.batch_size):
            group.append(clip)
            if len(group) < config.batch_size and done + len(group) < len(refs):
                continue
            self._set_rate(epoch * self._steps + done // config.batch_size)
            targets = torch.stack([self._targets[c.id] for c in group]).to(device)
            loss = self._step(collate(group, model.input).to(device), targets)
            total += loss * len(group)
            done += len(group)
            group = []
            progress(epoch + 1, done, len(refs))
        return total / len(refs)

    def _step(self, batch: Batch, targets: torch.Tensor) -> float:
        logits = self._model.classify(batch)
        if self._model.outputs == "softmax":
            loss = F.cross_entropy(logits, targets)
        else:
            loss = F.binary_cross_entropy_with_logits(logits, targets)
        value = loss.item()
        if not math.isfinite(value):
            raise AvplugError(
                f"The loss is {value}.", "Try a lower --lr; the last epoch is kept."
            )
        self._optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self._model.parameters(), 1.0)
        self._optimizer.step()
        return value

    def _set_rate(self, step: int) -> None:
        total = self._config.epochs * self._steps
        warm = max(1, round(self._config.warmup * total))
        share = (step - warm) / max(1, total - warm)
        scale = (
            (step + 1) / warm if step < warm else 0.5 * (1 + math.cos(math.pi * share))
        )
        for group in self._optimizer.param_groups:
            group["lr"] = self._config.lr * scale


def _target(ref: ClipRef, dataset: Dataset) -> torch.Tensor:
    target = torch.zeros(len(dataset.labels))
    target[list(ref.labels)] = 1.0
    return target


def augment(clip: Clip, config: TrainConfig, rng: KeyedRandom) -> Clip:
    """Return the clip with sound and picture moved a little and the sound scaled."""
    draw = rng.generator().random(4)
    assert clip.audio is not None
    assert clip.frames is not None
    offset = round((2 * draw[0] - 1) * config.shift * clip.sample_rate)
    audio = np.roll(clip.audio, offset, axis=1)
    audio = audio * np.float32(10 ** ((2 * draw[1] - 1) * config.gain / 20))
    margin = clip.frames.shape[1] // 8
    padded = np.pad(
        clip.frames, ((0, 0), (margin, margin), (margin, margin), (0, 0)), "edge"
    )
    top, left = (int(d * (2 * margin + 1)) for d in draw[2:])
    height, width = clip.frames.shape[1:3]
    frames = padded[:, top : top + height, left : left + width]
    return replace(clip, audio=audio, frames=np.ascontiguousarray(frames))


class _Judge:
    """Accuracy on the validation clips: top-1, a label among the clip's."""

    def __init__(
        self,
        config: TrainConfig,
        dataset: Dataset,
        clips: Sequence[ClipRef],
        model: Model,
    ) -> None:
        self._cache = ClipCache(dataset, model.input)
        self._clips = clips
        self._size = config.batch_size
        self._model = model

    def __call__(self) -> float:
        self._model.eval()
        device = next(self._model.parameters()).device
        hits = 0
        for start in range(0, len(self._clips), self._size):
            refs = self._clips[start : start + self._size]
            batch = collate([self._cache.load(r) for r in refs], self._model.input)
            with torch.no_grad():
                best = self._model.classify(batch.to(device)).argmax(1).tolist()
            hits += sum(b in ref.labels for b, ref in zip(best, refs, strict=True))
        return 100 * hits / len(self._clips)
