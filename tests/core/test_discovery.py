"""Where plugins are found."""

import sys
from pathlib import Path

import pytest

from avplug.core import discovery
from avplug.core.errors import UsageError


def fakes(dists):
    names = {discovery.normalise(name) for name in dists.names}
    return [c for c in discovery.installed() if c.distribution in names]


def test_names_are_normalised():
    assert discovery.normalise("Avplug_Fog.More--X") == "avplug-fog-more-x"


def test_builtins_keep_their_order_and_are_not_imported():
    found = discovery.builtin(["avplug.nowhere.b", "avplug.nowhere.a"])
    assert [c.entry_point for c in found] == ["avplug.nowhere.b", "avplug.nowhere.a"]
    assert {c.distribution for c in found} == {"avplug"}
    assert "avplug.nowhere" not in sys.modules


def test_installed_are_sorted_by_distribution_then_entry_point(dists):
    dists.add("avplug-zebra")
    dists.add("Avplug_Ape", points="two = Avplug_Ape\none = Avplug_Ape", version="2.0")
    assert [(c.distribution, c.version, c.entry_point) for c in fakes(dists)] == [
        ("avplug-ape", "2.0", "one"),
        ("avplug-ape", "2.0", "two"),
        ("avplug-zebra", "1.0", "zebra"),
    ]
    assert "avplug_zebra" not in sys.modules


def test_the_earlier_copy_on_the_path_wins(dists, tmp_path, monkeypatch):
    dists.add("avplug-fog", version="1.0")
    dists.add("avplug-fog", version="2.0", to=tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    (candidate,) = fakes(dists)
    assert candidate.version == "2.0"


def test_other_groups_are_not_read(dists):
    dists.add("avplug-fog")
    info = next(dists.folder.glob("*.dist-info"))
    (info / "entry_points.txt").write_text("[console_scripts]\nfog = avplug_fog:main\n")
    assert fakes(dists) == []


def test_damaged_metadata_costs_no_other_plugin(dists):
    dists.add("avplug-ape")
    dists.add("avplug-zebra")
    info = next(dists.folder.glob("avplug_ape-*.dist-info"))
    (info / "entry_points.txt").write_bytes(b"[avplug]\n\xff\xfe = x\n")
    broken, zebra = fakes(dists)
    assert (broken.distribution, broken.version) == ("avplug-ape", "")
    with pytest.raises(UnicodeDecodeError):
        broken.load()
    assert zebra.distribution == "avplug-zebra"


def test_editable_is_read_from_the_metadata(dists):
    dists.add("avplug-ape")
    dists.add("avplug-zebra")
    info = next(dists.folder.glob("avplug_ape-*.dist-info"))
    (info / "direct_url.json").write_text(
        '{"url": "file:///ape", "dir_info": {"editable": true}}'
    )
    assert [c.editable for c in fakes(dists)] == [True, False]


def test_a_file_is_imported_under_a_private_name(tmp_path):
    file = tmp_path / "my-fog.py"
    file.write_text("value = 7\n")
    candidate = discovery.explicit(str(file))
    assert candidate.distribution == "my-fog"
    module = candidate.load()
    assert module.value == 7
    assert sys.modules.pop(module.__name__) is module
    assert module.__name__.startswith("_avplug_file_my_fog_")


def test_a_file_that_raises_leaves_no_module(tmp_path):
    file = tmp_path / "fog.py"
    file.write_text("1 / 0\n")
    before = set(sys.modules)
    with pytest.raises(ZeroDivisionError):
        discovery.explicit(str(file)).load()
    assert not [n for n in set(sys.modules) - before if n.startswith("_avplug_file")]


def test_a_missing_file_is_a_usage_error(tmp_path):
    with pytest.raises(UsageError, match=r"nowhere\.py': there is no such file"):
        discovery.explicit(str(tmp_path / "nowhere.py"))


@pytest.mark.parametrize("argument", ["", ".", "./fog", "avplug-fog", "a b", "my.fog/"])
def test_what_can_be_no_module_is_a_usage_error(argument):
    with pytest.raises(UsageError, match="nor the name of a module"):
        discovery.explicit(argument)


def test_a_file_without_its_ending_is_told(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("own_fog.py", "json.py"):
        Path(name).write_text("")
    for argument in ("own_fog", "./own_fog"):
        with pytest.raises(UsageError) as caught:
            discovery.explicit(argument)
        assert caught.value.hint == "There is a file own_fog.py."
    # What Python finds is a module, whatever lies here.
    assert discovery.explicit("json").distribution == "json"


def test_the_file_of_a_package_is_named_by_its_folder(tmp_path):
    file = tmp_path / "My_Fog" / "__init__.py"
    file.parent.mkdir()
    file.write_text("")
    assert discovery.explicit(str(file)).distribution == "my-fog"


def test_a_module_is_named_as_given():
    candidate = discovery.explicit("json.decoder")
    assert (candidate.distribution, candidate.entry_point) == ("json", "json.decoder")
    assert candidate.load() is sys.modules["json.decoder"]


@pytest.mark.parametrize(
    ("requirement", "expected"),
    [
        ("numpy", True),
        ("numpy>=1", True),
        ("NumPy[extra] ; python_version > '3'", True),
        ("avplug-not-there>=1", False),
        ("", False),
    ],
)
def test_is_installed(requirement, expected):
    assert discovery.is_installed(requirement) is expected
