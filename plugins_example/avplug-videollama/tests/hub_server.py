"""A hub on this machine: what huggingface_hub asks of one, out of local folders."""

from __future__ import annotations

import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

COMMIT = "a" * 40


class Hub(ThreadingHTTPServer):
    """Serves ``folders`` by the names of their repositories.

    ``refused`` says with which status and error code a repository's files are kept
    back; ``asked`` collects the paths of all requests.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.folders: dict[str, Path] = {}
        self.refused: dict[str, tuple[int, str]] = {}
        self.asked: list[str] = []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def clear(self) -> None:
        """Serve nothing, and forget who asked."""
        for held in (self.folders, self.refused, self.asked):
            held.clear()


class _Handler(BaseHTTPRequestHandler):
    server: Hub

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        self.server.asked.append(path)
        listing = path.startswith("/api/models/")
        # OWNER/REPO, then revision/main, tree/main or resolve/main/FILE.
        parts = [*path.removeprefix("/api/models").split("/")[1:], "", "", ""]
        name, (verb, revision, file) = "/".join(parts[:2]), parts[2:5]
        folder = self.server.folders.get(name)
        if folder is None:
            self._send(401, code="RepoNotFound")
        elif revision not in ("main", COMMIT):
            self._send(404, code="RevisionNotFound")
        elif listing:
            self._send(200, json.dumps(_listing(folder, verb)).encode())
        elif name in self.server.refused:
            status, code = self.server.refused[name]
            self._send(status, code=code)
        elif (folder / file).is_file():
            self._send(200, (folder / file).read_bytes())
        else:
            self._send(404, code="EntryNotFound")

    def do_HEAD(self) -> None:
        self.do_GET()

    def _send(self, status: int, body: bytes = b"", code: str = "") -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("ETag", f'"{hashlib.sha256(body).hexdigest()}"')
        if code:
            self.send_header("X-Error-Code", code)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _listing(folder: Path, verb: str) -> object:
    paths = sorted(folder.iterdir())
    if verb == "tree":
        return [
            {"type": "file", "path": p.name, "size": p.stat().st_size, "oid": p.name}
            for p in paths
        ]
    return {
        "id": "m",
        "sha": COMMIT,
        "siblings": [{"rfilename": p.name} for p in paths],
    }


#: One for all tests: the hub's client reads its address once.
HUB = Hub()
