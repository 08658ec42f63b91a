"""Serves the specimen pages and the static files under the product's own content policy."""

from __future__ import annotations

import mimetypes
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from django.template.backends.django import DjangoTemplates

from tests.design.specimens import PAGES
from tests.fixtures import axe

ROOT = Path(__file__).resolve().parent.parent.parent
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'; object-src 'none'"
)

ENGINE = DjangoTemplates(
    {
        "NAME": "specimens",
        "DIRS": [ROOT / "templates", ROOT / "tests" / "design" / "templates"],
        "APP_DIRS": False,
        "OPTIONS": {"libraries": {"edc": "trialsite.templatetags.edc"}},
    }
)


def render(name: str) -> str:
    """One specimen page as HTML."""
    return ENGINE.get_template(f"specimen/{name}.html").render(PAGES[name]())


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        path = self.path.split("?")[0]
        if path.startswith("/static/"):
            self._answer((ROOT / path.lstrip("/")).read_bytes(), mimetypes.guess_type(path)[0] or "font/woff2")
        elif path == axe.PLACE:
            self._answer(axe.FILE.read_bytes(), axe.HEAD["Content-Type"])
        elif path.strip("/") in PAGES:
            self._answer(render(path.strip("/")).encode(), "text/html; charset=utf-8")
        else:
            self.send_error(404)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.posts.append(self.path)  # type: ignore[attr-defined]
        self._answer(b"", "text/html", 204)

    def _answer(self, body: bytes, kind: str, status: int = 200) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Security-Policy", POLICY)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 the base class names it so
        """Say nothing: the tests read the page, not the log."""


class Specimens(ThreadingHTTPServer):
    """The server and what was posted to it."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.posts: list[str] = []
        self.url = f"http://127.0.0.1:{self.server_port}"


@contextmanager
def serving() -> Iterator[Specimens]:
    """A running server, gone afterwards."""
    server = Specimens()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
