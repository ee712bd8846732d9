"""``avplug export --hf``."""

from __future__ import annotations

import pytest

from avplug.bench.store import Store
from tests.report.stores import StoreMaker, right


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr("os.fsync", lambda handle: None)
    maker = StoreMaker(Store(tmp_path / "run"))
    maker.add(right(20))
    maker.add(right(12), "rain", 5)
    return tmp_path / "run"


def test_a_folder_with_a_card(folder, avplug, tmp_path):
    out = tmp_path / "card"
    done = avplug(
        *("export", str(folder), "--hf", "--out", str(out), "--with-predictions"),
        *("--resamples", "0", "--source-url", "https://example.org"),
    )
    assert done.exit_code == 0, done.output
    card = (out / "README.md").read_text(encoding="utf-8")
    assert '"url": "https://example.org"' in card
    assert '"value": 60.0' in card
    assert len(list((out / "runs" / "run" / "cells").iterdir())) == 2
    assert f"Model card: {out / 'README.md'}" in done.stderr
    again = avplug("export", str(folder), "--hf", "--out", str(out))
    assert again.exit_code == 2
    assert "not empty" in again.stderr


def test_the_target_must_be_said(folder, avplug, tmp_path):
    done = avplug("export", str(folder), "--out", str(tmp_path / "card"))
    assert done.exit_code == 2
    assert "--hf" in done.stderr
