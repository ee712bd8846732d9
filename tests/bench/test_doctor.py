"""What the doctor finds, on a sound machine and on spoilt ones."""

from __future__ import annotations

import sys

import pytest

from avplug.bench import doctor
from avplug.bench.doctor import examine
from avplug.core.manager import get_plugin_manager
from avplug.core.records import PluginRecord


class Manager:
    """Stands for a manager with these records."""

    def __init__(self, *records):
        self.records = records

    def broken(self):
        return [r for r in self.records if r.state == "failed"]


def found(area, manager=None):
    return [f for f in examine(manager or Manager()) if f.area == area]


def test_every_area_is_looked_at_and_nothing_is_wrong_here():
    pytest.importorskip("av")
    findings = examine(Manager())
    areas = {finding.area for finding in findings}
    assert areas >= {
        "avplug",
        "torch",
        "extras",
        "video",
        "sound",
        "folders",
        "plugins",
    }
    assert [f for f in findings if f.state == "wrong"] == []
    assert any("written and read back" in f.what for f in findings)


def test_an_extra_that_is_not_there_is_a_note(monkeypatch):
    monkeypatch.setitem(sys.modules, "submitit", None)
    (finding,) = [f for f in found("extras") if "submitit" in f.what]
    assert (finding.state, finding.remedy) == ("note", "pip install 'avplug[slurm]'")


def test_an_extra_that_breaks_at_import_is_wrong(monkeypatch, tmp_path):
    (tmp_path / "submitit.py").write_text("raise OSError('libfoo.so: no such file')")
    monkeypatch.delitem(sys.modules, "submitit", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    (finding,) = [f for f in found("extras") if "submitit" in f.what]
    assert finding.state == "wrong"
    assert "libfoo.so" in finding.what


def test_a_codec_that_lacks(monkeypatch):
    pytest.importorskip("av")
    monkeypatch.setattr(doctor, "_DECODED", ("h264", "nonesuch"))
    monkeypatch.setattr(doctor, "_ENCODED", ("nonesuch",))
    states = {(f.state, f.what) for f in found("video") if "nonesuch" in f.what}
    assert states == {
        ("note", "FFmpeg decodes no nonesuch"),
        ("wrong", "FFmpeg encodes no nonesuch"),
    }


def test_a_look_that_fails_is_a_finding_and_the_others_go_on(monkeypatch):
    def broken():
        raise RuntimeError("driver too old")
        yield

    monkeypatch.setattr(doctor, "_torch", broken)
    (finding,) = found("torch")
    assert finding.state == "wrong"
    assert "driver too old" in finding.what
    assert found("sound")


def test_a_folder_without_space(monkeypatch):
    monkeypatch.setattr(doctor, "_LOW_SPACE", 1e30)
    assert {f.state for f in found("folders")} == {"note"}


def test_the_cache_is_measured(monkeypatch, tmp_path):
    monkeypatch.setenv("AVPLUG_CACHE", str(tmp_path / "cache"))
    (tmp_path / "cache" / "a").mkdir(parents=True)
    (tmp_path / "cache" / "a" / "file").write_bytes(bytes(30_000_000))
    cache = found("folders")[0]
    assert str(tmp_path / "cache") in cache.what
    assert "holds 0.03 GB" in cache.what


def test_a_variable_that_names_no_folder(monkeypatch):
    monkeypatch.setenv("AVPLUG_RECORDINGS", "/nonesuch")
    findings = {f.what: f.state for f in found("settings")}
    assert findings["AVPLUG_RECORDINGS=/nonesuch, which is no folder"] == "wrong"


def test_plugins_that_are_broken_or_disabled():
    bad = PluginRecord("bad", "1", "x", state="failed", problem="raised", remedy="Fix.")
    off = PluginRecord("off", "1", "x", state="disabled")
    findings = found("plugins", Manager(bad, off))
    assert [f.state for f in findings] == ["ok", "wrong", "note"]
    assert "bad 1 (x) raised" in findings[1].what
    assert findings[1].remedy == "Fix."


def test_what_is_odd_about_a_plugin_that_works():
    loud = PluginRecord("loud", "1", "x", printed="hello")
    _, finding = found("plugins", Manager(loud))
    assert finding.state == "note"
    assert finding.what.startswith("loud 1 (x) prints while it loads")


def test_the_manager_of_this_process():
    (finding,) = found("plugins", get_plugin_manager())
    assert finding.state == "ok"
    assert " plugins with " in finding.what
