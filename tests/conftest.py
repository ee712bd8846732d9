"""Fixtures for all tests: no installed plugin takes part, fake ones can be added."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from textwrap import dedent

import pytest
from hypothesis import HealthCheck, settings

from avplug.core.manager import PluginManager, configure
from avplug.core.records import PluginSettings

# Tests are many and small: a second thread costs them more than it brings.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# Whoever started the tests may have it ignored, as nohup does; some send it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# How long an example takes says nothing but what else the machine does.
settings.register_profile(
    "patient", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("patient")

FOG = """
    from avplug import CorruptionSpec, hookimpl

    @hookimpl
    def avplug_corruptions():
        return [CorruptionSpec("fog", f"{__name__}:Fog", "Fog", category="weather")]
"""


class FakeDistributions:
    """Installed distributions, as a folder on ``sys.path`` that looks like them."""

    FOG = FOG

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.names: list[str] = []

    def add(self, name, source=FOG, version="1.0", point=None, points=None, to=None):
        """Install ``name`` with one module; returns the module's name."""
        folder = to or self.folder
        module = name.replace("-", "_")
        (folder / f"{module}.py").write_text(dedent(source))
        info = folder / f"{module}-{version}.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        )
        points = points or f"{point or name.removeprefix('avplug-')} = {module}"
        (info / "entry_points.txt").write_text(f"[avplug]\n{points}\n")
        self.names.append(name)
        return module

    def manager(self, builtins=(), load=None, **settings) -> PluginManager:
        """Return a manager that loads these distributions only."""
        load = tuple(self.names) if load is None else load
        return PluginManager(PluginSettings(load=load, **settings), builtins)


@pytest.fixture(autouse=True)
def _only_builtin_plugins(monkeypatch, tmp_path):
    for name in ("LOAD_PLUGINS", "DISABLE_PLUGINS", "STRICT", "PLUGIN_TIMEOUT"):
        monkeypatch.delenv(f"AVPLUG_{name}", raising=False)
    monkeypatch.setenv("AVPLUG_NO_PLUGINS", "1")
    monkeypatch.setenv("AVPLUG_CONFIG", str(tmp_path / "config"))


@pytest.fixture(autouse=True)
def _no_downloads(monkeypatch, tmp_path):
    monkeypatch.setenv("AVPLUG_OFFLINE", "1")
    monkeypatch.setenv("AVPLUG_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def dists(tmp_path, monkeypatch):
    """Fake installed distributions, empty at first; forgotten after the test."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    monkeypatch.delenv("AVPLUG_NO_PLUGINS")
    before = set(sys.modules)
    yield FakeDistributions(folder)
    configure()
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(tmp_path)):
            del sys.modules[name]
