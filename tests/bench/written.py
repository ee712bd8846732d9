"""Small data sets that tests write, and what lies in them."""

import hashlib
import json
from pathlib import Path

from avplug.bench.build_config import BuildConfig
from avplug.bench.config import RunConfig
from avplug.bench.manifest import MANIFEST

LABELS = "class_labels_indices.csv"
CELLS = ("clean/severity_0", "gaussian/severity_1", "gaussian/severity_5")


def config(out, layout=None, **changes) -> BuildConfig:
    select = {
        "corruptions": ("gaussian",),
        "severities": (1, 5),
        "limit": 3,
        **changes,
    }
    layout = {"size": 24, "frame_format": "png", **(layout or {})}
    return BuildConfig(out=str(out), select=RunConfig(**select), **layout)


def movies(out, **changes) -> BuildConfig:
    layout = {"format": "mp4", "size": 0, "lossless": True}
    return config(out, {**layout, **changes.pop("layout", {})}, **changes)


def tree(root: Path) -> dict[str, str]:
    """Return the hash of every file, the manifest's included."""
    return {
        path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def rows(root: Path) -> list[dict]:
    return [json.loads(line) for line in (root / MANIFEST).read_text().splitlines()]
