from importlib import import_module

import pytest

from avplug.builtin_models.cavmae import CAVMAE
from avplug.builtin_models.hooks import avplug_models
from avplug.builtin_tta.hooks import avplug_adaptations
from avplug.core.adaptation import Adapter
from avplug.core.components import AdaptationSpec

SPECS = {spec.name: spec for spec in avplug_adaptations()}


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS.keys())
def test_descriptors_say_what_the_classes_do(spec: AdaptationSpec) -> None:
    module, _, name = spec.target.partition(":")
    adapter = getattr(import_module(module), name)
    assert issubclass(adapter, Adapter)
    assert spec.stateful == adapter.stateful
    assert (adapter.surface is None) or adapter.surface in spec.needs


def test_the_built_in_model_serves_every_method() -> None:
    model = next(spec for spec in avplug_models() if spec.name == "cav-mae")
    assert set(SPECS) == {"source", "tent", "av2c"}
    for spec in SPECS.values():
        assert set(spec.needs) <= set(model.capabilities)
    built = CAVMAE(("a", "b"), **model.variants["tiny"])
    for surface in ("norm", "fusion_attention", "classifier"):
        assert surface in model.capabilities
        assert built.parameters_for(surface)
