"""``avplug check`` of a folder, a wheel or an archive."""

import json

import pytest

from avplug.core.errors import UsageError
from avplug.testing import conformance


@pytest.fixture
def project(tmp_path):
    folder = tmp_path / "a folder"
    folder.mkdir()
    (folder / "pyproject.toml").write_text('[project]\nname = "Avplug_Fog"\n')
    return folder


@pytest.fixture
def installed(dists):
    """Return a function that installs avplug-fog, editable, from a folder."""

    def installed(folder):
        dists.add("avplug-fog")
        about = {"url": folder.as_uri(), "dir_info": {"editable": True}}
        info = dists.folder / "avplug_fog-1.0.dist-info"
        (info / "direct_url.json").write_text(json.dumps(about))

    return installed


def refused(argument):
    with pytest.raises(UsageError) as caught:
        conformance.find(str(argument))
    return caught.value


def test_a_folder_stands_for_what_is_installed_from_it(project, installed, monkeypatch):
    installed(project)
    found = conformance.find(str(project))
    assert (found.name, found.distributions) == ("avplug-fog", ("avplug-fog",))
    monkeypatch.chdir(project)
    assert conformance.find(".").name == "avplug-fog"


def test_one_that_is_not_installed_says_how(project):
    error = refused(project)
    assert error.message == "avplug-fog is not installed."
    assert error.hint == (
        f"Install it: avplug install -e '{project}'; then: avplug check avplug-fog"
    )


def test_another_folders_distribution_is_not_taken_for_it(project, installed, tmp_path):
    installed(tmp_path)
    error = refused(project)
    assert error.message == (
        f"avplug-fog 1.0 is installed from elsewhere than {project}."
    )
    assert "or check that one: avplug check avplug-fog" in error.hint


def test_a_copy_that_is_installed_is_not_taken_for_its_folder(project, dists):
    dists.add("avplug-fog")
    assert "from elsewhere" in refused(project).message


def test_a_folder_of_no_project(tmp_path):
    assert "without a pyproject.toml" in refused(tmp_path).message
    for text in ("", "[project]\n", "project = 3\n", "[project"):
        (tmp_path / "pyproject.toml").write_text(text)
        assert refused(tmp_path).message.endswith("pyproject.toml names no project.")


def test_a_wheel_is_installed_first(tmp_path):
    wheel = tmp_path / "fog-1.0-py3-none-any.whl"
    wheel.write_bytes(b"")
    assert f"avplug install {wheel}; then name" in refused(wheel).hint


def test_a_project_without_a_plugin_fails(project, dists):
    dists.add("avplug-fog", points="fog = avplug_fog")
    info = dists.folder / "avplug_fog-1.0.dist-info"
    (info / "entry_points.txt").write_text("[other]\nfog = avplug_fog\n")
    about = {"url": project.as_uri(), "dir_info": {"editable": True}}
    (info / "direct_url.json").write_text(json.dumps(about))
    outcomes = list(conformance.check(conformance.find(str(project))))
    (loads,) = [each for each in outcomes if each.check == "static/loads"]
    assert loads.message == "it has no entry point in the group 'avplug'"
