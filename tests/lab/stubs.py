"""Small servers with one weakness each, for services that Debian has no daemon of."""

from __future__ import annotations

import socketserver
import sys
import threading
import time
from pathlib import Path


class Telnet(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        self.request.sendall(b"\xff\xfd\x18\xff\xfd\x20\r\nUser Access Verification\r\n\r\nUsername: ")
        self.request.recv(64)


def says(text: str) -> type[socketserver.BaseRequestHandler]:
    class Saying(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.sendall(text.encode() + b"\r\n")
            self.request.recv(64)

    return Saying


class Relay(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        self.wfile.write(b"220 mail ESMTP\r\n")
        for line in self.rfile:
            if line.upper().startswith(b"DATA"):
                raise SystemExit("DATA was said")
            self.wfile.write(b"221 bye\r\n" if line.upper().startswith(b"QUIT") else b"250 ok\r\n")


class Admin(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        self.request.recv(2048)
        page = b"<html><title>Admin <script>document.title='PWNED'</script>\x1b[31m</title><form><input type=password></form></html>"
        self.request.sendall(
            b'HTTP/1.1 401 no\r\nServer: =HYPERLINK("http://x")\r\nWWW-Authenticate: Basic realm="<img src=x onerror=alert(1)>"\r\n\r\n'
            + page
        )


def canary(path: str) -> type[socketserver.BaseRequestHandler]:
    class Canary(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            port = self.server.server_address[1]
            self.request.settimeout(3)
            try:
                heard = self.request.recv(4096)
            except OSError:
                heard = b""
            with Path(path).open("a") as log:
                log.write(f"{port} {len(heard)}\n")

    return Canary


def serve(port: int, handler: type[socketserver.BaseRequestHandler]) -> None:
    socketserver.ThreadingTCPServer.allow_reuse_address = True
    threading.Thread(
        target=socketserver.ThreadingTCPServer(("0.0.0.0", port), handler).serve_forever, daemon=True
    ).start()


if __name__ == "__main__":
    kind, *rest = sys.argv[1:]
    if kind == "canary":
        handler, *ports = canary(rest[0]), *rest[1:]
    elif kind == "says":
        handler, *ports = says(rest[0]), *rest[1:]
    else:
        handler, *ports = {"telnet": Telnet, "relay": Relay, "admin": Admin}[kind], *rest
    for port in ports:
        serve(int(port), handler)
    while True:
        time.sleep(60)
