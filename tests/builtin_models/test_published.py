"""The table of published weights: data that agree with the models they name."""

import pytest
import torch

from avplug.bench.known_weights import known_weights
from avplug.bench.models import resolve_variant
from avplug.bench.prepare import construct
from avplug.core.registry import get_registry
from avplug.core.sources import address
from avplug.core.targets import option_defaults
from avplug.core.weights import without_initialisation

KNOWN = known_weights(get_registry())
MODELS = {entry.spec.name for entry, _ in KNOWN}


def ids(pair):
    return f"{pair[0].spec.name}/{pair[1].name}"


def test_all_models_of_the_paper_have_an_entry():
    assert {"cav-mae", "uavm", "equiav", "audioclip", "wav2clip", "imagebind"} <= MODELS


@pytest.mark.parametrize("pair", KNOWN, ids=ids)
def test_facts_are_well_formed(pair):
    entry, weights = pair
    assert weights.outputs in ("", "softmax", "sigmoid")
    assert bool(weights.classes) == (weights.dataset not in ("", "*"))
    assert bool(weights.source) + bool(weights.parts) <= 1
    for file in weights.files.values():
        bundled = file.source.startswith("avplug:")
        assert bundled or file.page.startswith("https://")
        assert bundled or not file.source or address(file.source).startswith("https")
    assert weights.non_commercial == (entry.spec.license == "CC-BY-NC-SA-4.0")


@pytest.mark.parametrize("pair", KNOWN, ids=ids)
def test_the_model_knows_what_its_weights_ask_for(pair):
    entry, weights = pair
    variants = entry.spec.variants
    assert weights.variant in ("", *variants)
    known = option_defaults(entry.load())
    wanted = {*variants.get(weights.variant, {}), *weights.options}
    assert known is None or wanted <= set(known)


@pytest.mark.parametrize("name", ["cav-mae", "uavm", "wav2clip"])
def test_what_a_model_leaves_out_of_a_file_is_told(name):
    entry, _, config = resolve_variant(get_registry(), f"{name}:tiny")
    with without_initialisation():
        model = construct(entry, config, ("dog", "car"))
    own = model.state_dict()
    model.adapt_state(dict(own))
    assert model.ignored == {}
    odd = {
        "cav-mae": "blocks_u.0.attn.q.weight",
        "uavm": "audio.classifier.2.weight",
        "wav2clip": "audio.loss_fn.scale",
    }[name]
    model.adapt_state({**own, odd: torch.ones(1)})
    assert sum(model.ignored.values()) == 1
