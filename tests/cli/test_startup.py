"""Start-up is light: what lists and explains imports nothing heavy."""

import subprocess
import sys

import pytest

HEAVY = {
    *("torch", "numpy", "scipy", "cv2", "av", "PIL", "soundfile", "safetensors"),
    *("matplotlib", "pandas", "pydantic", "importlib.metadata", "rich"),
}
PROBE = """
import sys
from avplug.cli import main
sys.argv[0] = "avplug"
try:
    main()
except SystemExit as end:
    code = end.code
loaded = sorted(set(sys.modules) & set({heavy!r}))
print(code, loaded, file=sys.stderr)
"""


@pytest.mark.parametrize(
    "arguments",
    [
        ("list", "--json"),
        ("list",),
        ("plugins", "--json"),
        ("--help",),
        ("list", "--help"),
        ("weights", "list"),
        ("weights", "list", "audioclip", "--json"),
        ("--version",),
    ],
    ids=" ".join,
)
def test_nothing_heavy_is_imported(arguments):
    done = subprocess.run(
        [sys.executable, "-c", PROBE.format(heavy=sorted(HEAVY)), *arguments],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr.splitlines()[-1] == "0 []"


def test_completion_imports_nothing_heavy(monkeypatch):
    monkeypatch.setenv("_AVPLUG_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", "avplug li")
    monkeypatch.setenv("COMP_CWORD", "1")
    done = subprocess.run(
        [sys.executable, "-c", PROBE.format(heavy=sorted(HEAVY))],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["list"]
    assert done.stderr.splitlines()[-1] == "0 []"
