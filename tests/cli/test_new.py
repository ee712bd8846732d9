"""``avplug new``: which names it takes, and what it writes."""

import keyword
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from avplug.core.errors import UsageError
from avplug.scaffold.kinds import SCAFFOLDS
from avplug.scaffold.naming import Names, names_for
from avplug.scaffold.writing import distribution, one_file

FILES = {
    *("pyproject.toml", "README.md", "LICENSE", ".gitignore"),
    *(".github/workflows/test.yml", "tests/test_conformance.py"),
    *("src/avplug_sea_fog/__init__.py", "src/avplug_sea_fog/py.typed"),
    "src/avplug_sea_fog/sea_fog.py",
}


def test_it_writes_a_whole_distribution(avplug, tmp_path):
    result = avplug("new", "corruption", "sea-fog", "--out", str(tmp_path))
    assert result.exit_code == 0, result.stderr
    root = tmp_path / "avplug-sea-fog"
    written = {str(p.relative_to(root)) for p in root.rglob("*") if p.is_file()}
    assert written == FILES
    assert {str(Path(p).relative_to(root)) for p in result.stdout.split()} == FILES
    assert "avplug check avplug-sea-fog" in result.stderr


def test_it_overwrites_nothing(avplug, tmp_path):
    (tmp_path / "avplug-sea-fog").mkdir()
    (tmp_path / "sea_fog.py").touch()
    for extra in ([], ["--single-file"]):
        result = avplug("new", "metric", "sea-fog", "--out", str(tmp_path), *extra)
        assert result.exit_code == 2
        assert "is there already; nothing was written" in result.stderr
    assert len(list(tmp_path.rglob("*"))) == 2


@pytest.mark.parametrize("kind", SCAFFOLDS)
def test_every_text_compiles_and_has_no_gap_left(kind):
    for texts in (distribution(kind, Names("a")), one_file(kind, Names("a"))):
        for name, text in texts.items():
            assert "${" not in text or name.endswith(".yml")
            if name.endswith(".py"):
                compile(text, name, "exec")
                assert all(len(line) <= 88 for line in text.splitlines()), name


@pytest.mark.parametrize("kind", SCAFFOLDS)
def test_a_single_file_is_a_plugin(avplug, avplug_json, tmp_path, monkeypatch, kind):
    monkeypatch.delenv("AVPLUG_NO_PLUGINS")
    monkeypatch.setenv("AVPLUG_LOAD_PLUGINS", "")
    avplug("new", kind, "sea-fog", "--single-file", "--out", str(tmp_path))
    file = str(tmp_path / "sea_fog.py")
    rows = avplug_json("--plugin", file, "list", kind)
    assert ("sea-fog", "sea-fog") in {(row["name"], row["provider"]) for row in rows}
    shown = avplug_json("--plugin", file, "show", kind, "sea-fog")
    assert "It works as it is" in shown["description"]


@pytest.mark.parametrize(
    ("name", "says", "suggests"),
    [
        ("Fog", "is no name for a corruption", "fog"),
        ("sea fog", "is no name for a corruption", "sea-fog"),
        ("3d", "is no name for a corruption", "d"),
        ("", "is no name for a corruption", "corruption"),
        ("a/b", "is no name for a corruption", "a-b"),
        ("class", "is a word of Python's own", "my-class"),
        ("match", "is a word of Python's own", "my-match"),
        ("signal", "is a module of Python's own", "my-signal"),
        ("rain", "avplug itself has a corruption 'rain'", "my-rain"),
    ],
)
def test_names_that_cannot_work(avplug, name, says, suggests):
    result = avplug("new", "corruption", name)
    assert result.exit_code == 2
    assert says in result.stderr
    assert f"Try: avplug new corruption {suggests}\n" in result.stderr


def test_a_module_that_is_installed(dists, avplug):
    dists.add("avplug-fog")
    result = avplug("new", "corruption", "fog")
    assert "A module avplug_fog is installed already" in result.stderr


def test_the_prefix_may_be_written():
    assert names_for("metric", "avplug-sea-fog") == names_for("metric", "sea-fog")


def test_another_kind_may_have_the_name():
    assert names_for("attack", "rain").cls == "Rain"


def test_a_kind_without_a_template(avplug):
    result = avplug("new", "suite", "mine")
    assert result.exit_code == 2
    assert "There is no template of a suite." in result.stderr


@given(st.text(max_size=12))
def test_each_name_works_or_another_is_suggested(text):
    try:
        names = names_for("executor", text)
    except UsageError as error:
        suggested = error.hint.rpartition(" ")[2]
        assert names_for("executor", suggested).name == suggested
    else:
        assert names.module.isidentifier()
        assert not keyword.iskeyword(names.module)
