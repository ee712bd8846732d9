"""Downloads: resumed, checked, whole or not at all, and never fetched twice.

One file at a known address needs no client beyond the standard library's, which knows
proxies and certificates; the Hugging Face hub serves files as plain https, too.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from http.client import HTTPException, HTTPMessage, HTTPResponse
from pathlib import Path
from typing import IO

from filelock import FileLock

from avplug._version import __version__
from avplug.core.cache import Place, cached_file, note_of, read_note
from avplug.core.errors import WeightsError
from avplug.core.files import sync_folder, write_atomic
from avplug.core.impostors import HEAD, impostor
from avplug.core.weight_specs import FileSpec

#: Seconds before each further try, as long as no byte comes.
PAUSES = (1.0, 2.0, 4.0)

_TIMEOUT = 30.0
_BLOCK = 1 << 20
_SHA256 = re.compile(r'"?([0-9a-f]{64})"?\Z')
_AGAIN = (408, 425, 429, 500, 502, 503, 504)


def download_file(
    url: str, spec: FileSpec, progress: Callable[[int, int | None], None] | None = None
) -> Path:
    """Fetch a file into the cache, and return it.

    What a broken connection or a killed process leaves is taken up again, if the
    server still has the same file. Two processes that want it fetch it once.

    Args:
        url: ``http`` or ``https``.
        spec: Its ``sha256`` and ``size`` are checked, where given.
        progress: Told of bytes done and bytes in all.

    Raises:
        WeightsError: It cannot be fetched, is another file, or downloads are
            forbidden by ``AVPLUG_OFFLINE`` or ``HF_HUB_OFFLINE``.
    """
    for name in ("AVPLUG_OFFLINE", "HF_HUB_OFFLINE"):
        if os.environ.get(name, "").lower() not in ("", "0", "false", "no"):
            raise WeightsError(
                f"{spec.source or url} is not in the cache, and {name} forbids "
                "downloads.",
                f"Unset {name}, or give the path of a file that you have.",
            )
    place = Place.of(url)
    try:
        place.file.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(place.file.parent / "lock"):
            # Another process may have fetched it while this one waited.
            return cached_file(url, spec) or _Transfer(url, spec, place, progress).run()
    except OSError as error:
        raise WeightsError(
            f"Cannot write to '{place.file.parent}': {error.strerror or error}.",
            "Make room there, or set AVPLUG_CACHE to another folder.",
        ) from error


class _BrokenError(Exception):
    """The transfer ended early; another try may go on."""


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Keeps the sha256 that the hub tells before it sends us to its storage."""

    def __init__(self) -> None:
        self.sha256 = ""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        told = _SHA256.match(headers.get("X-Linked-Etag", ""))
        if told:
            self.sha256 = told[1]
        return super().redirect_request(req, fp, code, msg, headers, newurl)


class _Transfer:
    """One file on its way into the cache."""

    def __init__(
        self,
        url: str,
        spec: FileSpec,
        place: Place,
        progress: Callable[[int, int | None], None] | None,
    ) -> None:
        self._url = url
        self._spec = spec
        self._place = place
        self._progress = progress or (lambda done, total: None)

    def run(self) -> Path:
        """Try until the file is whole, or no try brings a further byte."""
        tries = 0
        while True:
            before = self._done()
            try:
                self._attempt()
                return self._finish()
            except _BrokenError as error:
                tries = 0 if self._done() > before else tries + 1
                if tries > len(PAUSES):
                    raise self._failed(
                        f"{error} ({tries} times)",
                        "The same command goes on where it ended; or fetch the file "
                        "yourself and give its path.",
                    ) from error
                time.sleep(PAUSES[max(tries - 1, 0)])

    def _done(self) -> int:
        part = self._place.part
        return part.stat().st_size if part.exists() else 0

    def _attempt(self) -> None:
        done = self._done()
        known = read_note(note_of(self._place.part)) or {}
        validator = known.get("validator", "")
        if done and done == known.get("total"):
            return
        redirects = _Redirects()
        with self._request(redirects, done, validator) as response:
            self._refuse_pages(response)
            total = _total(response)
            resumed = response.status == 206
            self._expect(total)
            facts = {
                "validator": _validator(response.headers),
                "total": total,
                "sha256": redirects.sha256,
            }
            write_atomic(note_of(self._place.part), json.dumps(facts).encode())
            with self._place.part.open("ab" if resumed else "wb") as file:
                self._copy(response, file, total)

    def _request(
        self, redirects: _Redirects, done: int, validator: str
    ) -> HTTPResponse:
        headers = {
            "User-Agent": f"avplug/{__version__}",
            "Accept-Encoding": "identity",
        }
        if done and validator:
            headers |= {"Range": f"bytes={done}-", "If-Range": validator}
        request = urllib.request.Request(self._url, headers=headers)
        try:
            response: HTTPResponse = urllib.request.build_opener(redirects).open(
                request, timeout=_TIMEOUT
            )
        except urllib.error.HTTPError as error:
            error.close()
            if error.code == 416:
                self._place.part.unlink(missing_ok=True)
            if error.code == 416 or error.code in _AGAIN:
                raise _BrokenError(f"HTTP {error.code} {error.reason}") from error
            raise self._failed(f"HTTP {error.code} {error.reason}") from error
        except (OSError, HTTPException) as error:
            reason = getattr(error, "reason", error)
            raise _BrokenError(str(reason) or type(error).__name__) from error
        start = response.headers.get("Content-Range", "").partition("-")[0]
        if response.status == 206 and start != f"bytes {done}":
            response.close()
            raise self._failed(f"the server sent '{start}' when asked for byte {done}")
        return response

    def _refuse_pages(self, response: HTTPResponse) -> None:
        if response.headers.get_content_type() == "text/html":
            response.close()
            raise self._is(*(impostor(b"<html") or ("", "")))

    def _expect(self, total: int | None) -> None:
        if total is None:
            return
        if self._spec.size and total != self._spec.size:
            raise self._failed(
                f"it is {total:,} bytes long, not {self._spec.size:,} as published"
            )
        free = shutil.disk_usage(self._place.file.parent).free + self._done()
        if total > free:
            raise OSError(0, f"{total:,} bytes are to come, {free:,} are free")

    def _copy(self, response: HTTPResponse, file: IO[bytes], total: int | None) -> None:
        done = file.tell()
        size = HEAD if done == 0 else _BLOCK
        while True:
            try:
                block = response.read(size)
            except (OSError, HTTPException) as error:
                raise _BrokenError(
                    f"the connection broke after {done:,} bytes"
                ) from error
            if done == 0 and (found := impostor(block)):
                raise self._is(*found)
            if not block:
                break
            file.write(block)
            done += len(block)
            size = _BLOCK
            self._progress(done, total)
        if total is not None and done != total:
            raise _BrokenError(
                f"the connection ended after {done:,} of {total:,} bytes"
            )

    def _finish(self) -> Path:
        part, file = self._place.part, self._place.file
        told = (read_note(note_of(part)) or {}).get("sha256", "")
        wanted = self._spec.sha256 or told
        with part.open("rb+") as content:
            sha256 = hashlib.file_digest(content, "sha256").hexdigest()
            os.fsync(content.fileno())
        if not sha256.startswith(wanted):
            part.unlink()
            raise self._failed(
                f"its sha256 is {sha256}, not {wanted} as published",
                "It was not kept. Ask the publisher, or give the path of a file that "
                "you trust.",
            )
        facts = {"url": self._url, "sha256": sha256, "size": part.stat().st_size}
        write_atomic(note_of(file), json.dumps(facts).encode())
        os.replace(part, file)
        note_of(part).unlink(missing_ok=True)
        sync_folder(file.parent)
        return file

    def _is(self, what: str, remedy: str) -> WeightsError:
        self._place.part.unlink(missing_ok=True)
        return self._failed(f"the server sent {what}", remedy)

    def _failed(self, reason: str, remedy: str = "") -> WeightsError:
        page = self._spec.page
        hint = f"{remedy} Published at {page}".strip() if page else remedy
        return WeightsError(
            f"Cannot fetch {self._url}: {reason}.",
            hint
            or "Correct the address, or fetch the file yourself and give its path.",
        )


def _total(response: HTTPResponse) -> int | None:
    whole = response.headers.get("Content-Range", "").rpartition("/")[2]
    text = whole if response.status == 206 else response.headers.get("Content-Length")
    return int(text) if text and text.isdigit() else None


def _validator(headers: HTTPMessage) -> str:
    """Return what proves that the file is still the same: RFC 9110, section 13.1.5."""
    tag: str = headers.get("ETag", "")
    strong = "" if tag.startswith("W/") else tag
    return strong or headers.get("Last-Modified", "")
