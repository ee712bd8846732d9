"""What the manifest notes, and writing that goes on where it was."""

import os
import signal
import subprocess
import sys

import pytest

from avplug.bench.building import build
from avplug.bench.manifest import MANIFEST, Manifest
from avplug.bench.verifying import verify
from avplug.core.errors import UsageError
from avplug.core.registry import get_registry
from tests.bench.written import config, tree
from tests.waiting import until


def test_the_same_command_writes_nothing_again_and_more_can_be_asked_for(tmp_path):
    root = tmp_path / "set"
    build(config(root, severities=(1,)), get_registry())
    before = {
        path: path.stat().st_mtime_ns for path in root.rglob("*") if path.is_file()
    }
    again = build(config(root, severities=(1,)), get_registry())
    assert (again.written, again.reused) == (0, 6)
    assert before == {path: path.stat().st_mtime_ns for path in before}
    more = build(config(root), get_registry())
    assert (more.written, more.reused) == (3, 6)
    assert verify(root).problems == ()


def test_a_lost_file_and_a_torn_line_are_made_good(built, tmp_path):
    root = tmp_path / "set"
    build(config(root), get_registry())
    lost = next((root / "video/gaussian/severity_5/frame_3").iterdir())
    lost.unlink()
    (root / "json/clean/severity_0.json").unlink()
    (root / "audio/.torn.4711.part.wav").write_bytes(b"half")
    with (root / MANIFEST).open("ab") as file:
        file.write(b'{"cell":"gaussian/severity_5","cl')
    summary = build(config(root), get_registry())
    assert (summary.written, summary.reused) == (1, 8)
    assert verify(root).problems == ()
    files = {k: v for k, v in tree(root).items() if k != MANIFEST}
    assert files == {k: v for k, v in tree(built[0]).items() if k != MANIFEST}


def test_a_killed_build_goes_on_to_the_same_tree(tmp_path):
    def command(name):
        return [
            *(sys.executable, "-m", "avplug", "build", "--out", str(tmp_path / name)),
            *("--limit", "12", "-c", "gaussian,compression", "--frame-format", "png"),
            *("--workers", "2", "--size", "96"),
        ]

    process = subprocess.Popen(
        command("torn"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    manifest = tmp_path / "torn" / MANIFEST

    def begun():
        assert process.poll() is None, "it ended before it was killed"
        return manifest.exists() and manifest.read_bytes().count(b'"clip"') >= 20

    until(begun)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert verify(tmp_path / "torn").files < 12 * 11 * 11
    for name in ("torn", "whole"):
        subprocess.run(command(name), check=True, capture_output=True)
    assert tree(tmp_path / "torn") == tree(tmp_path / "whole")
    assert verify(tmp_path / "torn", workers=2).problems == ()


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"seeds": (1,)}, "seed = 0, not 1"),
        ({"modalities": ("a",)}, "modalities = 'av'"),
        ({"limit": 2}, "clips = 3, not 2"),
        ({"split": "val"}, "split = 'test', not 'val'"),
        ({"profile": "released"}, "gaussian/severity_1 with profile = 'paper'"),
        ({"layout": {"frame_format": "jpg"}}, "frame_format = 'png', not 'jpg'"),
        ({"layout": {"size": 32}}, "size = 24, not 32"),
        ({"layout": {"format": "mp4"}}, "format = 'frames', not 'mp4'"),
    ],
)
def test_other_settings_are_refused(built, changes, word):
    root, _ = built
    before = tree(root)
    with pytest.raises(UsageError, match="holds a data set") as caught:
        build(config(root, **changes), get_registry())
    assert word in caught.value.message
    assert tree(root) == before


def test_one_writer_at_a_time(tmp_path):
    with (
        Manifest(tmp_path / "set", {}),
        pytest.raises(UsageError, match="Another build is writing"),
    ):
        build(config(tmp_path / "set"), get_registry())


def test_a_foreign_manifest_is_refused(tmp_path):
    root = tmp_path / "set"
    root.mkdir()
    (root / MANIFEST).write_text('{"something":"else"}\n')
    with pytest.raises(UsageError, match="is no manifest of avplug build"):
        build(config(root), get_registry())
    os.truncate(root / MANIFEST, 0)
    assert build(config(root, limit=1), get_registry()).written == 3
