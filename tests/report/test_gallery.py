"""The gallery: well-formed, silent on the network, and immune to what it shows."""

from base64 import b64encode
from urllib.parse import unquote

import pytest

from avplug.report.gallery import Gallery, Player, Shelf, gallery_page, write_gallery
from tests.report.test_html import HOSTILE, Reader

SMALL = Gallery(
    "Clip under 1 corruption",
    "About it.",
    (
        Shelf("clean", "As it is.", (Player("clean", "clean", b"film", b"still"),)),
        Shelf("fog", "weather: Fog.", (Player("severity 1", "fog-1", b"sound"),)),
    ),
    ("Seed 0.",),
)


def read(page: str) -> Reader:
    reader = Reader()
    reader.feed(page)
    assert reader.open == []
    return reader


def of(reader: Reader, *names: str) -> list[dict[str, str]]:
    return [attributes for name, attributes in reader.elements if name in names]


def test_a_small_gallery_holds_its_clips(tmp_path):
    path = write_gallery(tmp_path / "new" / "page.html", SMALL)
    assert list(path.parent.iterdir()) == [path]
    reader = read(path.read_text())
    (film,) = of(reader, "video")
    (sound,) = of(reader, "audio")
    assert film["src"] == f"data:video/mp4;base64,{b64encode(b'film').decode()}"
    assert film["poster"] == f"data:image/jpeg;base64,{b64encode(b'still').decode()}"
    assert sound["src"].endswith(b64encode(b"sound").decode())
    assert "poster" not in sound
    assert "controls" in film
    assert film["aria-label"] == "clean, clean"
    assert {"Seed 0.", "weather: Fog.", "severity 1"} <= set(reader.text)


def test_a_large_one_has_them_beside_it(tmp_path):
    path = write_gallery(tmp_path / "my page.html", SMALL, embedded=4)
    folder = tmp_path / "my page-clips"
    names = {"clean.mp4": b"film", "clean.jpg": b"still", "fog-1.mp4": b"sound"}
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == names
    reader = read(path.read_text())
    addresses = [film["src"] for film in of(reader, "video", "audio")]
    addresses += [film["poster"] for film in of(reader, "video")]
    assert {unquote(a) for a in addresses} == {f"{folder.name}/{n}" for n in names}


@pytest.mark.parametrize("folder", ["", HOSTILE])
def test_nothing_is_executed_and_nothing_is_fetched(folder):
    hostile = Player(HOSTILE, HOSTILE, b"film", b"still")
    shelves = [Shelf(HOSTILE, HOSTILE, (hostile,))] * 3
    page = gallery_page(Gallery(HOSTILE, HOSTILE, shelves, (HOSTILE,)), folder)
    reader = read(page)
    assert of(reader, "script", "iframe", "link", "img", "object") == []
    assert HOSTILE in reader.text
    for name, attributes in reader.elements:
        assert not any(key.startswith("on") for key in attributes), name
        for key in ("src", "poster", "href"):
            assert not attributes.get(key, "").startswith(("http", "//", "javascript"))
    (policy,) = [m["content"] for m in of(reader, "meta") if "http-equiv" in m]
    assert policy.startswith("default-src 'none'; ")
    assert "http" not in policy
    assert "script" not in policy


def test_three_shelves_have_an_index():
    assert not of(read(gallery_page(SMALL)), "nav")
    many = Gallery("Many", "", [*SMALL.shelves, *SMALL.shelves])
    reader = read(gallery_page(many))
    skip, *targets = [link["href"] for link in of(reader, "a")]
    assert skip == "#content"
    assert targets == [f"#{heading['id']}" for heading in of(reader, "h2")]
    assert len(targets) == 4
