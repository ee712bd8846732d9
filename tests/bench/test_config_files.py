"""Configurations in files, and settings as users write them."""

import json

import pytest

from avplug.bench.config import from_data
from avplug.bench.config_files import parse_options, read_config
from avplug.core.errors import UsageError

TOML = """
models = ["cav-mae:tiny"]
severities = [1, 5]
[options.tent]
lr = 1e-4
"""
YAML = """
models: [cav-mae:tiny]
severities: [1, 5]
options:
  tent: {lr: 1e-4}
"""


def written(tmp_path, name, text):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def test_toml_yaml_and_json_say_the_same(tmp_path):
    toml = read_config(written(tmp_path, "a.toml", TOML))
    assert toml["options"]["tent"]["lr"] == 1e-4
    assert read_config(written(tmp_path, "a.yaml", YAML)) == toml
    assert read_config(written(tmp_path, "a.json", json.dumps(toml))) == toml
    assert from_data(toml, "a.toml").severities == (1, 5)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.toml", "seeds = [1]\nseeds = [2]"),
        ("a.yaml", "seeds: [1]\nseeds: [2]"),
        ("a.json", '{"seeds": [1], "seeds": [2]}'),
        ("a.yaml", "seeds: [1"),
        ("a.toml", "seeds ="),
        ("a.json", "{"),
    ],
)
def test_malformed_files_and_repeated_keys_are_refused(tmp_path, name, text):
    with pytest.raises(UsageError, match="malformed"):
        read_config(written(tmp_path, name, text))


def test_a_missing_file_and_one_without_a_table_are_named(tmp_path):
    with pytest.raises(UsageError, match=r"Cannot read .*none\.toml"):
        read_config(tmp_path / "none.toml")
    with pytest.raises(UsageError, match="holds no table"):
        read_config(written(tmp_path, "a.json", "[1]"))


def test_settings_are_read_as_toml_or_else_as_text():
    got = parse_options(("tent.lr=1e-3", "tent.episodic=true", "dataset.classes=a.csv"))
    assert got == {
        "tent": {"lr": 1e-3, "episodic": True},
        "dataset": {"classes": "a.csv"},
    }


@pytest.mark.parametrize("text", ["lr=1", "tent.lr", ".lr=1", "tent.=1"])
def test_a_setting_of_another_form_is_refused(text):
    with pytest.raises(UsageError, match="is no setting"):
        parse_options((text,))
