"""With ten hostile distributions installed every verb works, and names the culprits."""

import json
import shutil
import subprocess

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from avplug.cli.app import build_app
from tests.cli.hostile_plugins import assert_culprits_are_named
from tests.media import recipes

#: What a verb is given, and its exit code. ``{run}`` is a folder of results, ``{out}``
#: is not there yet, ``{clip}`` is a film, ``{in}`` a folder of other files.
LOADING = {
    "list": ("--json", 0),
    "show": ("corruption changes --json", 0),
    "plugins": ("--json", 0),
    "plugins show": ("bad-raises --json", 0),
    "run": ("-c changes -s 3 -o dataset.clips=2 --no-report --out {out}", 1),
    "plan": ("-c changes -c rain -s 3 -o dataset.clips=2 --json", 0),
    "train": ("{small} --out {out}", 0),
    "corrupt": ("{clip} -c rain --out {out}.mp4", 0),
    "build": ("-c changes -c rain -s 3 --limit 1 --out {out}", 1),
    "preview": ("-c rain -s 3 --out {out}.png", 0),
    "report": ("{run} --resamples 0 --json", 0),
    "compare": (
        "{run} --method */source --method */tent --resamples 0 --json",
        0,
    ),
    "published": ("avrobustbench --json", 0),
    "gate": ("{run} -t {in}/gate.toml --resamples 0 --json", 0),
    "leaderboard": ("{in} --out {out}.html --resamples 0 --json", 0),
    "export": ("{run} --hf --out {out} --resamples 0", 0),
    "weights list": ("--json", 0),
    "weights fetch": ("cav-mae/events", 0),
    "weights verify": ("cav-mae/events --json", 0),
    "weights convert": ("cav-mae/events {out}.safetensors", 0),
    "data list": ("--json", 0),
    "data check": ("events --limit 1 --json", 0),
    "data prepare": ("events --limit 1 --out {out}", 0),
    "doctor": ("--json", 1),
}
#: Verbs that import no plugin, so that they work whatever is installed.
ALOOF = {
    "new": "corruption sea-fog --single-file --out {out}",
    "install": "anything --dry-run",
    "uninstall": "bad-exits --dry-run",
    "plugins disable": "bad-exits",
    "plugins enable": "bad-raises",
    "status": "{run} --json",
    "verify": "{run} --json",
}
#: Its own test is in the file beside: it imports plugins in processes of their own.
ELSEWHERE = {"check"}
#: As in ``test_train.py``, smaller still.
SMALL = (
    "-m cvpr21 --epochs 1 --batch-size 2 --limit 2 -o dataset.clips=2"
    " -o model.image_size=32 -o model.samples=2048 -o model.sound_widths=[4,8,16]"
    " -o model.frame_width=2 -o model.frame_depths=[1,1,1,1] -o model.seconds=1.0"
)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A folder of results that no plugin had a hand in, a film, thresholds."""
    folder = tmp_path_factory.mktemp("files")
    command = "--no-plugins run -c rain -s 3 --tta source --tta tent --no-report"
    options = ("-o", "dataset.clips=4", "--out", str(folder / "run"))
    done = CliRunner().invoke(build_app(), (*command.split(), *options))
    assert done.exit_code == 0, done.stderr
    recipes.video(folder / "clip.mp4", count=4, moov_first=True)
    (folder / "gate.toml").write_text("limited = true\n[[threshold]]\nmin = 0\n")
    return folder


@pytest.fixture
def words(files, tmp_path):
    """Return a function that fills in what a verb is given."""

    def fill(verb, text):
        filled = text.format(
            run=files / "run",
            out=tmp_path / "made",
            clip=files / "clip.mp4",
            small=SMALL,
            **{"in": files},
        )
        return (*verb.split(), *filled.split())

    return fill


def verbs(command=None, before=""):
    """Return all verbs, those of groups as two words."""
    command = command or get_command(build_app())
    found = set()
    for name, each in getattr(command, "commands", {}).items():
        inner = verbs(each, f"{before}{name} ")
        if each.callback is not None:
            inner.add(f"{before}{name}")
        found |= inner
    return found


def test_no_verb_is_left_out():
    assert verbs() == {*LOADING, *ALOOF, *ELSEWHERE}


@pytest.mark.usefixtures("hostile")
@pytest.mark.parametrize("verb", LOADING)
def test_a_verb_works_and_names_every_culprit(verb, avplug, words):
    text, code = LOADING[verb]
    result = avplug(*words(verb, text))
    assert result.exit_code == code, result.stderr
    assert "Traceback (most recent call last)" not in result.output
    assert_culprits_are_named(result.stderr)
    assert "{broken json" not in result.stdout
    if "--json" in text:
        assert json.loads(result.stdout)


@pytest.mark.usefixtures("hostile")
@pytest.mark.parametrize(
    ("verb", "text", "code"),
    [
        ("run", LOADING["run"][0], 1),
        ("build", LOADING["build"][0], 1),
        ("preview", "-c changes -s 3 --out {out}.png", 4),
        ("corrupt", "{clip} -c changes --out {out}.mp4", 4),
    ],
)
def test_who_changes_its_input_is_named_where_it_is_used(
    verb, text, code, avplug, words, caplog
):
    result = avplug(*words(verb, text))
    assert result.exit_code == code
    told = result.stderr + caplog.text
    assert "'changes' (bad_changes_class.Bad) writes to the " in told
    assert "{broken json, later" in result.stderr
    assert "{broken json" not in result.stdout


@pytest.mark.parametrize("verb", ALOOF)
def test_a_verb_that_needs_no_plugin_imports_none(
    verb, avplug, words, hostile, monkeypatch
):
    monkeypatch.setattr(subprocess, "run", pytest.fail)
    if verb == "plugins enable":
        assert avplug("plugins", "disable", "bad-raises").exit_code == 0
    result = avplug(*words(verb, ALOOF[verb]))
    assert result.exit_code == 0, result.stderr
    assert "was not imported within" not in result.stderr
    assert "no luck" not in result.stderr


@pytest.mark.usefixtures("hostile")
def test_strict_names_every_broken_one_and_is_4(avplug):
    result = avplug("--strict-plugins", "list", "--json")
    assert result.exit_code == 4
    assert result.stdout == ""
    for name in ("raises", "exits", "hangs", "clash", "newer", "types"):
        assert f"plugin bad-{name} 1.0" in result.stderr


CLAIMS = """
    from avplug import MetricSpec, CorruptionSpec, hookimpl
    @hookimpl
    def avplug_metrics():
        return [MetricSpec("top1", "nowhere:Bad", "Bad")]
    @hookimpl
    def avplug_corruptions():
        return [CorruptionSpec("rain", "nowhere:Bad", "Bad")]
"""


@pytest.mark.parametrize(
    ("verb", "text"),
    [
        ("report", LOADING["report"][0]),
        ("gate", LOADING["gate"][0]),
        ("compare", LOADING["compare"][0]),
    ],
)
def test_a_name_claimed_later_leaves_what_is_stored_readable(
    verb, text, avplug, words, dists, monkeypatch
):
    dists.add("bad-claims", CLAIMS)
    monkeypatch.setenv("AVPLUG_LOAD_PLUGINS", "bad-claims")
    result = avplug(*words(verb, text))
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)
    assert "'top1' is claimed by avplug" in result.stderr


def test_a_name_claimed_later_leaves_finished_cells_finished(
    avplug, files, dists, tmp_path, monkeypatch
):
    dists.add("bad-claims", CLAIMS)
    monkeypatch.setenv("AVPLUG_LOAD_PLUGINS", "bad-claims")
    shutil.copytree(files / "run", tmp_path / "run")
    result = avplug(
        *("run", "-c", "avplug/rain", "-s", "3", "--tta", "source", "--tta", "tent"),
        *("--no-report", "-o", "dataset.clips=4", "--out", str(tmp_path / "run")),
    )
    assert result.exit_code == 0, result.stderr
    assert "0 cells computed, 4 found finished" in result.stderr
