"""``avplug report`` of several runs, of one table, and of figures."""

from __future__ import annotations

import json

import pytest

from avplug.bench.store import Store
from tests.report.stores import StoreMaker, right


@pytest.fixture
def folders(tmp_path, monkeypatch):
    monkeypatch.setattr("os.fsync", lambda handle: None)
    made = []
    for name, tta, count in (("one", "source", 12), ("two", "tent", 15)):
        maker = StoreMaker(Store(tmp_path / name))
        maker.add(right(20))
        maker.add(right(count), "rain", 5, tta=tta)
        made.append(str(tmp_path / name))
    return made


def test_several_runs_are_one_report(folders, avplug, tmp_path):
    done = avplug("report", *folders, "--resamples", "0")
    assert done.exit_code == 0, done.output
    page = tmp_path / "one" / "combined" / "report.html"
    assert f"Report: {page}" in done.stderr
    assert "tent" in done.stdout
    assert "1 cell of several runs counted once" in " ".join(done.stdout.split())
    assert page.with_name("tables.md").exists()
    assert not (tmp_path / "one" / "report.html").exists()


def test_a_table_goes_to_stdout_alone(folders, avplug, tmp_path):
    done = avplug(
        *("report", *folders, "--resamples", "0", "--table", "per-corruption"),
        *("--format", "csv"),
    )
    assert done.stdout.splitlines()[1:] == [
        "source,100.0,,,60.0,,,60.0,,",
        "tent,,,,75.0,,,75.0,,",
    ]
    assert not (tmp_path / "one" / "combined").exists()


def test_a_table_goes_into_a_file(folders, avplug, tmp_path):
    out = tmp_path / "t.tex"
    done = avplug(
        *("report", *folders, "--resamples", "0", "--table", "tta"),
        *("--format", "latex", "--out", str(out)),
    )
    assert done.stdout == ""
    assert f"Table: {out}" in done.stderr
    assert r"\toprule" in out.read_text(encoding="utf-8")


def test_a_table_as_json(folders, avplug):
    done = avplug("report", folders[0], "--table", "main", "--format", "json")
    assert json.loads(done.stdout)[0]["name"] == "main"


def test_json_is_one_document_whatever_is_made(folders, avplug, tmp_path):
    pytest.importorskip("matplotlib", reason="the extra 'figures' is not installed")
    report = ("report", *folders, "--resamples", "0", "--json")
    out = ("--figures", str(tmp_path / "figures"))
    table = json.loads(avplug(*report, "--table", "main").stdout)
    assert json.loads(avplug(*report, "--table", "main", *out).stdout) == table
    (made,) = json.loads(avplug(*report, *out).stdout).values()
    assert sorted(made) == sorted(map(str, (tmp_path / "figures").iterdir()))
    assert json.loads(avplug(*report).stdout)["page"]


def test_what_is_unknown_is_refused(folders, avplug):
    for arguments, words in (
        (("--table", "mian"), "Did you mean 'main'"),
        (("--table", "main", "--format", "docx"), "no format 'docx'"),
        (("--format", "csv"), "--format is that of --table.\nChoose a table"),
        (("--table", "main", "--format", "md", "--json"), "--format md exclude each"),
        (("--table", "per-corruption", "--severity", "3"), "Severity 3"),
    ):
        done = avplug("report", folders[0], "--resamples", "0", *arguments)
        assert done.exit_code == 2
        assert words in done.stderr


def test_figures(folders, avplug, tmp_path):
    pytest.importorskip("matplotlib", reason="the extra 'figures' is not installed")
    out = tmp_path / "figures"
    done = avplug(
        *("report", *folders, "--resamples", "5", "--figures", str(out)),
        *("--figure-format", "svg, png"),
    )
    assert done.exit_code == 0, done.output
    assert sorted(path.name for path in out.iterdir()) == [
        *("heatmap-events-top1.png", "heatmap-events-top1.svg"),
        *("severity-events-top1.png", "severity-events-top1.svg"),
    ]
    assert done.stdout == ""
    assert not (tmp_path / "one" / "combined").exists()
