"""A server that fails in every way that downloads meet."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Server:
    """Serves one body at every path; the flags say how badly.

    ``requests`` keeps (path, Range, If-Range) of each request.
    """

    def __init__(self, body: bytes) -> None:
        self.body = body
        self.drops = 0
        self.ranges = True
        self.status = 200
        self.etag = '"one"'
        self.content_type = "application/octet-stream"
        self.redirect = ""
        self.linked_etag = ""
        self.requests: list[tuple[str, str | None, str | None]] = []
        self.url = ""


class _Quiet(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of clients that hang up: tests do that on purpose."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


@contextmanager
def serving(body: bytes) -> Iterator[Server]:
    """Run a server of ``body`` on a free port of this machine."""
    server = Server(body)

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            asked, condition = self.headers["Range"], self.headers["If-Range"]
            server.requests.append((self.path, asked, condition))
            if server.redirect and self.path != server.redirect:
                self.send_response(302)
                self.send_header("Location", server.redirect)
                if server.linked_etag:
                    self.send_header("X-Linked-Etag", f'"{server.linked_etag}"')
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            if server.status != 200:
                self.send_error(server.status)
                return
            start = 0
            if asked and server.ranges and condition == server.etag:
                start = int(asked.removeprefix("bytes=").removesuffix("-"))
            body = server.body[start:]
            self.send_response(206 if start else 200)
            self.send_header("Content-Type", server.content_type)
            self.send_header("Content-Length", str(len(body)))
            if server.etag:
                self.send_header("ETag", server.etag)
            if start:
                whole = len(server.body)
                self.send_header("Content-Range", f"bytes {start}-{whole - 1}/{whole}")
            self.end_headers()
            if server.drops:
                server.drops -= 1
                body = body[: len(body) // 2]
            self.wfile.write(body)

    http = _Quiet(("127.0.0.1", 0), Handler)
    server.url = f"http://127.0.0.1:{http.server_address[1]}"
    thread = threading.Thread(target=http.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server
    finally:
        http.shutdown()
        http.server_close()
        thread.join()
