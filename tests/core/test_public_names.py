"""``import avplug`` is light, and its names are what checkers see."""

import ast
from pathlib import Path

import pytest

import avplug


def test_checkers_see_the_names_that_are_there():
    tree = ast.parse(Path(avplug.__file__).read_text())
    (block,) = [node for node in tree.body if isinstance(node, ast.If)]
    seen = {
        node.module: tuple(name.asname for name in node.names) for node in block.body
    }
    assert seen == avplug._HOMES


@pytest.mark.parametrize("name", sorted(set(avplug.__all__) - {"__version__"}))
def test_every_public_name_exists(name):
    assert name in dir(avplug)
    assert getattr(avplug, name) is not None


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'avplug' has no attribute 'nope'"):
        _ = avplug.nope
