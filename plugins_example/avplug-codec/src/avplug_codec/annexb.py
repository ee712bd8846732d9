"""H.264 streams in the byte format of Annex B: start codes between their units."""

from __future__ import annotations

import re
from dataclasses import dataclass

#: Types of units that hold a slice: of any picture, and of a key frame.
_SLICES = (1, 5)
_START = re.compile(rb"\x00?\x00\x00\x01")


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit with its start code, and whether it holds a slice of a picture."""

    data: bytes
    is_slice: bool


def split_units(packet: bytes) -> list[Unit]:
    """Return the units of a coded picture, whose bytes join to the packet."""
    starts = list(_START.finditer(packet))
    ends = [start.start() for start in starts[1:]] + [len(packet)]
    return [
        Unit(packet[start.start() : end], packet[start.end()] & 0x1F in _SLICES)
        for start, end in zip(starts, ends, strict=True)
    ]
