"""Extraction of frames and sounds, once, in the layout that CAV-MAE reads.

::

    OUT/frames/frame_<i>/<name>.jpg     i = 0..9, or 0..29
    OUT/audio/<name>.wav                16 kHz, 16 bit, the first channel
    OUT/clips.json                      the list, with what is missing and why
    OUT/class_labels_indices.csv        the classes, in their order
    OUT/prepared.jsonl                  settings, then a line for each clip

A clip's sound is put in place after its frames, and its line is written after both: a
kill at any moment loses what is not listed, and the same command makes that again.
"""

from __future__ import annotations

import errno
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from avplug.bench.data_workers import in_workers
from avplug.bench.layouts import CLASSES, csv_bytes
from avplug.bench.manifest import refuse_other
from avplug.bench.naming import class_table, file_names
from avplug.core.clip import ClipRef, InputSpec
from avplug.core.culprits import reason
from avplug.core.dataset import Dataset
from avplug.core.errors import UsageError
from avplug.core.files import write_atomic
from avplug.media.pictures import save_rgb
from avplug.media.sound import write_sound

LIST, LOG = "clips.json", "prepared.jsonl"
#: Of the published extraction: Pillow's default quality, with halved colours.
JPEG_QUALITY = 75
SIZE, SAMPLE_RATE = 224, 16_000

#: A full or failing disk concerns every clip, not the one at hand.
_FATAL = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO}

#: ``"cav-mae"``: a frame of each tenth. ``"uavm"``: three a second for ten seconds.
Grid = Literal["cav-mae", "uavm"]
_GRIDS: dict[str, int] = {"cav-mae": 10, "uavm": 30}


@dataclass(frozen=True, slots=True)
class Prepared:
    """What was prepared; ``written`` and ``reused`` count clips.

    ``failed`` has the reason of each clip that could not be read, ``missing`` of each
    that is not there.
    """

    folder: Path
    written: int
    reused: int
    failed: dict[str, str]
    missing: dict[str, str]


def prepare_data(
    dataset: Dataset,
    clips: Sequence[ClipRef],
    out: Path,
    *,
    name: str,
    split: str,
    grid: Grid = "cav-mae",
    workers: int = 0,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Prepared:
    """Write frames and sounds of clips; the same call again goes on.

    Args:
        dataset: Where the clips come from.
        clips: Those that are written.
        out: The folder; made if it is not there.
        name: Of the data set.
        split: Of the data set.
        grid: Which frames.
        workers: Processes; 0 works here.
        progress: Told of clips done, and of how many there are.

    Raises:
        UsageError: The folder holds other clips or frames.
    """
    names = file_names(ref.id for ref in clips)
    settings = {
        "dataset": name,
        "split": split,
        "grid": grid,
        "size": SIZE,
        "sample_rate": SAMPLE_RATE,
        "fingerprint": dataset.fingerprint(clips),
    }
    done = {
        clip
        for clip in _taken_up(out, settings)
        if (out / "audio" / f"{names[clip]}.wav").is_file()
    }
    todo = [ref for ref in clips if ref.id not in done]
    options = {"out": out, "grid": grid, "names": names}
    failed: dict[str, str] = {}
    progress(len(done), len(clips))
    with (out / LOG).open("a", encoding="utf-8") as log:
        results = in_workers(_extracted, dataset, todo, options, workers)
        for ref, reason in zip(todo, results, strict=True):
            if reason is None:
                done.add(ref.id)
            else:
                failed[ref.id] = reason
            log.write(json.dumps({"clip": ref.id, "failed": reason}) + "\n")
            log.flush()
            progress(len(done) + len(failed), len(clips))
    missing = dict(dataset.missing)
    good = [ref for ref in clips if ref.id in done]
    _write_lists(dataset, good, out, names, split, missing | failed)
    written = len(todo) - len(failed)
    return Prepared(out, written, len(done) - written, failed, missing)


def _taken_up(out: Path, settings: dict[str, Any]) -> set[str]:
    """Return the clips that an earlier call has written with the same settings."""
    log = out / LOG
    if not log.exists():
        if out.is_dir() and any(out.iterdir()):
            raise UsageError(
                f"'{out}' holds other files and no {LOG}.",
                "Choose an empty or a new --out.",
            )
        head = json.dumps({"prepared": 1, "settings": settings})
        write_atomic(log, head.encode() + b"\n")
        return set()
    lines = list(_whole_lines(log))
    refuse_other(out, lines[0].get("settings", {}) if lines else {}, settings)
    return {row["clip"] for row in lines[1:] if row["failed"] is None}


def _whole_lines(log: Path) -> Iterator[dict[str, Any]]:
    """Yield what the log says; a line that was torn by a kill is cut off."""
    content = log.read_bytes()
    whole = content[: content.rfind(b"\n") + 1]
    if len(whole) < len(content):
        write_atomic(log, whole)
    yield from map(json.loads, whole.splitlines())


def _extracted(dataset: Dataset, ref: ClipRef, options: dict[str, Any]) -> str | None:
    """Write a clip's files; return why not, if it cannot be read."""
    out, name, grid = options["out"], options["names"][ref.id], options["grid"]
    parts = _GRIDS[grid]
    spec = InputSpec(0, SAMPLE_RATE, 0.0, parts, tuple(range(parts)), grid, "first")
    try:
        clip = dataset.load(ref, spec)
        if clip.frames is None or clip.audio is None:
            lacks = "picture" if clip.frames is None else "sound"
            return f"It has no {lacks}."
        for number, frame in enumerate(clip.frames):
            path = out / "frames" / f"frame_{number}" / f"{name}.jpg"
            save_rgb(path, centred(frame, SIZE), quality=JPEG_QUALITY)
        sounds = out / "audio"
        sounds.mkdir(parents=True, exist_ok=True)
        write_sound(sounds / f"{name}.wav", clip.audio, SAMPLE_RATE, subtype="PCM_16")
    except Exception as error:
        if getattr(error.__cause__, "errno", None) in _FATAL:
            raise
        return reason(error)
    return None


def centred(frame: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """Return uint8 [size, size, 3], resized and cropped as the published extraction.

    The shorter side by Pillow's antialiased bilinear filter, where models use bicubic.
    """
    height, width = frame.shape[:2]
    short = min(height, width)
    if short != size:
        across, down = (int(size * side / short) for side in (width, height))
        image = Image.fromarray(frame).resize((across, down), Image.Resampling.BILINEAR)
        frame = np.asarray(image)
        height, width = frame.shape[:2]
    top, left = round((height - size) / 2), round((width - size) / 2)
    return np.ascontiguousarray(frame[top : top + size, left : left + size])


def _write_lists(
    dataset: Dataset,
    clips: Sequence[ClipRef],
    out: Path,
    names: dict[str, str],
    split: str,
    missing: dict[str, str],
) -> None:
    classes = class_table(dataset.labels)
    rows = [(index, *calls) for index, calls in enumerate(classes)]
    write_atomic(out / CLASSES, csv_bytes([("index", "mid", "display_name"), *rows]))
    data = [
        {
            "video_id": names[ref.id],
            "wav": f"audio/{names[ref.id]}.wav",
            "video_path": "frames",
            "labels": ",".join(classes[label][0] for label in ref.labels),
            **({} if ref.id == names[ref.id] else {"source_id": ref.id}),
            **({"group": ref.group} if ref.group else {}),
        }
        for ref in clips
    ]
    facts = {"data": data, "split": split, "missing": missing}
    content = json.dumps(facts, indent=1)
    write_atomic(out / LIST, content.encode() + b"\n")
