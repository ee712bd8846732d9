"""``avplug doctor``: what it prints, and its exit code."""

from __future__ import annotations


def test_as_json(avplug_json):
    rows = avplug_json("doctor")
    assert {row["area"] for row in rows} >= {"torch", "extras", "folders", "plugins"}
    assert {"area", "state", "what", "remedy"} == set(rows[0])


def test_something_wrong_is_1(avplug, monkeypatch):
    monkeypatch.setenv("AVPLUG_RECORDINGS", "/nonesuch")
    done = avplug("doctor")
    assert done.exit_code == 1
    assert "/nonesuch, which is no folder" in done.stdout
    assert "1 thing wrong." in done.stderr
