"""Downloads against a server on this machine: broken, lying, gone, forbidden."""

import hashlib
import multiprocessing
import random
import shutil

import pytest

from avplug.core import downloads
from avplug.core.downloads import download_file
from avplug.core.errors import WeightsError
from avplug.core.sources import find, locate
from avplug.core.weight_specs import FileSpec
from tests.core.server import serving

BODY = random.Random(0).randbytes(3_000_000)
SUM = hashlib.sha256(BODY).hexdigest()


@pytest.fixture(autouse=True)
def _online(monkeypatch):
    monkeypatch.delenv("AVPLUG_OFFLINE")
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.delenv("HF_ENDPOINT", raising=False)
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(downloads, "PAUSES", (0.0, 0.0, 0.0))


@pytest.fixture
def server():
    with serving(BODY) as running:
        yield running


def files(tmp_path):
    return sorted(p.name for p in (tmp_path / "cache").rglob("*") if p.is_file())


def test_a_file_is_fetched_once_and_shown_on_its_way(server, tmp_path):
    steps = []
    url = f"{server.url}/a/net%20one.pth?dl=1"
    assert find(url) is None
    path = locate(url, progress=lambda done, total: steps.append((done, total)))
    assert path.read_bytes() == BODY
    assert path.name == "net_one.pth"
    assert steps[-1] == (len(BODY), len(BODY))
    assert [done for done, _ in steps] == sorted(done for done, _ in steps)
    assert locate(url) == find(url) == path
    assert len(server.requests) == 1
    assert files(tmp_path) == ["lock", "net_one.pth", "net_one.pth.json"]


def test_what_is_in_the_cache_needs_no_server(monkeypatch):
    with serving(BODY) as server:
        url = f"{server.url}/net.pth"
        path = locate(url)
    monkeypatch.setenv("AVPLUG_OFFLINE", "1")
    assert locate(url) == path
    assert locate(f"{url}#sha256={SUM[:12]}") == path
    with pytest.raises(WeightsError, match=rf"in the cache has sha256 {SUM}, not 0000"):
        locate(f"{url}#sha256=00000000")


@pytest.mark.parametrize("drops", [1, 2, 5])
def test_a_broken_connection_is_taken_up_where_it_broke(server, drops):
    server.drops = drops
    path = locate(FileSpec(f"{server.url}/net.pth", sha256=SUM, size=len(BODY)))
    assert path.read_bytes() == BODY
    starts = [asked for _, asked, _ in server.requests]
    assert len(starts) == drops + 1
    assert starts[:2] == [None, f"bytes={len(BODY) // 2}-"]
    assert all(condition == '"one"' for _, _, condition in server.requests[1:])


def test_a_killed_process_leaves_what_the_next_one_takes_up(server, tmp_path):
    def killed(done, total):
        if done > len(BODY) // 3:
            raise KeyboardInterrupt

    url = f"{server.url}/net.pth"
    with pytest.raises(KeyboardInterrupt):
        locate(url, progress=killed)
    assert find(url) is None
    assert "net.pth" not in files(tmp_path)
    assert locate(url).read_bytes() == BODY
    assert int(server.requests[1][1].removeprefix("bytes=").removesuffix("-")) > 0


def test_a_file_that_changed_meanwhile_is_fetched_from_the_start(server):
    server.drops = 1

    def changed(done, total):
        server.etag = '"two"'
        server.body = BODY[::-1]

    path = locate(f"{server.url}/net.pth", progress=changed)
    assert path.read_bytes() == BODY[::-1]


@pytest.mark.parametrize("etag", ['"one"', 'W/"weak"', ""])
def test_a_server_without_ranges_begins_again(server, etag):
    server.ranges = False
    server.etag = etag
    server.drops = 2
    assert locate(f"{server.url}/net.pth").read_bytes() == BODY
    assert len(server.requests) == 3


def test_no_byte_more_is_the_end_after_four_tries(server):
    server.ranges = False
    server.drops = 99
    with pytest.raises(WeightsError, match=r"ended after 1,500,000 of 3,000,000 bytes"):
        locate(f"{server.url}/net.pth")
    assert len(server.requests) == 5


@pytest.mark.parametrize(("status", "tries"), [(404, 1), (403, 1), (503, 4), (429, 4)])
def test_a_refusal_is_told_and_tried_again_only_where_it_may_pass(
    server, status, tries
):
    server.status = status
    page = "https://example.org/models"
    with pytest.raises(WeightsError, match=f"HTTP {status}") as caught:
        locate(FileSpec(f"{server.url}/net.pth", page=page))
    assert len(server.requests) == tries
    assert f"Published at {page}" in str(caught.value)


def test_nobody_answers():
    with serving(BODY) as server:
        url = f"{server.url}/net.pth"
    with pytest.raises(WeightsError, match=r"Cannot fetch .*refused.*\(4 times\)"):
        locate(url)


def test_a_wrong_sum_is_not_kept(server, tmp_path):
    with pytest.raises(WeightsError, match=rf"its sha256 is {SUM}, not 0123") as caught:
        locate(FileSpec(f"{server.url}/net.pth", sha256="0123" * 16))
    assert "It was not kept." in str(caught.value)
    assert not [name for name in files(tmp_path) if name.endswith((".pth", ".part"))]


def test_a_wrong_length_is_told_before_anything_comes(server, tmp_path):
    with pytest.raises(WeightsError, match="3,000,000 bytes long, not 5 as published"):
        locate(FileSpec(f"{server.url}/net.pth", size=5))
    assert files(tmp_path) == ["lock"]


@pytest.mark.parametrize(
    ("body", "kind", "said"),
    [
        (b"<html>Too large to scan</html>", "text/html; charset=utf-8", "a web page"),
        (b"\n<!DOCTYPE html><p>Sign in", "application/octet-stream", "a web page"),
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:24\nsize 5\n",
            "text/plain",
            "a Git LFS pointer",
        ),
        (b"", "application/octet-stream", "the server sent an empty file"),
    ],
)
def test_what_comes_in_place_of_weights_is_named(tmp_path, body, kind, said):
    with serving(body) as server:
        server.content_type = kind
        with pytest.raises(WeightsError, match=said):
            locate(f"{server.url}/net.pth")
    assert not [name for name in files(tmp_path) if name.endswith((".pth", ".part"))]


@pytest.mark.parametrize(
    ("source", "path"),
    [
        ("hf:owner/repo/net.pth", "/owner/repo/resolve/main/net.pth"),
        ("hf:owner/repo@v1.0/a/net.pth", "/owner/repo/resolve/v1.0/a/net.pth"),
    ],
)
def test_the_hub_is_a_server_and_its_sum_is_checked(server, monkeypatch, source, path):
    monkeypatch.setenv("HF_ENDPOINT", f"{server.url}/")
    server.redirect = "/storage/blob"
    server.linked_etag = SUM
    assert locate(source).read_bytes() == BODY
    assert [asked for asked, _, _ in server.requests] == [path, "/storage/blob"]
    server.linked_etag = "ab" * 32
    with pytest.raises(WeightsError, match=f"its sha256 is {SUM}, not {'ab' * 32}"):
        locate(f"{source}.other")


@pytest.mark.parametrize("name", ["AVPLUG_OFFLINE", "HF_HUB_OFFLINE"])
def test_offline_refuses_without_a_request(server, monkeypatch, name):
    monkeypatch.setenv(name, "1")
    with pytest.raises(WeightsError, match=f"{name} forbids downloads"):
        locate(f"{server.url}/net.pth")
    assert not server.requests


def test_a_full_disk_is_told_before_anything_comes(server, monkeypatch):
    usage = shutil.disk_usage("/")._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(WeightsError, match="3,000,000 bytes are to come, 1,000 are"):
        locate(f"{server.url}/net.pth")


def test_a_cache_that_cannot_be_written_is_told(server, monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("AVPLUG_CACHE", str(tmp_path / "file"))
    with pytest.raises(WeightsError, match=r"Cannot write to .*set AVPLUG_CACHE"):
        locate(f"{server.url}/net.pth")


def test_a_file_whose_address_is_not_known_names_its_page():
    with pytest.raises(WeightsError, match=r"yourself from https://example.org/x and"):
        locate(FileSpec("", page="https://example.org/x"))


def test_processes_that_want_one_file_fetch_it_once(server):
    url = f"{server.url}/net.pth"
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        results = [
            pool.apply_async(download_file, (url, FileSpec(url))) for _ in range(4)
        ]
        paths = {result.get(30) for result in results}
    assert len(paths) == 1
    assert paths.pop().read_bytes() == BODY
    assert len(server.requests) == 1
