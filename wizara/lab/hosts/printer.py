"""A printer that logs every byte it is sent: an audit must send it none on its print ports.

Run as ``python -m wizara.lab.hosts.printer NAME ADDRESS LOG-FOLDER``.
"""

from __future__ import annotations

import socketserver
import sys
import threading
from pathlib import Path

_PRINT = (9100, 515)
_PAGE = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n<title>Printer</title>"


class Handler(socketserver.BaseRequestHandler):
    """One connection."""

    def handle(self) -> None:
        """Log what comes; only the status page answers."""
        port = self.request.getsockname()[1]
        log = FOLDER[0] / f"{port}.bytes"
        self.request.settimeout(30)
        try:
            while block := self.request.recv(4096):
                with log.open("ab") as sink:
                    sink.write(block)
                if port not in _PRINT:
                    self.request.sendall(_PAGE)
                    return
        except OSError:
            return


FOLDER: list[Path] = []


class Listener(socketserver.ThreadingTCPServer):
    """One port."""

    allow_reuse_address = True
    daemon_threads = True


def main() -> None:
    """Serve for ever."""
    _name, address, folder = sys.argv[1:]
    FOLDER.append(Path(folder))
    listeners = [Listener((address, port), Handler) for port in (*_PRINT, 631)]
    for listener in listeners:
        (FOLDER[0] / f"{listener.server_address[1]}.bytes").touch()
    for listener in listeners[1:]:
        threading.Thread(target=listener.serve_forever, daemon=True).start()
    listeners[0].serve_forever()


if __name__ == "__main__":
    main()
