"""Networks of the papers of attacks, and what a report sets beside their tables."""

from __future__ import annotations

from avplug.core.registry import get_registry
from avplug.report.published_attack_tables import beside_attacks
from avplug.report.published_sources import find_sources
from avplug.report.scores import score
from tests.report.attacked import threat
from tests.report.stores import TOP1

DEVIATIONS = (0.229, 0.224, 0.225)
CONFIG = {"image_size": 64, "samples": 16384, "frame_width": 64, "picks": [39]}


def network(name="concat", seed=0, fusion="concat", defense=None, **config):
    """The identity of a network as a run has it; "" as name for one of no suite."""
    model = {
        "name": "cvpr21",
        "variant": "tiny",
        "weights": f"{name}{fusion}{seed}",
        "config": {**CONFIG, "fusion": fusion, **config},
    }
    if name:
        model["training"] = {"name": name, "seed": seed}
    if defense:
        options = {"minsim": 1.0} if name == "minsim-exfmem" else {}
        model["defense"] = {"name": defense, "options": options}
    return model


def sized(epsilon=0.006, scale=DEVIATIONS, **changes):
    found = threat(epsilon, epsilon)
    found["video"]["scale"] = list(scale)
    return {**found, **changes}


def compared(maker, *papers, dataset=None, metric=TOP1):
    scores = score(maker.store, [metric], 0)
    sources = find_sources(get_registry(), papers or ("cvpr21", "iclr25"))
    return beside_attacks(scores.attacks, scores.run, sources, dataset)


def rows(found):
    keys = [column.key for column in found.numbers.columns]
    return [dict(zip(keys, map(str, row), strict=True)) for row in found.numbers.rows]


def told(found):
    return {row[0]: row[1:] for row in found.protocol.rows}
