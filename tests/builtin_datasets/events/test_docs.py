"""The page on ``events`` says what the code does."""

import re
from pathlib import Path

from avplug.builtin_datasets.events.classes import CLASSES
from avplug.builtin_datasets.events.dataset import SIZE, SIZES

PAGE = Path(__file__).parents[3] / "docs/explanation/events.md"


def test_the_table_of_classes_is_that_of_the_code():
    section = PAGE.read_text().partition("## Classes")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (\w+) \| (\w+) \| (\w+) \|", section, re.M)
    stated = [row for row in rows if row[0] != "class"]
    assert stated == [(kind.name, kind.look, kind.sound) for kind in CLASSES]


def test_sizes_are_those_of_the_code():
    text = PAGE.read_text()
    for split, count in SIZES.items():
        assert f"`{split}` {count}" in text
    assert f"({SIZE} pixels if none)" in text


def test_the_example_draws_the_contact_sheet(tmp_path, monkeypatch):
    from PIL import Image

    (example,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.S)
    monkeypatch.chdir(tmp_path)
    exec(example, {})
    with Image.open("events.png") as sheet:
        assert sheet.size == (8 * SIZE, 8 * SIZE)
