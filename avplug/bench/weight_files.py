"""From known weights to their tensors: what is here, what may be fetched."""

from __future__ import annotations

from avplug.core.checkpoints import Checkpoint, read_parts
from avplug.core.errors import WeightsError
from avplug.core.registry import Entry
from avplug.core.sources import find, locate
from avplug.core.weight_specs import WeightSpec


def read_weights(entry: Entry, weights: WeightSpec, *, asked: bool) -> Checkpoint:
    """Read the files of weights; fetch them first where that was asked for.

    Args:
        entry: The model, for messages.
        weights: The weights.
        asked: Whether the user named them. Otherwise nothing is downloaded; nor is
            what must not be used commercially, which needs a consent.

    Raises:
        WeightsError: A file is not here, cannot be fetched, or is not the one stated.
    """
    if not asked or weights.non_commercial:
        absent = [f for f in weights.files.values() if f.source and find(f) is None]
        if absent:
            raise _absent(entry, weights)
    checkpoint = read_parts({k: locate(f) for k, f in weights.files.items()})
    sums = checkpoint.parts or {"": checkpoint.sha256}
    for part, file in weights.files.items():
        if not sums[part].startswith(file.sha256):
            raise WeightsError(
                f"{file.source} has sha256 {sums[part]}, not {file.sha256}.",
                "It is damaged or another file; delete it and fetch it again.",
            )
    return checkpoint


def _absent(entry: Entry, weights: WeightSpec) -> WeightsError:
    command = f"avplug weights fetch {entry.spec.name}/{weights.name}"
    consent = ""
    if weights.non_commercial:
        consent = " --accept-license"
    return WeightsError(
        f"Weights '{weights.name}' of '{entry.spec.name}' are not on this machine"
        + (f"; their licence is {weights.license}." if consent else "."),
        f"Fetch them: {command}{consent}",
    )
