import json
from importlib import import_module

import pytest

from avplug.builtin_models.cavmae import CAVMAE
from avplug.builtin_models.hooks import avplug_models
from avplug.builtin_tta.asr import ASR
from avplug.builtin_tta.eata import EATA
from avplug.builtin_tta.hooks import avplug_adaptations
from avplug.builtin_tta.rdumb import RDumb
from avplug.core.adaptation import Adapter
from avplug.core.components import AdaptationSpec

SPECS = {spec.name: spec for spec in avplug_adaptations()}


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS.keys())
def test_descriptors_say_what_the_classes_do(spec: AdaptationSpec) -> None:
    module, _, name = spec.target.partition(":")
    adapter = getattr(import_module(module), name)
    assert issubclass(adapter, Adapter)
    assert spec.stateful == adapter.stateful
    roles = (adapter.surface,) if isinstance(adapter.surface, str) else adapter.surface
    assert set(roles or ()) <= set(spec.needs)


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS.keys())
def test_every_option_has_a_default_that_is_as_published(spec: AdaptationSpec) -> None:
    module, _, name = spec.target.partition(":")
    adapter = getattr(import_module(module), name)
    settings = adapter.settings({})
    assert settings.get("predicts", adapter.predicts) == adapter.predicts
    # These two change nothing while they answer.
    assert ("predicts" in settings) == (spec.name not in ("source", "fine-tune"))
    json.dumps(settings)


def test_the_built_in_model_serves_every_method() -> None:
    model = next(spec for spec in avplug_models() if spec.name == "cav-mae")
    built = CAVMAE(("a", "b"), **model.variants["tiny"])
    for spec in SPECS.values():
        given_by_data = {"source-data", "labels"}
        assert set(spec.needs) - given_by_data <= set(model.capabilities)
        module, _, name = spec.target.partition(":")
        assert getattr(import_module(module), name)(built).model is built


def test_needs_follow_the_options() -> None:
    declared = SPECS["eata"].needs
    assert "source-data" in EATA.needs(declared, {})
    assert "source-data" not in EATA.needs(declared, {"fisher": False})
    assert "source-data" in RDumb.needs((), {"method": "eata", "every": 3})
    assert "source-data" not in RDumb.needs((), {"method": "eata", "fisher": False})
    assert ASR.needs((), {"method": "read"}) == SPECS["read"].needs
