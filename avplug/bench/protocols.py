"""Adaptation protocols: from clips, conditions and a seed to streams.

A stream is what one adapter sees from one reset to the next: *stretches* of clips, each
clip under one of the stream's conditions, its *segments*. No batch spans two stretches.
One stream is one cell: one unit of work, of resuming and of the store.

============ ======================================== ==================================
protocol     streams                                  prediction
============ ======================================== ==================================
reset        one for each condition                   while it adapts
continual    one for each severity: all corruptions,  while it adapts
             one stretch after the other
gradual      one: each corruption with its severity   while it adapts
             rising and falling
mixed        one for each severity: all corruptions   while it adapts
             in one stretch, shuffled together
episodic     one for each condition                   while it adapts, reset before each
                                                      batch
offline      one for each condition, ``passes`` times frozen, in one pass at the end
few-shot     one for each condition: ``shots`` clips  frozen, in one pass at the end
             of each class of the training split,
             ``passes`` times
============ ======================================== ==================================

The clean clips are always a stream of their own. A method without a state gives the
same answers under every protocol: it keeps the cells of ``reset``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias, TypeVar

from avplug.bench.conditions import Condition
from avplug.bench.config import OrderName, ProtocolName, RunConfig
from avplug.bench.decode import decode
from avplug.bench.ordering import arrange
from avplug.core.clip import ClipRef
from avplug.core.errors import UsageError
from avplug.core.randomness import KeyedRandom

#: A clip with the number of its segment.
Item: TypeAlias = tuple[int, ClipRef]

T = TypeVar("T")

#: Which options a protocol, or the order ``correlated``, looks at.
_OPTIONS: dict[str, tuple[str, ...]] = {
    "continual": ("sequence",),
    "gradual": ("sequence",),
    "offline": ("passes",),
    "few-shot": ("passes", "shots", "support"),
    "correlated": ("delta",),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtocolOptions:
    """What can be set of protocols, as ``-o protocol.<key>=<value>``.

    Args:
        sequence: Order of the corruptions of a stream: as listed in the
            configuration, or shuffled by the seed.
        passes: Of the adaptation over its clips, before the frozen pass.
        shots: Labelled clips of each class.
        support: Split of the data set that they are drawn from.
        delta: Concentration of the order ``correlated``; small is nearly sorted.

    Raises:
        UsageError: A value is out of range.
    """

    sequence: Literal["listed", "shuffled"] = "listed"
    passes: int = 5
    shots: int = 5
    support: str = "train"
    delta: float = 0.1

    def __post_init__(self) -> None:
        for name in ("passes", "shots"):
            if getattr(self, name) < 1:
                raise UsageError(
                    f"protocol.{name} is {getattr(self, name)}; at least 1 is needed."
                )
        if not 0 < self.delta < float("inf"):
            raise UsageError(f"protocol.delta is {self.delta}; it must be positive.")


@dataclass(frozen=True, slots=True)
class Protocol:
    """How clips and conditions become streams; made by :func:`protocol_of`."""

    name: ProtocolName
    order: OrderName
    options: ProtocolOptions = field(default_factory=ProtocolOptions)

    @property
    def frozen(self) -> bool:
        """Whether predictions come from a last pass that changes nothing."""
        return self.name in ("offline", "few-shot")

    @property
    def episodic(self) -> bool:
        """Whether every batch starts from the source model."""
        return self.name == "episodic"

    @property
    def passes(self) -> int:
        """How often an adapter sees the clips that it adapts to."""
        return self.options.passes if self.frozen else 1

    @property
    def shots(self) -> int:
        """Labelled clips of each class that are adapted to; 0 for none."""
        return self.options.shots if self.name == "few-shot" else 0

    def identity(self) -> dict[str, Any]:
        """Return what belongs to a cell's identity besides order and batch size."""
        found: dict[str, Any] = {} if self.name == "reset" else {"protocol": self.name}
        for topic in (self.name, self.order):
            found |= {
                key: getattr(self.options, key) for key in _OPTIONS.get(topic, ())
            }
        return found | {"reset": "per-batch" if self.episodic else "per-cell"}

    def streams(
        self, conditions: Sequence[Condition], seed: int
    ) -> list[tuple[Condition, ...]]:
        """Return the segments of each stream, in their order."""
        if self.name not in ("continual", "gradual", "mixed"):
            return [(condition,) for condition in conditions]
        clean = [(c,) for c in conditions if c.clean]
        groups: dict[Any, list[Condition]] = {}
        for condition in conditions:
            if not condition.clean:
                groups.setdefault(self._group(condition), []).append(condition)
        return clean + [self._sequence(group, seed) for group in groups.values()]

    def _group(self, condition: Condition) -> tuple[Any, ...]:
        about = condition.identity or {}
        if self.name == "gradual":
            return (about["modalities"],)
        sound = about.get("sound_severity", condition.severity)
        return about["modalities"], condition.severity, sound

    def _sequence(self, group: list[Condition], seed: int) -> tuple[Condition, ...]:
        by_name: dict[str, list[Condition]] = {}
        for condition in group:
            by_name.setdefault(condition.name, []).append(condition)
        names = list(by_name)
        if self.options.sequence == "shuffled" and self.name != "mixed":
            order = KeyedRandom((seed, "sequence")).permutation(len(names))
            names = [names[i] for i in order]
        chosen: list[Condition] = []
        for name in names:
            rising = sorted(by_name[name], key=lambda c: c.severity)
            falling = rising[-2::-1] if self.name == "gradual" else []
            chosen += [*rising, *falling]
        return tuple(chosen)

    def stretches(
        self, segments: int, clips: Sequence[ClipRef], seed: int, turn: int = 0
    ) -> list[list[Item]]:
        """Return the stretches of a stream, in their order.

        All stretches of a seed have one order of clips, whatever the protocol, method,
        corruption and severity: results of a seed are paired.

        Args:
            segments: How many conditions the stream has.
            clips: As the data set lists them.
            seed: Of the cell.
            turn: Number of the pass; each has its own order.
        """
        key = (seed, "order", *((turn,) if turn else ()))
        if self.name != "mixed" or segments == 1:
            ordered = self._arrange(clips, clips, KeyedRandom(key))
            return [[(segment, ref) for ref in ordered] for segment in range(segments)]
        items = [(segment, ref) for segment in range(segments) for ref in clips]
        rng = KeyedRandom((*key, "mixed"))
        return [self._arrange(items, [ref for _, ref in items], rng)]

    def _arrange(
        self, items: Sequence[T], refs: Sequence[ClipRef], rng: KeyedRandom
    ) -> list[T]:
        labels = [ref.labels[0] if ref.labels else -1 for ref in refs]
        return arrange(items, labels, self.order, self.options.delta, rng)


def protocol_of(config: RunConfig) -> Protocol:
    """Return the protocol of a run with its options.

    Raises:
        UsageError: An option is unknown, out of range, or of another protocol; or the
            protocol makes nothing of the order or the severities.
    """
    name, order = config.protocol, config.order
    options = config.options.get("protocol", {})
    made = decode(ProtocolOptions, options, "protocol options")
    used = {key for topic in (name, order) for key in _OPTIONS.get(topic, ())}
    for key in options:
        if key not in used:
            topics = [topic for topic, keys in _OPTIONS.items() if key in keys]
            raise UsageError(
                f"protocol.{key} is given; protocol '{name}' in the order '{order}' "
                "does not use it.",
                f"It belongs to: {', '.join(topics)}.",
            )
    if name == "mixed" and order == "fixed":
        raise UsageError(
            "Protocol 'mixed' shuffles corruptions; order 'fixed' keeps them apart.",
            "Orders: shuffled, label-sorted, correlated. Kept apart: --protocol "
            "continual.",
        )
    if name == "gradual" and (
        len(set(config.severities)) < 2 or config.sound_severities
    ):
        raise UsageError(
            "Protocol 'gradual' needs one scale of several severities.",
            "Give --severity 1,2,3,4,5, and no --sound-severity.",
        )
    return Protocol(name, order, made)
