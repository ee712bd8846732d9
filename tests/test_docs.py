"""The docs are in step with the code, and their code runs."""

import re
import shlex
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from avplug._version import __version__
from avplug.cli.app import build_app
from avplug.core.hookspecs import HOOK_API_VERSION
from avplug.core.registry import get_registry

ROOT = Path(__file__).parent.parent
PAGES = sorted(
    page
    for page in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    if "reference/cli" not in str(page)
)
_BLOCK = re.compile(
    r"(?P<skip><!-- not run: [^>]+ -->\n)?^```(?P<kind>bash|python|toml)\n"
    r"(?P<code>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
_FILE = re.compile(r"# (\S+\.(?:py|toml))\n")
_CODE = re.compile(r"^```.*?^```$|`[^`\n]+`", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


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


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_every_link_of_a_page_leads_somewhere(page):
    text = _CODE.sub("", page.read_text(encoding="utf-8"))
    lost = []
    for link in _LINK.findall(text):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            lost.append(link)
    assert not lost


def anchors(page):
    """What headings of a page are called in its address, as Python-Markdown does it."""
    text = re.sub(
        r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.M | re.S
    )
    found = set()
    for heading in _HEADING.findall(text):
        words = re.sub(r"\[([^]]+)\]\([^)]*\)", r"\1", heading)
        plain = unicodedata.normalize("NFKD", words).encode("ascii", "ignore").decode()
        word = re.sub(r"[^\w\s-]", "", plain)
        found.add(re.sub(r"[-\s]+", "-", word.strip().lower()))
    return found


def test_a_lost_anchor_would_be_found(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# One `name`: and [more](x.md)\n\n```text\n# no heading\n```\n")
    assert anchors(page) == {"one-name-and-more"}


def test_every_page_is_in_the_navigation():
    config = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))

    def pages(node):
        if isinstance(node, str):
            return [node]
        values = node.values() if isinstance(node, dict) else node
        return [page for value in values for page in pages(value)]

    listed = pages(config["nav"])
    there = {str(p.relative_to(ROOT / "docs")) for p in (ROOT / "docs").rglob("*.md")}
    assert sorted(listed) == sorted(there)


def test_every_corruption_is_explained_with_a_picture_and_a_sound():
    docs = ROOT / "docs"
    text = (docs / "explanation" / "corruptions.md").read_text(encoding="utf-8")
    names = [entry.name for entry in get_registry().select("corruption", ["avplug/*"])]
    assert re.findall(r"^### (.+)$", text, re.MULTILINE) == names
    for name in names:
        section = text.partition(f"\n### {name}\n")[2].partition("\n### ")[0]
        assert f"](../images/corruptions/{name}.jpg)" in section
        assert f"](../sounds/{name}.mp3)" in section
        assert f"<!-- parameters of {name} -->\n| severity |" in section
    sizes = [sound.stat().st_size for sound in (docs / "sounds").glob("*.mp3")]
    assert len(sizes) == len(names) + 1
    assert max(sizes) < 40_000
    assert sum(sizes) < 1_000_000


def test_the_citation_file_is_whole():
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert {"cff-version", "message", "title", "authors"} <= cited.keys()
    assert cited["cff-version"] == "1.2.0"
    assert cited["version"] == __version__
    assert cited["license"] == "Apache-2.0"
    for work in [cited, *cited["references"]]:
        assert all(
            "name" in author or {"family-names", "given-names"} <= author.keys()
            for author in work["authors"]
        )
    assert all({"type", "title"} <= work.keys() for work in cited["references"])
