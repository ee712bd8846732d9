"""``avplug new``: which names it takes, and what it writes."""

import ast
import keyword
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from hypothesis import given, strategies as st

from avplug.core.errors import UsageError
from avplug.scaffold.kinds import SCAFFOLDS
from avplug.scaffold.naming import Names, names_for
from avplug.scaffold.writing import distribution, one_file, write

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
        ("3d", "is no name for a corruption", "my-3d"),
        ("Überblenden", "is no name for a corruption", "uberblenden"),
        ("", "is no name for a corruption", "my-corruption"),
        ("avplug-", "is no name for a corruption", "my-corruption"),
        ("x" * 41, "is too long", "x" * 20),
        ("a/b", "is no name for a corruption", "a-b"),
        ("class", "is a word of Python's own", "my-class"),
        ("match", "is a word of Python's own", "my-match"),
        ("signal", "is a module of Python's own", "my-signal"),
        ("none", "makes a class None", "my-none"),
        ("corruption", "makes a class Corruption", "my-corruption"),
        ("sequence", "makes a class Sequence", "my-sequence"),
        ("avplug", "A module avplug is installed", "my-avplug"),
        ("rain", "avplug itself has a corruption 'rain'", "my-rain"),
    ],
)
def test_names_that_cannot_work(avplug, name, says, suggests):
    result = avplug("new", "corruption", name)
    assert result.exit_code == 2
    assert says in result.stderr
    assert f"Try: avplug new corruption {suggests}\n" in result.stderr


def test_what_comes_next_can_be_pasted(avplug, tmp_path):
    out = tmp_path / "a folder"
    result = avplug("new", "corruption", "fog", "--out", str(out))
    assert f"avplug install -e '{out}/avplug-fog', then" in result.stderr
    result = avplug("new", "corruption", "fog", "--single-file", "--out", str(out))
    assert result.stderr == f"Try it: avplug check '{out}/fog.py'\n"


def test_a_module_that_is_installed(dists, avplug):
    dists.add("avplug-fog")
    result = avplug("new", "corruption", "fog")
    assert "avplug-fog 1.0 is installed already" in result.stderr


def test_a_single_file_hides_no_module():
    assert names_for("model", "numpy").dist == "avplug-numpy"
    with pytest.raises(UsageError, match="A module numpy is installed") as caught:
        names_for("model", "numpy", single_file=True)
    assert caught.value.hint == "Try: avplug new model my-numpy --single-file"


@pytest.mark.parametrize("prefix", ["avplug-", "avplug_", "avplug-avplug-"])
def test_the_prefix_may_be_written(prefix):
    assert names_for("metric", prefix + "sea-fog") == names_for("metric", "sea-fog")


@pytest.mark.parametrize("kind", SCAFFOLDS)
def test_a_class_hides_nothing_that_its_module_uses(kind):
    tree = ast.parse(one_file(kind, Names("a"))["a.py"])
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    for cls in used - {"A"}:
        word = re.sub(r"(?<=[a-z])(?=[A-Z])", "-", cls).lower()
        if Names(word).cls == cls:
            with pytest.raises(UsageError):
                names_for(kind, word)


def test_a_summary_goes_everywhere(avplug, tmp_path):
    avplug(
        *("new", "metric", "fog", "--summary", " It's $1 % ", "--out", str(tmp_path))
    )
    texts = [path.read_text() for path in tmp_path.rglob("*") if path.is_file()]
    assert sum("It's $1 %" in text for text in texts) == 3
    project = tomllib.loads((tmp_path / "avplug-fog" / "pyproject.toml").read_text())
    assert project["project"]["description"] == "An avplug metric: It's $1 %"


@pytest.mark.parametrize(
    ("summary", "says"),
    [
        ("a\nb", "holds what a line of text cannot"),
        ('a "b"', "holds what a line of text cannot"),
        ("x" * 74, "The summary has 74 characters; 73 fit."),
    ],
)
def test_a_summary_that_cannot_stand(avplug, tmp_path, summary, says):
    where = ("--out", str(tmp_path))
    result = avplug("new", "metric", "fog", "--summary", summary, *where)
    assert result.exit_code == 2
    assert says in result.stderr
    assert not list(tmp_path.iterdir())


def test_continuous_integration_does_what_the_readme_says():
    texts = distribution("metric", Names("fog"))
    (job,) = yaml.safe_load(texts[".github/workflows/test.yml"])["jobs"].values()
    done = {step["run"] for step in job["steps"] if "run" in step}
    _, _, develop = texts["README.md"].partition("## Develop")
    _, *told = re.split(r"\n\$ | && ", develop.partition("\n```\n")[0])
    assert done == {*told, "avplug check avplug-fog"}
    assert job["strategy"]["matrix"]["python"][0] == "3.11"


def test_a_folder_that_cannot_be_written(avplug, tmp_path):
    (tmp_path / "file").touch()
    result = avplug("new", "metric", "fog", "--out", str(tmp_path / "file"))
    assert result.exit_code == 2
    assert "file/avplug-fog/pyproject.toml cannot be written: Not a" in result.stderr


@pytest.mark.parametrize("name", ["a", "x" * 40])
def test_what_is_written_needs_no_formatting(tmp_path, name):
    pytest.importorskip("ruff")
    for kind in SCAFFOLDS:
        write(kind, Names(f"{kind}-{name}"[:40]), tmp_path, summary="s" * 73)
    ruff = (sys.executable, "-m", "ruff")
    for words in (("check", "--no-cache"), ("format", "--no-cache", "--check")):
        done = subprocess.run([*ruff, *words, tmp_path], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr


def test_another_kind_may_have_the_name():
    assert names_for("attack", "rain").cls == "Rain"


def test_a_kind_without_a_template(avplug):
    result = avplug("new", "suite", "mine")
    assert result.exit_code == 2
    assert "There is no template of a suite." in result.stderr
    result = avplug("new", "corrupton", "mine")
    assert "Unknown kind 'corrupton'. Did you mean 'corruption'?" in result.stderr
    assert "suite" not in result.stderr


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
