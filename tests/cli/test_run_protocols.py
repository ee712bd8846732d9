"""Protocols and suites from the command line."""

from __future__ import annotations


def test_the_suite_is_every_method_on_fifteen_corruptions(planned, common):
    facts = planned("--suite", "tta", "--limit", "4", *common)
    methods = {group["tta"] for group in facts["groups"]}
    assert {"source", "tent", "sar", "rpl", "eata", "read", "sumi", "av2c"} <= methods
    conditions = {group["condition"] for group in facts["groups"]}
    assert len(conditions - {"clean"}) == 15
    assert facts["cells"] == len(methods) * 16 * 3
    (skip,) = facts["skipped"]
    assert "fine-tune needs labels" in skip["reason"]


def test_a_file_and_flags_win_over_the_suite(planned, common, tmp_path):
    path = tmp_path / "run.toml"
    path.write_text('seeds = [7]\ntta = ["tent"]\n')
    facts = planned(
        *("--suite", "tta", "-C", str(path), "--tta", "source,av2c", "-c", "gaussian"),
        *("--limit", "4", *common),
    )
    assert {group["tta"] for group in facts["groups"]} == {"source", "av2c"}
    assert {seed for group in facts["groups"] for seed in group["seeds"]} == {7}
    assert facts["cells"] == 2 * 2


def test_an_unknown_suite_protocol_and_order_are_refused(avplug, common):
    for flags, said in (
        (("--suite", "ttta"), "Unknown suite 'ttta'. Did you mean 'tta'?"),
        (("--protocol", "continuous"), "protocol is 'continuous'; allowed: 'reset'"),
        (("--order", "sorted"), "order is 'sorted'; allowed: 'shuffled'"),
        (("-o", "protocol.shots=3"), "It belongs to: few-shot."),
    ):
        result = avplug("plan", *flags, *common)
        assert result.exit_code == 2
        assert said in result.stderr


def test_a_plan_shows_streams_as_one_cell(planned, common):
    facts = planned(
        *("--protocol", "continual", "--tta", "source,tent", "-c", "gaussian,shot"),
        *("-s", "5", "--limit", "4", *common),
    )
    streams = [g for g in facts["groups"] if g["condition"] == "continual"]
    assert [(g["tta"], g["cells"]) for g in streams] == [("tent", 1)]
    assert facts["cells"] == 3 + 2


def test_a_continual_run_is_told_stored_and_reported(avplug, common, tmp_path):
    arguments = [
        *("run", "--protocol", "continual", "--tta", "source,tent"),
        *("-c", "gaussian,shot", "-s", "5", "--limit", "8", "--batch-size", "4"),
        *("--forgetting", "4", "--attention-every", "1", *common),
    ]
    result = avplug(*arguments)
    assert result.exit_code == 0, result.stderr
    assert "tent continual gaussian s5 to shot s5 (2) seed 0" in result.stderr
    assert "5 cells computed" in result.stderr
    folder = tmp_path / "o"
    shown = (folder / "tables.md").read_text(encoding="utf-8")
    for title in ("by corruption, severity 5", "Forgetting", "Attention", "costs"):
        assert title in shown
    assert "Accuracy along the stream" in (folder / "report.html").read_text("utf-8")
    rows = (folder / "scores.csv").read_text(encoding="utf-8").splitlines()
    assert len(rows) == 1 + 6
    assert "0 cells computed, 5 found finished" in avplug(*arguments).stderr
