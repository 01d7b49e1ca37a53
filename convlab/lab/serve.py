"""A page on this machine alone, which is made anew when what it shows has changed."""

from __future__ import annotations

from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock
from typing import Any

HOST = "127.0.0.1"


def stamp(folder: Path) -> str:
    """What changes whenever a file of a folder is written: the time of the newest one."""
    times = [path.stat().st_mtime_ns for path in folder.glob("*") if path.suffix != ".html"]
    return str(max(times, default=0))


def server(make: Callable[[str], bytes], changed: Callable[[], str]) -> ThreadingHTTPServer:
    """A server on loopback, at a free port, of one page.

    ``make``: the page for a stamp; ``changed``: the stamp of what there is now, which an open page
    asks for.  Only requests that name this machine are answered, so that no other site's name can
    be made to lead here.
    """
    lock = Lock()
    kept: list[Any] = ["", b""]  # a stamp, and the page for it

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self):
            port = served.server_port
            if self.headers.get("Host") not in (f"{HOST}:{port}", f"localhost:{port}"):
                self.send_error(403)
            elif self.path == "/stamp":
                self._give(changed().encode(), "text/plain")
            elif self.path == "/":
                self._give(self._page(), "text/html")
            else:
                self.send_error(404)

        def _page(self) -> bytes:
            with lock:
                now = changed()
                if now != kept[0]:
                    kept[:] = now, make(now)
                return kept[1]

        def _give(self, content: bytes, kind: str) -> None:
            self.send_response(200)
            self.send_header("Content-Type", f"{kind}; charset=utf-8")
            self.send_header("Content-Length", str(len(content)))
            self.send_header("Cache-Control", "no-store")
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format, *arguments):
            """Nothing: who looks at the page sees it."""

    served = ThreadingHTTPServer((HOST, 0), Answers)
    return served
