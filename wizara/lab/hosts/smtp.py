"""A mail server that takes mail from anybody for anybody, and throws it away.

Run as ``python -m wizara.lab.hosts.smtp NAME ADDRESS LOG-FOLDER`` (RFC 5321).
"""

from __future__ import annotations

import socketserver
import sys
from pathlib import Path

_ANSWERS = {
    "HELO": "250 {name}", "MAIL": "250 2.1.0 Ok", "RCPT": "250 2.1.5 Ok", "RSET": "250 2.0.0 Ok", "NOOP": "250 2.0.0 Ok",
    "VRFY": "252 2.0.0 perhaps", "DATA": "354 End data with <CR><LF>.<CR><LF>", "QUIT": "221 2.0.0 Bye",
    "EHLO": "250-{name}\r\n250-SIZE 1048576\r\n250 8BITMIME",
}  # fmt: skip


class Handler(socketserver.StreamRequestHandler):
    """One session."""

    timeout = 60

    def handle(self) -> None:
        """Answer every command as a relay open to all would."""
        self._say(f"220 {NAME[0]} ESMTP")
        while line := self.rfile.readline(2048):
            word = line[:4].decode("ascii", "replace").upper()
            self._say(_ANSWERS.get(word, "502 5.5.2 Error: command not recognized").format(name=NAME[0]))
            if word == "QUIT":
                return
            if word == "DATA":
                with (FOLDER[0] / "messages").open("ab") as sink:
                    while (part := self.rfile.readline(4096)) not in {b".\r\n", b".\n", b""}:
                        sink.write(part)
                self._say("250 2.0.0 Ok: queued")

    def _say(self, words: str) -> None:
        self.wfile.write(words.encode() + b"\r\n")


NAME: list[str] = []
FOLDER: list[Path] = []


def main() -> None:
    """Serve for ever."""
    name, address, folder = sys.argv[1:]
    NAME.append(name)
    FOLDER.append(Path(folder))
    socketserver.ThreadingTCPServer.allow_reuse_address = True
    with socketserver.ThreadingTCPServer((address, 25), Handler) as server:
        server.daemon_threads = True
        server.serve_forever()


if __name__ == "__main__":
    main()
