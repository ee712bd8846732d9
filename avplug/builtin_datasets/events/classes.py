"""The twelve classes of ``events``: which look goes with which sound."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EventClass:
    """A class: its name, what it looks like and what it sounds like."""

    name: str
    look: str
    sound: str


#: Eight looks and eight sounds; four of each belong to two classes, so that a perfect
#: eye or a perfect ear alone is right for 8 of 12, and both together for all.
CLASSES = (
    EventClass("rubber_ball", "bounce", "thud"),
    EventClass("steel_ball", "bounce", "ping"),
    EventClass("bell", "swing", "ping"),
    EventClass("metronome", "swing", "tick"),
    EventClass("woodpecker", "peck", "tick"),
    EventClass("bee", "flit", "buzz"),
    EventClass("bird", "flit", "chirp"),
    EventClass("saw", "spin", "buzz"),
    EventClass("windmill", "spin", "whoosh"),
    EventClass("steam_train", "cross", "whoosh"),
    EventClass("ambulance", "flash", "siren"),
    EventClass("loudspeaker", "pulse", "tune"),
)
