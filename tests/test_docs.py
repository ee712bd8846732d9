"""The docs are in step with the code, and their code runs."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from avplug.cli.app import build_app
from avplug.core.hookspecs import HOOK_API_VERSION

ROOT = Path(__file__).parent.parent
PAGES = sorted(
    page
    for page in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    if "reference/cli" not in str(page)
)
_BLOCK = re.compile(
    r"(?P<skip><!-- not run: [^>]+ -->\n)?^```(?P<kind>bash|python|toml)\n"
    r"(?P<code>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
_FILE = re.compile(r"# (\S+\.(?:py|toml))\n")


def blocks(page):
    return [
        (match["kind"], match["code"])
        for match in _BLOCK.finditer(page.read_text(encoding="utf-8"))
        if not match["skip"]
    ]


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_the_code_of_a_page_runs_from_top_to_bottom(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    # The pages load their own files; what happens to be installed takes no part.
    monkeypatch.delenv("AVPLUG_NO_PLUGINS")
    monkeypatch.setenv("AVPLUG_LOAD_PLUGINS", "")
    if page.name == "store.md":
        run_line("avplug run --limit 12 --severity 1 -c gaussian --out runs/quickstart")
    for kind, code in blocks(page):
        named = _FILE.match(code)
        if named:
            Path(named[1]).write_text(code, encoding="utf-8")
        elif kind == "python":
            subprocess.run([sys.executable, "-c", code], check=True)
        elif kind == "bash":
            for line in code.replace("\\\n", " ").splitlines():
                run_line(line)


def run_line(line):
    words = shlex.split(line, comments=True)
    # What installs things is walked by hand and by CI itself.
    if not words or words[0] in ("pip", "make", "git", "cd"):
        return
    assert words[0] == "avplug", line
    result = CliRunner().invoke(build_app(), words[1:])
    assert result.exit_code == 0, f"{line}\n{result.output}"


def test_there_is_something_to_run():
    commands = [code for page in PAGES for kind, code in blocks(page) if kind == "bash"]
    assert len(commands) > 8


def test_the_reference_is_in_step_with_the_code():
    command = [sys.executable, str(ROOT / "docs" / "generate.py"), "--check"]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr


def test_the_hook_reference_tells_the_version():
    text = (ROOT / "docs" / "reference" / "hooks.md").read_text(encoding="utf-8")
    assert f"Version {HOOK_API_VERSION} of the plugin API" in text
