"""A written data set held against its manifest."""

import pytest

from avplug.bench.building import build
from avplug.bench.manifest import MANIFEST
from avplug.bench.verifying import Problem, verify
from avplug.core.errors import UsageError
from avplug.core.registry import get_registry
from tests.bench.written import config, rows


def test_verify_names_what_is_changed_missing_and_unlisted(built, tmp_path):
    root = tmp_path / "set"
    build(config(root), get_registry())
    whole = verify(root)
    assert (whole.files, whole.problems) == (9 * 11 + 4, ())
    sound = next((root / "audio/gaussian/severity_1").iterdir())
    data = bytearray(sound.read_bytes())
    data[-1] ^= 1
    sound.write_bytes(data)
    picture = next((root / "video/clean/severity_0/frame_0").iterdir())
    picture.unlink()
    (root / "json/extra.json").write_text("{}")
    with (root / MANIFEST).open("a") as file:
        file.write('{"files":{"../../secret":["00",1]}}\nnonsense\n{"files":[1]}\n')
    lines = len(rows(built[0]))
    assert verify(root).problems == (
        Problem(MANIFEST, f"line {lines + 2} is damaged"),
        Problem(MANIFEST, f"line {lines + 3} is damaged"),
        Problem(picture.relative_to(root).as_posix(), "missing"),
        Problem(sound.relative_to(root).as_posix(), "changed"),
        Problem("../../secret", "outside the folder"),
        Problem("json/extra.json", "unlisted"),
    )
    assert verify(root, workers=2) == verify(root)


def test_verify_needs_a_manifest(tmp_path):
    with pytest.raises(UsageError, match="There is no manifest"):
        verify(tmp_path)
