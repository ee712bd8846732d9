"""In what a run's attacked networks and those of a paper differ, out of its record."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from avplug.bench.threats import describe
from avplug.core.published import PublishedProtocol
from avplug.report.attack_tables import decibels
from avplug.report.attacked import AttackedCell
from avplug.report.paper_source import training_of
from avplug.report.published_attacks import (
    SUCCESS,
    AttackCounterpart,
    is_threat,
    printed_threat,
)
from avplug.report.published_match import is_dataset
from avplug.report.published_networks import seed_of
from avplug.report.published_protocol import Aspect, aspect, of_clips, span

_UNRECORDED = "not in the run's record"


def attack_aspects(
    dataset: str,
    protocol: PublishedProtocol,
    pairs: Sequence[AttackCounterpart],
    run: Mapping[str, Any],
) -> list[Aspect]:
    """Compare what a source says of its protocol with the cells behind a comparison.

    Args:
        dataset: As the source calls it.
        protocol: Of the source, on this data set.
        pairs: At least one.
        run: ``run.json``.
    """
    cells = list({cell.stored.id: cell for p in pairs for cell in p.cells}.values())
    return [
        *_data(dataset, protocol, cells),
        *_networks(protocol, cells),
        *_trainings(protocol, cells, run),
        *_budgets(protocol, pairs),
        *_attacks(protocol, pairs),
        *_losses(protocol, pairs),
        *_sizes(cells),
        *_counting(protocol, pairs),
    ]


def _data(
    dataset: str, protocol: PublishedProtocol, cells: Sequence[AttackedCell]
) -> Iterable[Aspect]:
    names = _words(cell.stored.cell["dataset"]["name"] for cell in cells)
    yield aspect("data set", dataset, names, is_dataset(dataset, names))
    yield from of_clips(protocol, [cell.stored for cell in cells])


def _networks(
    protocol: PublishedProtocol, cells: Sequence[AttackedCell]
) -> Iterable[Aspect]:
    stated, models = protocol.attacks, [cell.stored.cell["model"] for cell in cells]
    kinds = _words(
        f"{model['name']}:{model['variant']}" if model.get("variant") else model["name"]
        for model in models
    )
    yield Aspect("network", *_pair(stated.network, kinds), "not known")
    for key, value in stated.config.items():
        mine = [model.get("config", {}).get(key) for model in models]
        own = _words("not recorded" if each is None else _plain(each) for each in mine)
        name = f"network: {key.replace('_', ' ')}"
        yield aspect(name, _plain(value), own, own == _plain(value))


def _trainings(
    protocol: PublishedProtocol, cells: Sequence[AttackedCell], run: Mapping[str, Any]
) -> Iterable[Aspect]:
    stated = protocol.attacks
    # What no suite trained has no name, by which its curve would be found.
    names = {training_of(cell) for cell in cells} - {""}
    rows = [row for row in run.get("trainings", ()) if row["name"] in names]
    epochs = {int(row["epochs"]) for row in rows}
    yield aspect(
        "epochs",
        " or ".join(map(str, stated.epochs)),
        span(epochs) if epochs else _UNRECORDED,
        bool(epochs) and epochs <= set(stated.epochs),
    )
    yield Aspect("training begins with", *_pair(stated.start, _UNRECORDED), "not known")
    clips = str(stated.training_clips or "")
    yield Aspect("training clips", *_pair(clips, _UNRECORDED), "not known")
    seeds = sorted({seed for cell in cells if (seed := seed_of(cell)) is not None})
    own = f"seed {seeds[0]}" if seeds else _UNRECORDED
    if len(seeds) > 1:
        own = f"mean of {len(seeds)}, seeds {', '.join(map(str, seeds))}"
    yield aspect("trainings", protocol.runs, own, False)


def _budgets(
    protocol: PublishedProtocol, pairs: Sequence[AttackCounterpart]
) -> Iterable[Aspect]:
    """Yield budgets in the units of both, and what was left of them."""
    stated, attacked = protocol.attacks, [pair for pair in pairs if pair.attacked]
    printed, own, same = [], [], True
    for pair in attacked:
        threat = printed_threat(pair.number, stated)
        printed += [describe(threat)] if threat else []
        own += [describe(cell.threat.only(cell.senses)) for cell in pair.cells]
        same = same and (
            threat is None or all(is_threat(threat, cell) for cell in pair.cells)
        )
    if attacked:
        yield aspect("budgets", _words(printed, "; "), _words(own, "; "), same)
    for name, group in _by_attack(attacked).items():
        left = [cell for cell in group if cell.facts["outside"] + cell.facts["invalid"]]
        theirs = stated.leaves.get(name, "")
        if left or theirs:
            words = f"in {len(left)} of {len(group)} cells" if left else "not left"
            yield aspect(f"{name}: leaves its budget", theirs, words, bool(left))


def _attacks(
    protocol: PublishedProtocol, pairs: Sequence[AttackCounterpart]
) -> Iterable[Aspect]:
    stated = protocol.attacks
    attacked = [pair for pair in pairs if pair.attacked]
    said = [
        stated.knowledge or pair.number.corruption.replace("unknown", "")
        for pair in attacked
    ]
    # What was made on another network is black-box to the one that is shown it.
    own = [
        "white-box" if cell.knowledge == "white-box" else "black-box"
        for pair in attacked
        for cell in pair.cells
    ]
    if attacked:
        known = "" if "" in said else _words(said)
        yield aspect("the attacker knows", known, _words(own), set(said) == set(own))
    for name, group in _by_attack(attacked).items():
        options = [(cell.about["name"], cell.about["options"]) for cell in group]
        steps = _words(o.get("steps", 1) for _, o in options)
        counted = stated.steps.get(name, 0)
        yield aspect(f"{name}: steps", counted or "", steps, steps == str(counted))
        lengths = _words(f"{o.get('step', 1.0):g}" for _, o in options)
        length = f"{stated.step[name]:g}" if name in stated.step else ""
        yield aspect(f"{name}: step in epsilons", length, lengths, lengths == length)
        names = _words(name for name, _ in options)
        yield Aspect(f"{name}: run as", name, names, "not known")


def _losses(
    protocol: PublishedProtocol, pairs: Sequence[AttackCounterpart]
) -> Iterable[Aspect]:
    stated = protocol.attacks
    for defended in (False, True):
        met = [
            cell
            for pair in pairs
            if pair.attacked and pair.defended is defended
            for cell in pair.cells
        ]
        if met:
            own = _words(_loss(cell.about["options"]) for cell in met)
            said = stated.defended_loss if defended else ""
            said = said or stated.loss
            kind = "defended" if defended else "undefended"
            yield aspect(f"attacked loss, {kind}", said, own, own == said)


def _loss(options: Mapping[str, Any]) -> str:
    name = str(options.get("loss", "ce"))
    words = "cross-entropy" if name == "ce" else name
    weight = float(options.get("similarity", 0.0))
    return f"{words} + {weight:g} x cosine of the senses' features" if weight else words


def _sizes(cells: Sequence[AttackedCell]) -> Iterable[Aspect]:
    for name, shown in zip(("PSNR", "SNR"), decibels(cells), strict=True):
        own = f"{shown}, in dB, mean (worst clip)" if shown else "nothing changed"
        yield aspect(name, "", own, False)


def _counting(
    protocol: PublishedProtocol, pairs: Sequence[AttackCounterpart]
) -> Iterable[Aspect]:
    if any(pair.number.metric != SUCCESS for pair in pairs):
        every = "each clip once"
        said = every if protocol.averaging == "clips" else protocol.averaging
        yield aspect("accuracy is of", said, every, said == every)
    if any(pair.number.metric == SUCCESS for pair in pairs):
        yield aspect("success is of", "", "clips that were right before", False)


def _by_attack(
    pairs: Sequence[AttackCounterpart],
) -> dict[str, list[AttackedCell]]:
    """Return the cells by what their source calls the attack."""
    found: dict[str, dict[str, AttackedCell]] = {}
    for pair in pairs:
        number = pair.number
        name = number.method if number.metric == SUCCESS else number.corruption
        mine = found.setdefault(name, {})
        mine.update({cell.stored.id: cell for cell in pair.cells})
    return {name: list(cells.values()) for name, cells in found.items()}


def _words(values: Iterable[object], between: str = ", ") -> str:
    return between.join(dict.fromkeys(map(str, values)))


def _pair(published: str, own: str) -> tuple[str, str]:
    return published or "not stated", own


def _plain(value: object) -> str:
    if isinstance(value, list | tuple):
        return "-".join(map(str, value))
    return str(value)
