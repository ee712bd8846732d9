"""Scores as data, the one call that writes it all, and the verb."""

from __future__ import annotations

import csv
import json

import pytest
from typer.testing import CliRunner

from avplug.bench.store import Store
from avplug.cli.app import build_app
from avplug.core.errors import UnknownNameError, UsageError
from avplug.report.export import dump, scores_csv, scores_json
from avplug.report.scores import score
from avplug.report.write import write_report
from tests.report.stores import TOP1, right


def read_csv(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_csv_has_a_row_for_each_cell(full):
    scores = score(full.store, [TOP1], 30)
    rows = list(csv.DictReader(scores_csv(scores).splitlines()))
    assert len(rows) == 14
    cell = scores.panels[0].cells[3]
    row = rows[3]
    assert row["corruption"] == cell.corruption.label
    assert float(row["value"]) == cell.point.estimate().value
    assert float(row["alpha_low"]) == cell.point.estimate("alpha").low
    assert float(row["rho_high"]) == cell.point.estimate("rho").high
    assert (row["clips"], row["failed"]) == ("200", "0")
    assert row["cell"] == cell.stored.id


def test_csv_leaves_undefined_numbers_empty_and_quotes_text(maker):
    maker.add(right(10), 'a,"b"\nc', 5)
    (row,) = csv.DictReader(scores_csv(score(maker.store, [TOP1], 0)).splitlines(True))
    assert row["corruption"] == 'a,"b"\nc'
    assert (row["value"], row["value_low"], row["rho"]) == ("50.0", "", "")


def test_json_has_averages_identities_and_null(maker):
    maker.add(right(20))
    maker.add(right(10), "gaussian", 5, failures=[("x", "broken")])
    data = json.loads(dump(scores_json(score(maker.store, [TOP1], 0))))
    (panel,) = data["panels"]
    (method,) = panel["methods"]
    assert method["by_severity"]["5"]["rho"] == {
        "value": 0.5,
        "low": None,
        "high": None,
    }
    assert method["by_corruption"]["gaussian"]["value"]["value"] == 50
    assert method["mean"]["alpha"]["value"] == 0.5
    assert panel["cells"][1]["identity"] == maker.identity("gaussian", 5)
    assert panel["cells"][1]["record"]["failures"] == [{"id": "x", "reason": "broken"}]
    assert data["cells"] == {"planned": 2, "finished": 2}


def test_json_has_no_nan(maker):
    identity = maker.identity()
    maker.plan(identity)
    record = {
        "seconds": {"total": 1.0},
        "clips": {"evaluated": 4, "failed": 0},
        "diagnostics": {"entropy": float("nan"), "kept": [1.0, float("inf")]},
    }
    maker.store.put(identity, right(4, of=4), record)
    text = dump(scores_json(score(maker.store, [TOP1], 0)))
    found = json.loads(text, parse_constant=pytest.fail)["panels"][0]["cells"][0]
    assert found["record"]["diagnostics"] == {"entropy": None, "kept": [1.0, None]}


def test_write_report_uses_the_metrics_of_the_run(full):
    path = write_report(full.store.folder, resamples=20)
    assert path == full.store.folder / "report.html"
    assert path.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert len(read_csv(path.with_name("scores.csv"))) == 14
    data = json.loads(path.with_name("scores.json").read_text(encoding="utf-8"))
    assert data["interval"]["resamples"] == 20


def test_same_store_gives_same_files(full):
    one = write_report(full.store.folder, resamples=20).read_bytes()
    two = write_report(full.store.folder, out=full.store.folder / "x" / "again.html")
    three = write_report(full.store.folder, resamples=20)
    assert one == three.read_bytes() != two.read_bytes()
    assert (full.store.folder / "x" / "scores.csv").exists()


def test_names_that_are_no_utf8_do_not_stop_the_report(maker):
    identity = maker.identity()
    maker.run["skipped"] = [{"what": "a\udc80", "cells": 1, "reason": "no"}]
    maker.plan(identity)
    assert "a\\udc80" in write_report(maker.store.folder).read_text(encoding="utf-8")


def test_unknown_metric_and_no_run(full, tmp_path):
    with pytest.raises(UnknownNameError, match=r"Unknown metric 'top2'\. Did you mean"):
        write_report(full.store.folder, metrics=["top2"])
    with pytest.raises(UsageError, match="holds no run"):
        write_report(tmp_path)


def test_verb_prints_tables_and_names_the_page(full):
    arguments = ["report", str(full.store.folder), "--resamples", "10"]
    result = CliRunner().invoke(build_app(), arguments)
    assert result.exit_code == 0, result.output
    assert "cav-mae:tiny keeps" in result.stdout
    assert "ρ relative" in result.stdout
    assert str(full.store.folder / "report.html") in result.stderr


def test_verb_as_json(full, tmp_path):
    out = tmp_path / "page.html"
    arguments = ["report", str(full.store.folder), "--json", "--out", str(out)]
    result = CliRunner().invoke(build_app(), [*arguments, "--resamples", "0"])
    data = json.loads(result.stdout)
    assert data["page"] == str(out)
    assert out.exists()
    assert data["panels"][0]["metric"] == "top1"


def test_verb_refuses_a_folder_without_a_run(tmp_path):
    result = CliRunner().invoke(build_app(), ["report", str(tmp_path)])
    assert result.exit_code == 2
    assert "holds no run" in result.stderr


def test_reading_leaves_the_store_alone(full):
    before = {p: p.read_bytes() for p in full.store.folder.rglob("*.npz")}
    write_report(full.store.folder, resamples=5)
    assert before == {p: p.read_bytes() for p in full.store.folder.rglob("*.npz")}
    assert len(Store(full.store.folder).cells()) == 14
