"""The outside world's resolver: knows a few made-up names and says of all others that they do not exist.

Run as ``python -m wizara.lab.hosts.resolver ADDRESS NAME=ADDRESS…`` (RFC 1035; RFC 2308 for the negative answers).
"""

from __future__ import annotations

import socketserver
import struct
import sys
import threading

_A, _SOA, _ANY, _OPT = 1, 6, 255, 41
_IN = 1
_NXDOMAIN, _NOTIMP = 3, 4


def answer(query: bytes, names: dict[str, bytes]) -> bytes | None:
    """Return the answer to *query* from *names* (lower-case name → four bytes), or None when it cannot be read."""
    try:
        number, flags, questions = struct.unpack("!HHH", query[:6])
        name, end = _name(query, 12)
        kind, _class = struct.unpack("!HH", query[end : end + 4])
    except (struct.error, IndexError, UnicodeDecodeError):
        return None
    question = query[12 : end + 4]
    reply = 0x8080 | (flags & 0x0100)  # an answer, recursion available, the query's RD
    if questions != 1 or flags & 0x7800:
        return struct.pack("!6H", number, reply | _NOTIMP, 0, 0, 0, 0)
    exists = name in names or any(known.endswith(f".{name}") for known in names)
    if not exists:
        return struct.pack("!6H", number, reply | _NXDOMAIN, 1, 0, 1, 0) + question + _authority()
    if name in names and kind in {_A, _ANY}:
        record = b"\xc0\x0c" + struct.pack("!HHIH", _A, _IN, 300, 4) + names[name]
        return struct.pack("!6H", number, reply, 1, 1, 0, 0) + question + record
    return struct.pack("!6H", number, reply, 1, 0, 1, 0) + question + _authority()


def _authority() -> bytes:
    """Return the SOA record of the root that negative answers carry."""
    body = b"\x00\x00" + struct.pack("!5I", 1, 3600, 600, 86400, 60)
    return b"\x00" + struct.pack("!HHIH", _SOA, _IN, 60, len(body)) + body


def _name(message: bytes, start: int) -> tuple[str, int]:
    labels = []
    while size := message[start]:
        if size > 63:
            raise IndexError
        labels.append(message[start + 1 : start + 1 + size].decode("ascii").lower())
        start += 1 + size
    return ".".join(labels), start + 1


class Datagram(socketserver.BaseRequestHandler):
    """One question over UDP."""

    def handle(self) -> None:
        """Answer it."""
        query, line = self.request
        reply = answer(query, KNOWN)
        if reply:
            line.sendto(reply, self.client_address)


class Stream(socketserver.StreamRequestHandler):
    """Questions over one TCP connection."""

    timeout = 10

    def handle(self) -> None:
        """Answer each."""
        while len(head := self.rfile.read(2)) == 2:
            reply = answer(self.rfile.read(int.from_bytes(head, "big")), KNOWN)
            if not reply:
                return
            self.wfile.write(len(reply).to_bytes(2, "big") + reply)


KNOWN: dict[str, bytes] = {}


def main() -> None:
    """Serve for ever."""
    address = sys.argv[1]
    for pair in sys.argv[2:]:
        name, _equals, value = pair.partition("=")
        KNOWN[name.lower()] = bytes(int(part) for part in value.split("."))
    socketserver.ThreadingTCPServer.allow_reuse_address = True
    streams = socketserver.ThreadingTCPServer((address, 53), Stream)
    streams.daemon_threads = True
    threading.Thread(target=streams.serve_forever, daemon=True).start()
    with socketserver.ThreadingUDPServer((address, 53), Datagram) as datagrams:
        datagrams.serve_forever()


if __name__ == "__main__":
    main()
