"""Writing of corrupted data sets: clip by clip, resumable, with a manifest of hashes.

A clip is decoded once and written under every condition that lacks it. Its files are
put in place one by one and listed in the manifest together: what is listed is whole.
"""

from __future__ import annotations

import errno
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from avplug._version import __version__
from avplug.bench.build_config import BuildConfig
from avplug.bench.conditions import Condition, conditions
from avplug.bench.evaluate import NoClipError
from avplug.bench.layouts import CLASSES, Layout, Listed, csv_bytes
from avplug.bench.manifest import Manifest, digest
from avplug.bench.naming import class_table, file_names, safe_name
from avplug.bench.pipeline import ordered_map
from avplug.bench.prepare import open_dataset
from avplug.core.clip import Clip, ClipRef
from avplug.core.corruption import recordings_from
from avplug.core.culprits import reason
from avplug.core.dataset import Dataset
from avplug.core.errors import UsageError
from avplug.core.registry import Entry, Registry
from avplug.media.fitting import as_is, every_frame, fit_clip
from avplug.signal.noise_level import NoiseLevel

#: A full or failing disk concerns every clip, not the one at hand.
_FATAL = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO}


@dataclass(frozen=True, slots=True)
class Failure:
    """A clip that is missing from a cell, and why."""

    cell: str
    clip: str
    reason: str


@dataclass(frozen=True, slots=True)
class BuildSummary:
    """What a build did; ``written`` and ``reused`` count clips in all cells."""

    folder: Path
    lists: tuple[Path, ...]
    written: int
    reused: int
    failures: tuple[Failure, ...]
    empty: tuple[str, ...]


#: Told of clips done, and of how many there are in all cells together.
Progress = Callable[[int, int], None]


def build(
    config: BuildConfig,
    registry: Registry,
    progress: Progress = lambda done, total: None,
) -> BuildSummary:
    """Write what the folder does not hold yet; the same call again goes on.

    Corruptions and severities may be added to a folder later; whatever else changes its
    content is refused. A clip that cannot be read or corrupted is left out and noted.

    Raises:
        UsageError: The settings are wrong, or the folder was begun with others.
        NoClipError: Not one clip could be written.
    """
    found = conditions(config.select, registry)[0 if config.clean else 1 :]
    if not found:
        raise UsageError("There is nothing to build.", "Name a corruption, or --clean.")
    entry, dataset, clips = open_dataset(registry, config.select)
    if dataset.premade:
        raise UsageError(
            f"The clips of '{config.select.dataset}' are corrupted already.",
            "Take one condition as the data set: -o dataset.condition=NAME/SEVERITY",
        )
    layout, names = config.layout(), file_names(ref.id for ref in clips)
    cells = {cell_folder(condition): condition for condition in found}
    classes = class_table(dataset.labels)
    root = Path(config.out)
    with Manifest(root, _settings(config, entry, dataset, clips)) as manifest:
        for cell, condition in cells.items():
            manifest.add_cell(cell, condition.identity or {"name": "clean"})
        manifest.write_file(CLASSES, _class_list(classes))
        writer = _Writer(config, layout, dataset, names, manifest)
        with recordings_from(config.select.recordings):
            failures, written = writer.run(clips, cells, progress)
        done = {
            cell: [ref for ref in clips if manifest.is_done(cell, ref.id)]
            for cell in cells
        }
        if not any(done.values()):
            raise NoClipError(
                f"None of {len(clips)} clips could be written. The first, "
                f"'{failures[0].clip}': {failures[0].reason}"
            )
        lists = []
        for cell, refs in done.items():
            if refs:
                rows = [_listed(ref, names, classes) for ref in refs]
                path = layout.list_path(cell)
                manifest.write_file(path, layout.list_content(cell, rows))
                lists.append(root / path)
    reused = sum(map(len, done.values())) - written
    empty = tuple(cell for cell, refs in done.items() if not refs)
    return BuildSummary(root, tuple(lists), written, reused, tuple(failures), empty)


def cell_folder(condition: Condition) -> str:
    """Return ``<corruption>/severity_<s>``; ``<s>+<t>`` if the sound has severity t."""
    sound = (condition.identity or {}).get("sound_severity")
    level = (
        f"{condition.severity}" if sound is None else f"{condition.severity}+{sound}"
    )
    return f"{safe_name(condition.name)}/severity_{level}"


def _settings(
    config: BuildConfig, entry: Entry, dataset: Dataset, clips: Sequence[ClipRef]
) -> dict[str, Any]:
    """Return what decides the content; what tells most about a change comes first."""
    select = config.select
    quality: dict[str, Any] = {"frame_format": config.frame_format}
    if config.format == "mp4":
        quality = {"lossless": config.lossless}
    spec = config.layout().spec
    return {
        "dataset": entry.qualified,
        "split": select.split,
        "options": dict(select.options.get("dataset", {})),
        **({"tasks": dict(dataset.tasks)} if dataset.tasks else {}),
        "clips": len(clips),
        "seed": config.seed,
        "modalities": select.modalities[0],
        "at": select.at,
        "format": config.format,
        **quality,
        "size": spec.size,
        "sample_rate": spec.sample_rate,
        "provider": f"{entry.provider} {entry.version}",
        "fingerprint": dataset.fingerprint(clips),
    }


def _class_list(classes: Sequence[tuple[str, str]]) -> bytes:
    rows = [(index, *names) for index, names in enumerate(classes)]
    return csv_bytes([("index", "mid", "display_name"), *rows])


def _listed(
    ref: ClipRef, names: dict[str, str], classes: Sequence[tuple[str, str]]
) -> Listed:
    labels = tuple(classes[label][0] for label in ref.labels)
    return Listed(ref.id, names[ref.id], labels)


@dataclass(frozen=True, slots=True)
class _Stored:
    """The files of a clip with their hashes and sizes, and how noisy its sound is."""

    files: dict[str, tuple[str, int]]
    noise: NoiseLevel | None


#: What became of a clip, or why there is nothing of it.
_Outcome = _Stored | str


class _Writer:
    """Reads, corrupts and writes clips in threads; lists them in their order."""

    def __init__(
        self,
        config: BuildConfig,
        layout: Layout,
        dataset: Dataset,
        names: dict[str, str],
        manifest: Manifest,
    ) -> None:
        self._config = config
        self._layout = layout
        self._dataset = dataset
        self._names = names
        self._manifest = manifest

    def run(
        self,
        clips: Sequence[ClipRef],
        cells: dict[str, Condition],
        progress: Progress,
    ) -> tuple[list[Failure], int]:
        """Write what is lacking; return the failures and how many were written."""
        missing = [
            (ref, [cell for cell in cells if not self._manifest.is_done(cell, ref.id)])
            for ref in clips
        ]
        todo = [item for item in missing if item[1]]
        total = len(clips) * len(cells)
        done = total - sum(len(wanted) for _, wanted in todo)
        progress(done, total)
        failures: list[Failure] = []
        written = 0

        def work(item: tuple[ClipRef, list[str]]) -> dict[str, _Outcome]:
            return self._write(item[0], {cell: cells[cell] for cell in item[1]})

        workers = self._config.select.workers
        results = ordered_map(work, todo, workers, 2 * max(1, workers))
        for (ref, _), outcomes in zip(todo, results, strict=True):
            for cell, outcome in outcomes.items():
                if isinstance(outcome, str):
                    failures.append(Failure(cell, ref.id, outcome))
                    self._manifest.add_failure(cell, ref.id, outcome)
                else:
                    name, noise = self._names[ref.id], outcome.noise
                    self._manifest.add_clip(
                        cell,
                        ref.id,
                        name,
                        outcome.files,
                        noise.as_dict() if noise else None,
                    )
                    written += 1
            done += len(outcomes)
            progress(done, total)
        return failures, written

    def _write(self, ref: ClipRef, wanted: dict[str, Condition]) -> dict[str, _Outcome]:
        spec = self._layout.spec
        if not ref.labels:
            return dict.fromkeys(wanted, "It has no label, and every list needs one.")
        spec = as_is(spec) if self._at_source else spec
        every = every_frame(spec)
        try:
            clip = self._dataset.load(ref, spec)
        except Exception as error:
            # Whatever a data set raises concerns this clip alone.
            return dict.fromkeys(wanted, reason(error))

        @cache
        def whole() -> Clip:
            return clip if spec == every else self._dataset.load(ref, every)

        return {
            cell: self._write_one(clip, whole, ref, cell, condition)
            for cell, condition in wanted.items()
        }

    def _write_one(
        self,
        clip: Clip,
        whole: Callable[[], Clip],
        ref: ClipRef,
        cell: str,
        condition: Condition,
    ) -> _Outcome:
        root = self._manifest.root
        try:
            spoilt = condition.apply_sampled(clip, whole, self._config.seed)
            noise = condition.noise_level(clip, spoilt, self._config.seed)
            if self._at_source:
                spoilt = fit_clip(spoilt, self._layout.spec)
            name, comment = self._names[ref.id], self._comment(condition)
            paths = self._layout.write(root, cell, name, spoilt, comment)
            return _Stored({path: digest(root / path) for path in paths}, noise)
        except Exception as error:
            if getattr(error.__cause__, "errno", None) in _FATAL:
                raise
            return reason(error)

    @property
    def _at_source(self) -> bool:
        return self._config.select.at == "source"

    def _comment(self, condition: Condition) -> str:
        facts = {
            "avplug": __version__,
            **(condition.identity or {"name": "clean"}),
            "severity": condition.severity,
            "seed": self._config.seed,
        }
        return json.dumps(facts)
