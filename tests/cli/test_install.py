"""``avplug install``, ``uninstall``, ``plugins enable`` and ``disable``."""

import json
import subprocess
import sys

import pytest

from avplug.cli.install import install_command
from avplug.cli.uninstall import uninstall_command
from avplug.core.errors import UsageError
from avplug.core.preferences import config_folder

PIP = [sys.executable, "-m", "pip"]


def test_pip_of_this_interpreter():
    assert install_command(["avplug-fog"]) == [*PIP, "install", "avplug-fog"]
    assert install_command([".", "x"], editable=True, upgrade=True, pre=True) == [
        *PIP,
        *("install", "--upgrade", "--pre", "--editable", ".", "--editable", "x"),
    ]


@pytest.fixture
def without_pip(monkeypatch):
    from importlib import util

    find = util.find_spec
    monkeypatch.setattr(
        util, "find_spec", lambda name, *rest: None if name == "pip" else find(name)
    )


@pytest.mark.usefixtures("without_pip")
def test_uv_where_there_is_no_pip(monkeypatch, dists):
    monkeypatch.setattr("shutil.which", lambda name: f"/bin/{name}")
    assert install_command(["fog"], pre=True) == [
        *("/bin/uv", "pip", "install", "--python", sys.executable),
        *("--prerelease", "allow", "fog"),
    ]
    dists.add("avplug-fog")
    assert uninstall_command(["avplug-fog"]) == [
        *("/bin/uv", "pip", "uninstall", "--python", sys.executable, "avplug-fog")
    ]


@pytest.mark.usefixtures("without_pip")
@pytest.mark.parametrize(
    ("conda", "cure"), [(True, "conda install"), (False, "ensurepip")]
)
def test_neither_pip_nor_uv(monkeypatch, tmp_path, conda, cure):
    monkeypatch.setattr("shutil.which", lambda name: None)
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    if conda:
        (tmp_path / "conda-meta").mkdir()
    with pytest.raises(UsageError, match=f"has no pip, .* {cure}"):
        install_command(["fog"])


def test_an_interpreter_of_the_operating_system(monkeypatch, tmp_path):
    (tmp_path / "EXTERNALLY-MANAGED").touch()
    monkeypatch.setattr(sys, "base_prefix", sys.prefix)
    monkeypatch.setattr("sysconfig.get_path", lambda name: str(tmp_path))
    with pytest.raises(UsageError, match="belongs to the operating system"):
        install_command(["fog"])


def test_a_dry_run_runs_nothing(avplug, monkeypatch):
    monkeypatch.setattr(subprocess, "run", pytest.fail)
    result = avplug("install", "-e", "my folder", "--dry-run")
    assert result.exit_code == 0
    assert result.stderr.endswith("-m pip install --editable 'my folder'\n")


def test_a_failed_installation_is_told(avplug, monkeypatch):
    done = subprocess.CompletedProcess((), 1)
    monkeypatch.setattr(subprocess, "run", lambda *a, **k: done)
    result = avplug("install", "avplug-nobody")
    assert result.exit_code == 2
    assert "ended with exit code 1" in result.stderr


def test_only_plugins_are_uninstalled(avplug, dists):
    dists.add("avplug-fog", "1 / 0\n")
    result = avplug("uninstall", "avplug-fgo", "--dry-run")
    assert result.exit_code == 2
    assert "Did you mean 'avplug-fog'?" in result.stderr
    assert "does not remove itself" in avplug("uninstall", "avplug").stderr
    result = avplug("uninstall", "avplug-fog", "--dry-run")
    assert result.stderr.endswith("uninstall --yes avplug-fog\n")


def test_a_plugin_is_switched_off_and_on(avplug, avplug_json, dists, monkeypatch):
    module = dists.add("avplug-fog")
    monkeypatch.setenv("AVPLUG_LOAD_PLUGINS", "avplug-fog")
    assert avplug("plugins", "disable", "fog").exit_code == 0
    assert module not in sys.modules
    stored = json.loads((config_folder() / "plugins.json").read_text())
    assert stored == {"disabled": ["avplug-fog"]}

    def state():
        rows = {row["distribution"]: row for row in avplug_json("plugins")}
        return rows["avplug-fog"]["state"], rows["avplug-fog"]["problem"]

    assert state() == (
        "disabled",
        "is disabled: undo it with avplug plugins enable avplug-fog.",
    )
    assert avplug("plugins", "disable", "avplug-fog", "fog").exit_code == 0
    assert state()[0] == "disabled"
    result = avplug("plugins", "enable", "Avplug.Fog")
    assert result.stderr.startswith("Enabled avplug-fog: ")
    assert state() == ("ok", "")
    avplug("plugins", "disable", "avplug-fog")
    assert avplug("plugins", "enable", "fog").exit_code == 0
    assert state() == ("ok", "")


def test_what_cannot_be_switched(avplug, dists):
    dists.add("avplug-fog")
    assert "cannot be disabled" in avplug("plugins", "disable", "avplug").stderr
    result = avplug("plugins", "disable", "avplug-fgo")
    assert "Did you mean 'avplug-fog'?" in result.stderr
    result = avplug("plugins", "enable", "avplug-fog")
    assert result.exit_code == 2
    assert "is not disabled" in result.stderr


def test_a_damaged_file_of_settings_says_where_it_lies(avplug):
    folder = config_folder()
    folder.mkdir(parents=True)
    (folder / "plugins.json").write_text('["fog"]')
    result = avplug("list")
    assert result.exit_code == 2
    assert str(folder / "plugins.json") in result.stderr
    assert "Correct it, or remove it." in result.stderr
