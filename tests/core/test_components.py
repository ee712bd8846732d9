"""Descriptors refuse malformed names and targets when they are made."""

import dataclasses
from importlib import import_module

import pytest

from avplug.core import hookspecs
from avplug.core.components import KINDS, CorruptionSpec, ModelSpec
from avplug.core.weight_specs import FileSpec, WeightSpec

SPECS = [spec_type for _, spec_type in KINDS.values()]


@pytest.mark.parametrize("name", ["fog", "8bit", "cav-mae", "a.b_c"])
def test_good_names(name):
    assert CorruptionSpec(name, "a.b:C").name == name


@pytest.mark.parametrize("name", ["", "Fog", "fog/x", "-fog", "fog ", "fög", "fog\n"])
def test_bad_names(name):
    with pytest.raises(ValueError, match="is no corruption name: use lower-case"):
        CorruptionSpec(name, "a.b:C")
    with pytest.raises(ValueError, match="is no corruption name"):
        CorruptionSpec("fog", "a.b:C", aliases=(name,))


@pytest.mark.parametrize("target", ["", "a.b", "a.b:", ":C", "a b:C", "a:C.d", "a:C\n"])
def test_bad_targets(target):
    with pytest.raises(ValueError, match="is no target of 'fog': write it as"):
        CorruptionSpec("fog", target)


@pytest.mark.parametrize("modalities", ["", "va", "video", "avt"])
def test_bad_modalities(modalities):
    with pytest.raises(ValueError, match="are no modalities of model 'net'"):
        ModelSpec("net", "a.b:C", modalities=modalities)


@pytest.mark.parametrize("modalities", ["av", "a", "v"])
def test_good_modalities(modalities):
    assert ModelSpec("net", "a.b:C", modalities=modalities).modalities == modalities


def test_a_model_uses_both_senses_unless_it_says_otherwise():
    assert ModelSpec("net", "a.b:C").modalities == "av"


def test_specs_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        ModelSpec("m", "a:B").name = "n"


@pytest.mark.parametrize("spec_type", SPECS, ids=lambda t: t.kind)
def test_every_kind_has_a_hook_and_an_importable_base(spec_type):
    hook, registered = KINDS[spec_type.kind]
    assert registered is spec_type
    assert callable(getattr(hookspecs, hook))
    if spec_type.base:
        module, _, name = spec_type.base.partition(":")
        assert isinstance(getattr(import_module(module), name), type)


def test_every_registration_hook_belongs_to_a_kind():
    events = {"avplug_run_started", "avplug_cell_finished"}
    events |= {"avplug_cell_failed", "avplug_run_finished"}
    hooks = {name for name in vars(hookspecs) if name.startswith("avplug_")}
    assert hooks == events | {hook for hook, _ in KINDS.values()}


@pytest.mark.parametrize(
    ("spec_type", "field", "value", "stated"),
    [
        ("corruption", "summary", 3, "str, but of type int"),
        ("corruption", "aliases", "rain", r"tuple\[str, ...\], but of type str"),
        ("corruption", "requires", ("numpy", None), r"tuple\[str, ...\]"),
        ("model", "variants", None, "but of type NoneType"),
        ("model", "variants", {"tiny": 3}, "Mapping"),
        ("model", "weights", ["none"], r"tuple\[WeightSpec, ...\]"),
        ("model", "reads_weights", 1, "bool"),
        ("model", "modalities", ("v",), "str, but of type tuple"),
        ("dataset", "classes", True, "int, but of type bool"),
    ],
)
def test_a_field_of_another_type_is_refused(spec_type, field, value, stated):
    kind = KINDS[spec_type][1]
    with pytest.raises(TypeError, match=rf"Spec\({field}=...\) is no .*{stated}"):
        kind("fog", "a.b:C", **{field: value})


def test_lists_stand_for_tuples():
    spec = ModelSpec("m", "a:B", aliases=["n"], weights=[WeightSpec("w", "d", "f")])
    assert spec.aliases == ["n"]


def test_published_files_are_checked_as_well():
    with pytest.raises(TypeError, match=r"FileSpec\(size=...\) is no int"):
        FileSpec("a.pt", size="3 MB")
