"""The outside world's package mirror: listens inside the lab, fetches through this computer's own way out.

Run as ``python -m wizara.lab.hosts.mirror NAMESPACE-FILE ADDRESS``.
"""

from __future__ import annotations

import sys
from email.utils import formatdate, parsedate_to_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from wizara.lab import apt, namespace
from wizara.lab.hosts.archive import Absent, Cache, Reading
from wizara.record.world import cache_folder

_CONTENT = "application/octet-stream"


class Server(ThreadingHTTPServer):
    """A listener with its cache."""

    daemon_threads = True
    request_queue_size = 64
    cache: Cache


class Handler(BaseHTTPRequestHandler):
    """Answers GET and HEAD as apt asks them."""

    protocol_version = "HTTP/1.1"
    server: Server

    timeout = 60

    def do_HEAD(self) -> None:
        """Answer without the content."""
        self._answer(content=False)

    def do_GET(self) -> None:
        """Answer with the content."""
        self._answer(content=True)

    def _answer(self, *, content: bool) -> None:
        try:
            found = self.server.cache.file(self.path)
        except Absent as answer:
            self.send_response(answer.status)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        if isinstance(found, Reading):
            self._pass_on(found, content=content)
        else:
            self._send_file(found, content=content)

    def _pass_on(self, transfer: Reading, *, content: bool) -> None:
        self.send_response(200)
        self.send_header("Content-Type", _CONTENT)
        self.send_header("Content-Length", str(transfer.total))
        self.end_headers()
        if content:
            try:
                for block in transfer.blocks():
                    self.wfile.write(block)
            except OSError:
                self.close_connection = True  # apt asks again for what is missing

    def _send_file(self, path: Path, *, content: bool) -> None:
        with path.open("rb") as source:
            known = path.stat()
            if self._is_known(known.st_mtime):
                self.send_response(304)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            start = self._start(known.st_size)
            self.send_response(206 if start else 200)
            if start:
                self.send_header("Content-Range", f"bytes {start}-{known.st_size - 1}/{known.st_size}")
            self.send_header("Content-Type", _CONTENT)
            self.send_header("Last-Modified", formatdate(known.st_mtime, usegmt=True))
            self.send_header("Content-Length", str(known.st_size - start))
            self.end_headers()
            source.seek(start)
            while content and (block := source.read(1 << 18)):
                self.wfile.write(block)

    def _is_known(self, changed: float) -> bool:
        since = self.headers.get("If-Modified-Since", "")
        try:
            return bool(since) and int(changed) <= parsedate_to_datetime(since).timestamp()
        except (TypeError, ValueError):
            return False

    def _start(self, size: int) -> int:
        wanted = self.headers.get("Range", "")
        number = wanted.removeprefix("bytes=").removesuffix("-")
        return int(number) if wanted and number.isdigit() and int(number) < size else 0


def main() -> None:
    """Serve for ever."""
    inside, address = sys.argv[1:]
    server = namespace.within(inside, lambda: Server((address, 80), Handler))
    archive = apt.archive()
    proxies = {"http": archive.http_proxy, "https": archive.https_proxy}
    upstream = {"debian": archive.main, "debian-security": archive.security}
    server.cache = Cache(
        cache_folder() / "mirror", upstream, {scheme: value for scheme, value in proxies.items() if value}
    )
    server.serve_forever()


if __name__ == "__main__":
    main()
