"""Attacked runs from the command line."""

from __future__ import annotations

import json

import pytest


@pytest.fixture
def common(common):
    return [*common, "--limit", "4"]


def test_attacks_bring_no_corruptions_unless_named(planned, common):
    facts = planned("--attack", "pgd,fgsm", *common)
    assert facts["cells"] == 1 + 2 * 3
    assert {group["condition"] for group in facts["groups"]} == {"clean"}
    assert {g["tta"] for g in facts["groups"]} >= {"source", "source + pgd"}
    more = planned("--attack", "pgd", "-c", "gaussian", "-s", "3", *common)
    assert more["cells"] == 2 * (1 + 3)


def test_budgets_are_joined_by_commas_tables_and_all(planned, common):
    table = '{video = {epsilon = 0.01, norm = "l2"}, audio = {epsilon = 0.02}}'
    budgets = ("--budget", f"pixel8:x0.5,{table},cvpr21")
    senses = ("--attack-senses", "av")
    facts = planned("--attack", "pgd", *budgets, *senses, *common)
    assert facts["cells"] == 1 + 3


def test_a_run_is_told_stored_reported_and_not_repeated(avplug, common, tmp_path):
    arguments = [
        *("run", "--attack", "pgd", "--budget", "pixel8:x0.5,pixel8"),
        *("-o", "pgd.steps=2", *common),
    ]
    result = avplug(*arguments)
    assert result.exit_code == 0, result.stderr
    assert "pgd on av (video 0.031, audio 0.01) seed 0" in result.stderr
    assert "under attack on events" in result.stdout
    folder = tmp_path / "o"
    assert "within" in (folder / "tables.md").read_text("utf-8")
    assert "over epsilon" in (folder / "report.html").read_text("utf-8")
    data = json.loads((folder / "scores.json").read_text("utf-8"))["attacks"][0]
    assert len(data["cells"]) == 6
    assert len(data["curves"]) == 1
    assert "0 cells computed, 7 found finished" in avplug(*arguments).stderr


def test_mistakes_are_told(avplug, common):
    for flags, said in (
        (("--attack", "pgdd"), "Did you mean 'pgd'?"),
        (("--attack", "pgd", "--attack-senses", "x"), "attack_senses[0] is 'x'"),
        (("--attack", "pgd", "--attack-protocol", "x"), "allowed: 'transfer'"),
        (("--surrogate", "uavm"), "and no attack"),
    ):
        result = avplug("plan", *flags, *common)
        assert result.exit_code == 2
        assert said in result.stderr


def test_the_base_of_a_report_must_be_there(avplug, common, tmp_path):
    arguments = ("--attack", "noise", "--attack-senses", "a", "--no-report")
    assert avplug("run", *arguments, *common).exit_code == 0
    result = avplug("report", str(tmp_path / "o"), "--base", "nothing")
    assert result.exit_code == 2
    assert "No attacked model is called 'nothing'" in result.stderr
