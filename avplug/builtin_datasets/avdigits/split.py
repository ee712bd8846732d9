"""Which recordings and images belong to which split, and which belong together."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from avplug.builtin_datasets.avdigits.recordings import Recording
from avplug.core.errors import DatasetError
from avplug.core.randomness import KeyedRandom

SPLITS = ("train", "val", "test")


def split_of_recording(index: int) -> str:
    """Return a recording's split, by its index within a speaker's digit.

    Indices 0 to 4 are the test set that the Free Spoken Digit Dataset names; 5 to 9
    are kept apart for validation.
    """
    return "test" if index < 5 else "val" if index < 10 else "train"


def split_of_image(position: int) -> str:
    """Return the split of an image, by the last digit of its position in the file."""
    return {0: "test", 1: "val"}.get(position % 10, "train")


def pair(
    recordings: Sequence[Recording],
    digits: NDArray[np.uint8],
    split: str,
    pairings: int,
) -> list[tuple[Recording, int, int]]:
    """Return each recording of a split with images of its digit.

    Args:
        recordings: All of the archive, sorted by digit.
        digits: uint8 [N], what each image shows.
        split: One of :data:`SPLITS`.
        pairings: How many images each recording gets.

    Returns:
        Recording, position of the image, and number of the pairing. An image comes
        again only when all images of its digit in the split are used up.

    Raises:
        DatasetError: A digit has recordings in the split, but no image.
    """
    pairs = []
    mine = (r for r in recordings if split_of_recording(r.index) == split)
    for digit, group in groupby(mine, key=lambda recording: recording.digit):
        spoken = list(group)
        images = [
            int(position)
            for position in np.flatnonzero(digits == digit)
            if split_of_image(int(position)) == split
        ]
        if not images:
            raise DatasetError(f"Digit {digit} has no image in split '{split}'.")
        order = KeyedRandom(("avdigits", split, digit)).permutation(len(images))
        for place in range(pairings * len(spoken)):
            pairing, recording = divmod(place, len(spoken))
            image = images[order[place % len(images)]]
            pairs.append((spoken[recording], image, pairing))
    shuffled = KeyedRandom(("avdigits", split, "order")).permutation(len(pairs))
    return [pairs[place] for place in shuffled]
