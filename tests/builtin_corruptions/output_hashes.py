"""Hashes of what every corruption makes of two made clips, computed in this process.

``python -m tests.builtin_corruptions.output_hashes`` prints them as JSON: run it with
other versions of NumPy and OpenCV, or elsewhere, and compare. Options: ``--workers N``
corrupts in N threads, ``--backwards`` in the opposite order.
"""

import argparse
import hashlib
import json

import numpy as np

from avplug.bench.pipeline import ordered_map
from avplug.core.clip import Clip
from avplug.core.corruption import corrupt
from tests.builtin_corruptions.clips import PAIRS, clip, load, picture, sound

SEVERITIES = (1, 3, 5)


def sources() -> tuple[Clip, ...]:
    """A small clip with mono sound, and one of 224 pixels with stereo at 44.1 kHz."""
    frames, times = picture(2, 224, 224)
    return (
        clip("small"),
        clip("large", frames, times, sound(2, 22_050), rate=44_100),
    )


def digest(array):
    little = array.astype(array.dtype.newbyteorder("<"), copy=False)
    return hashlib.sha256(np.ascontiguousarray(little).tobytes()).hexdigest()[:16]


def output_hashes(workers: int = 0, backwards: bool = False) -> dict[str, str]:
    """Return a hash by corruption, profile, severity, clip and modality."""

    def work(item):
        name, profile, severity, source = item
        spoilt = corrupt(source, load(name, profile), name, severity)
        key = f"{name} {profile} s{severity} {source.id}"
        return {
            f"{key} video": digest(spoilt.frames),
            f"{key} audio": digest(spoilt.audio),
        }

    items = [
        (*pair, severity, source)
        for pair in PAIRS
        for severity in SEVERITIES
        for source in sources()
    ]
    if backwards:
        items.reverse()
    found = {}
    for hashes in ordered_map(work, items, workers, ahead=8):
        found |= hashes
    return dict(sorted(found.items()))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, default=0)
    parser.add_argument("--backwards", action="store_true")
    print(json.dumps(output_hashes(**vars(parser.parse_args())), indent=1))  # noqa: T201


if __name__ == "__main__":
    main()
