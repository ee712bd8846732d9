"""Where weights are looked for, and what is said when they are not there."""

import sys
from pathlib import Path

import pytest

from avplug.core.errors import WeightsError
from avplug.core.weights import locate


def test_locate_finds_paths_and_bundled_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "someone_s_weights"
    (package / "data").mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "data" / "net.pt").write_bytes(b"x")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, package.name, raising=False)
    assert locate(package / "data" / "net.pt") == package / "data" / "net.pt"
    assert locate("someone_s_weights:data/net.pt") == package / "data" / "net.pt"
    with pytest.raises(
        WeightsError, match=r"package 'someone_s_weights' has no 'x\.pt'"
    ):
        locate("someone_s_weights:x.pt")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("none.pth", "There is no checkpoint at 'none.pth'"),
        ("nobody_s:net.pt", "package 'nobody_s' cannot be imported"),
        (":net.pt", "package '' cannot be imported"),
        ("ftp://example.org/net.pt", "Files are not fetched by 'ftp'"),
        ("hf:owner/net.pt", "names no file on the Hugging Face hub"),
    ],
)
def test_locate_says_what_was_tried(source: str, message: str) -> None:
    with pytest.raises(WeightsError, match=message):
        locate(source)
