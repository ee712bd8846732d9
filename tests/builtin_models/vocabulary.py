"""A vocabulary in the format of CLIP's, small and made by rule."""

from __future__ import annotations

import gzip
import hashlib
from pathlib import Path

WORDS = ("dog", "cat", "rain", "violin", "photo", "sound", "video", "playing")


def merges() -> list[str]:
    """Return the merges that spell each word from its left, the longest last."""
    found: dict[str, None] = {}
    for word in WORDS:
        symbols = [*word[:-1], f"{word[-1]}</w>"]
        left = symbols[0]
        for right in symbols[1:]:
            found[f"{left} {right}"] = None
            left += right
    return sorted(found, key=lambda merge: (len(merge), merge))


def write_vocabulary(folder: Path) -> dict[str, str]:
    """Write the file, and return the options that make a zero-shot model use it."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "vocabulary.txt.gz"
    data = gzip.compress("\n".join(["title", *merges(), ""]).encode(), mtime=0)
    path.write_bytes(data)
    return {
        "vocabulary": str(path),
        "vocabulary_sha256": hashlib.sha256(data).hexdigest(),
    }
