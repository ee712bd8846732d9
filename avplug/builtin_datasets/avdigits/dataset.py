"""The data set ``avdigits``: a written and a spoken digit make a clip."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from avplug.builtin_datasets.avdigits.idx import read_idx
from avplug.builtin_datasets.avdigits.recordings import list_recordings, read_recording
from avplug.builtin_datasets.avdigits.split import SPLITS, pair
from avplug.core.clip import Clip, ClipRef, InputSpec
from avplug.core.dataset import Dataset
from avplug.core.errors import DatasetError, closest
from avplug.media.pictures import fit
from avplug.media.sound import resample

RECORDINGS = "fsdd_recordings.zip"
IMAGES = "t10k-images-idx3-ubyte.gz"
LABELS = "t10k-labels-idx1-ubyte.gz"

#: Black pixels around an image, so that the digit does not touch the frame.
_MARGIN = 4

_NAMES = (
    *("zero", "one", "two", "three", "four"),
    *("five", "six", "seven", "eight", "nine"),
)


_Arrays = tuple[NDArray[np.uint8], NDArray[np.uint8]]


class AVDigits(Dataset):
    """Recordings of the Free Spoken Digit Dataset with MNIST images of the same digit.

    Splits share neither a recording nor an image: of each speaker and digit the
    recordings 0 to 4 are for testing, 5 to 9 for validation, the rest for training;
    of the images those whose position ends in 0 are for testing, in 1 for validation.

    Args:
        split: ``"train"``, ``"val"`` or ``"test"``.
        root: Folder with the recordings' zip, and MNIST's test images and labels.
        pairings: How many images each recording is paired with; None for 3 in
            training and 1 otherwise.

    Raises:
        DatasetError: The split is unknown, or a file is missing or damaged.
    """

    def __init__(
        self,
        *,
        split: str = "test",
        root: Path | None = None,
        pairings: int | None = None,
    ) -> None:
        if split not in SPLITS:
            raise DatasetError(
                f"Data set 'avdigits' has no split '{split}'.{closest(split, SPLITS)}"
                f" Splits: {', '.join(SPLITS)}."
            )
        if pairings is not None and pairings < 1:
            raise DatasetError(f"A recording cannot be paired with {pairings} images.")
        if root is None:
            raise DatasetError(
                "Data set 'avdigits' is read from a folder.",
                f"Give the one with '{RECORDINGS}' as root.",
            )
        self.root = root = Path(root)
        self._archive = root / RECORDINGS
        self.labels = _NAMES
        self._images, digits = self._read_images(root)
        recordings = list_recordings(self._archive)
        pairs = pair(
            recordings, digits, split, pairings or (3 if split == "train" else 1)
        )
        if not pairs:
            raise DatasetError(f"'{root}' has no recording for split '{split}'.")
        self.clips = [
            ClipRef(
                f"{recording.name}-{pairing}",
                (recording.digit,),
                (recording.member, image),
                recording.name,
            )
            for recording, image, pairing in pairs
        ]
        self._version = self._hash([r.checksum for r, _, _ in pairs])

    def load(self, ref: ClipRef, spec: InputSpec) -> Clip:
        """Return the image, still, for as long as the digit is spoken.

        Raises:
            MediaError: The recording is damaged.
        """
        member, image = ref.source
        sound, rate = read_recording(self._archive, member)
        duration = len(sound) / rate
        target = spec.sample_rate or rate
        padded = np.pad(self._images[image], _MARGIN)
        frame = fit(np.repeat(padded[..., None], 3, axis=2), spec.size)
        times = np.zeros(1)
        if spec.frame_rule != "all" and len(spec.picks) > 1:
            times = np.array([pick * duration / spec.grid for pick in spec.picks])
        return Clip(
            id=ref.id,
            frames=np.repeat(frame[None], len(times), axis=0),
            times=times,
            audio=resample(sound, rate, target)[None],
            sample_rate=target,
            duration=duration,
        )

    def content_version(self) -> str:
        """Return a hash of the recordings' checksums and of the images."""
        return self._version

    def _hash(self, checksums: list[int]) -> str:
        digest = hashlib.sha256(np.array(checksums, "<u4").tobytes())
        for ref in self.clips:
            digest.update(self._images[ref.source[1]].tobytes())
        return digest.hexdigest()[:16]

    @staticmethod
    def _read_images(root: Path) -> _Arrays:
        images, digits = read_idx(root / IMAGES, 3), read_idx(root / LABELS, 1)
        if len(images) != len(digits):
            raise DatasetError(
                f"'{root}' has {len(images)} images and {len(digits)} labels."
            )
        if digits.size and digits.max() > 9:
            raise DatasetError(f"'{root / LABELS}' has the label {digits.max()}.")
        return images, digits
