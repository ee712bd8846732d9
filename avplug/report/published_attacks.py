"""Which numbers of a run's attacked networks a paper's numbers stand beside.

CVPR'21 prints accuracy under an attack on A, V and both within a budget, their mean
and the relative improvement; ICLR'25 the success of attacks within no stated budget. A
number has a counterpart if data set, network, defence, attack, attacked senses and,
where it is printed, the budget fit.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from avplug.core.attack import Budget, Norm, ThreatModel
from avplug.core.published import PublishedAttackProtocol, PublishedNumber
from avplug.report.attacked import SENSES, AttackedCell, AttackPanel
from avplug.report.labels import canonical
from avplug.report.paper_source import Spread, combined, mean_of, spread
from avplug.report.published_networks import (
    Network,
    is_attack,
    name_of,
    own_network,
    published_fusions,
    published_network,
    seed_of,
)

#: What a column of accuracies under attack is called, by the attacked senses.
_UNDER = {f"acc_x{senses.upper()}": senses for senses in SENSES}
_CLEAN = ("acc_AV", "acc_A", "acc_V")
SUCCESS = "attack_success_rate"
#: The networks between which ICLR'25 carries attacks over.
_UNDEFENDED = (Network("concat", "none"), Network("sum", "none"))


@dataclass(frozen=True, slots=True, eq=False)
class AttackCounterpart:
    """A published number of attacked networks and the run's own.

    Args:
        number: As its source prints it.
        own: The run's in percent, by the seed of the training.
        cells: That it is made of; of a clean number attacked ones beside it.
    """

    number: PublishedNumber
    own: Spread
    cells: tuple[AttackedCell, ...]

    @property
    def attacked(self) -> bool:
        """Whether the number is one under attack."""
        return self.number.corruption != "clean"

    @property
    def defended(self) -> bool:
        """Whether the run's network has a defence."""
        return bool(self.cells[0].stored.cell["model"].get("defense"))


_Own = tuple[Spread, tuple[AttackedCell, ...]]


def attack_counterparts(
    panel: AttackPanel,
    numbers: Sequence[PublishedNumber],
    protocol: PublishedAttackProtocol,
) -> Iterator[AttackCounterpart]:
    """Yield the run's numbers that published ones stand beside.

    Args:
        panel: Of a data set that fits; of another metric than top-1 nothing does.
        numbers: That a source has of this data set.
        protocol: Of the source.
    """
    if panel.metric.name != "top1":
        return
    run = _Networks(panel, numbers, protocol)
    for number in numbers:
        for own, cells in run.beside(number):
            yield AttackCounterpart(number, own, cells)


def printed_threat(
    number: PublishedNumber, protocol: PublishedAttackProtocol
) -> ThreatModel | None:
    """Return the budgets of a number such as ``a=0.006,v=0``; None if it has none.

    Budgets of nothing are left out.
    """
    sizes = dict(part.partition("=")[::2] for part in number.severity.split(","))
    if set(sizes) != {"a", "v"}:
        return None
    norm: Norm = "l2" if protocol.norm == "l2" else "linf"
    try:
        sound, picture = float(sizes["a"]), float(sizes["v"])
    except ValueError:
        return None
    return ThreatModel(
        Budget(norm, picture, (0.0, 1.0), "pixel", protocol.colours)
        if picture
        else None,
        Budget(norm, sound, (-1.0, 1.0), "amplitude") if sound else None,
    )


def is_threat(printed: ThreatModel, cell: AttackedCell) -> bool:
    """Whether a cell's attack had the budget that a source prints."""
    own = cell.threat.only(cell.senses)
    if own.joint:
        return False
    return _equal(printed.video, own.video) and _equal(printed.audio, own.audio)


def _equal(printed: Budget | None, own: Budget | None) -> bool:
    if printed is None or own is None:
        return printed is own
    theirs, mine = (_radii(budget) for budget in (printed, own))
    return printed.norm == own.norm and all(
        math.isclose(a, b, rel_tol=1e-3) for a, b in zip(theirs, mine, strict=True)
    )


def _radii(budget: Budget) -> tuple[float, ...]:
    """Return epsilon for each of three colours; of a sound three times the same."""
    scale = budget.scale if len(budget.scale) == 3 else budget.scale * 3
    return tuple(factor * budget.epsilon for factor in scale)


class _Networks:
    """The networks of a panel that are among those of the papers."""

    def __init__(
        self,
        panel: AttackPanel,
        numbers: Sequence[PublishedNumber],
        protocol: PublishedAttackProtocol,
    ) -> None:
        self._numbers, self._protocol = numbers, protocol
        # Of a method that adapts the numbers are its own, not the network's.
        plain = [c for c in panel.cells if c.method.source and not c.corruption]
        found: dict[str, set[Network | None]] = {}
        for cell in plain:
            network = own_network(cell.stored.cell["model"])
            found.setdefault(name_of(cell), set()).add(network)
        # A name that two runs gave to different networks is nobody's.
        self._known = {
            name: known
            for name, (known, *others) in found.items()
            if known and not others
        }
        self._cells = [cell for cell in plain if name_of(cell) in self._known]

    def _white(self, name: str, attack: str | None = None) -> list[AttackedCell]:
        """Return the cells of a network that was attacked itself, by one attack."""
        return [
            cell
            for cell in self._cells
            if name_of(cell) == name
            and cell.knowledge == "white-box"
            and attack in (None, cell.attack)
        ]

    def beside(self, number: PublishedNumber) -> Iterator[_Own]:
        if number.metric == SUCCESS:
            yield from self._successes(number)
            return
        network = published_network(number.model, number.method)
        for name in self._named(network):
            for attack in self._attacks(name, number):
                own = self._accuracy(number, name, attack)
                if own:
                    yield own

    def _named(self, network: Network | None) -> list[str]:
        return [name for name, known in self._known.items() if known == network]

    def _attacks(self, name: str, number: PublishedNumber) -> list[str]:
        """Return labels of what a source calls an attack; one for clean clips."""
        if number.corruption == "clean":
            return [""]
        cells = self._white(name)
        fitting = (c for c in cells if is_attack(number.corruption, c.about))
        return list(dict.fromkeys(cell.attack for cell in fitting))

    def _accuracy(self, number: PublishedNumber, name: str, attack: str) -> _Own | None:
        if number.corruption == "clean":
            return self._clean(number, name)
        if number.metric in _UNDER:
            return self._under(number, name, attack)
        if number.metric == "Avg":
            four = number.severity == "mean of the four columns"
            return self._mean(number, name, attack, four)
        if number.metric == "RI":
            return self._improvement(number, name, attack)
        return None

    def _before(self, name: str) -> Spread | None:
        return spread(
            (seed_of(cell) or 0, float(cell.clean_value[0]))
            for cell in self._white(name)
            if cell.clean_value is not None
        )

    def _clean(self, number: PublishedNumber, name: str) -> _Own | None:
        own = self._before(name) if number.metric in _CLEAN else None
        return (own, tuple(self._white(name))) if own else None

    def _under(self, number: PublishedNumber, name: str, attack: str) -> _Own | None:
        printed = printed_threat(number, self._protocol)
        if printed is None:
            return None
        senses = _UNDER[number.metric]
        met = [cell for cell in self._white(name, attack) if cell.senses == senses]
        cells = tuple(cell for cell in met if is_threat(printed, cell))
        own = spread((seed_of(cell) or 0, float(cell.value[0])) for cell in cells)
        return (own, cells) if own else None

    def _mean(
        self, number: PublishedNumber, name: str, attack: str, with_clean: bool
    ) -> _Own | None:
        """Return the mean of the columns that the source has beside its mean."""
        columns = [n for n in self._row(number) if n.metric in _UNDER]
        found = [self._under(column, name, attack) for column in columns]
        parts = [each and each[0] for each in found]
        parts += [self._before(name)] if with_clean else []
        own = mean_of(parts) if len(columns) == len(_UNDER) else None
        cells = {c.stored.id: c for each in found if each for c in each[1]}
        return (own, tuple(cells.values())) if own else None

    def _row(self, number: PublishedNumber) -> list[PublishedNumber]:
        """Return the numbers of one attack in the row that a number stands in."""
        return [
            other
            for other in self._numbers
            if (other.place, other.model, other.method)
            == (number.place, number.model, number.method)
            and other.corruption == number.corruption
        ]

    def _improvement(
        self, number: PublishedNumber, name: str, attack: str
    ) -> _Own | None:
        """Return clean + Avg less those of the undefended network of its table."""
        base = Network("concat", "none")
        others = self._named(base)
        averages = [n for n in self._row(number) if n.metric == "Avg"]
        if self._known[name] == base or len(others) != 1 or not averages:
            return None
        mine, its = (
            self._mean(averages[0], each, attack, False) for each in (name, *others)
        )
        if mine is None or its is None:
            return None
        parts = [self._before(name), mine[0], self._before(others[0]), its[0]]
        own = combined(parts, [1, 1, -1, -1])
        return (own, mine[1]) if own else None

    def _successes(self, number: PublishedNumber) -> Iterator[_Own]:
        """Yield the success on undefended networks of both senses, by budget."""
        networks = {Network(f, "none") for f in published_fusions(number.model)}
        groups: dict[tuple[str, ...], list[AttackedCell]] = {}
        for cell in self._cells:
            fits = self._known[name_of(cell)] in networks and cell.senses == "av"
            kind = _knowledge(cell)
            if not (fits and cell.ordinary and _is_knowledge(number, kind)):
                continue
            if is_attack(number.method, cell.about):
                key = (cell.attack, kind, canonical(cell.about["threat"]))
                groups.setdefault(key, []).append(cell)
        for cells in groups.values():
            counts = [(seed_of(cell) or 0, cell.success()) for cell in cells]
            own = spread((s, 100 * n[0] / n[1]) for s, n in counts if n and n[1])
            if own:
                yield own, tuple(cells)


def _knowledge(cell: AttackedCell) -> str:
    """Return ``white-box``, ``black-box`` or, from several networks, ``ensemble``."""
    made_on = [own_network(model) for model in cell.about.get("surrogates") or ()]
    if not made_on:
        return cell.knowledge if cell.knowledge == "white-box" else ""
    if not all(known in _UNDEFENDED for known in made_on):
        return ""
    return "ensemble" if len(made_on) > 1 else "black-box"


def _is_knowledge(number: PublishedNumber, own: str) -> bool:
    if number.model.startswith("ensemble"):
        return own == "ensemble"
    if number.corruption == "unknown":
        return own in ("white-box", "black-box")
    return number.corruption == own
