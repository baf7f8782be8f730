"""Answers of web servers (RFC 9110, RFC 9112): head, body without the marks of its way here, and whether they decide anything."""

from __future__ import annotations

import re
from dataclasses import dataclass

LIMIT = 131072
"""Bytes that are read of an answer: of a longer one a part is known, which shows what is there and not what is not."""
_LINES, _LONG = 100, 1000
"""Lines of a head that are read, and bytes of a value: what is longer is no header that means anything here."""
_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})(?= |\r\n|\Z)")
_NAME = re.compile(rb"[A-Za-z-]{1,40}")
_HEAD_ENDS = re.compile(rb"\r?\n\r?\n")
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]{0,9}(?:;[^\r\n]{0,999})?\r?\n")
_CHUNK_ENDS = re.compile(rb"\r?\n")
_AS_IT_IS = frozenset({b"", b"identity"})
_FOUND, _SENT_ON, _FAULTY = 200, 300, 500
#: Asked too slowly, of the wrong server, too early, without the upgrade it wants, too often: another time it may be otherwise.
_LATER = frozenset({408, 421, 425, 426, 429})


@dataclass(frozen=True)
class Answer:
    """What a server said when it was asked for *path*: *octets* are its head and body, *whole* where none of the body is missing."""

    path: str
    octets: bytes = b""
    whole: bool = False

    @property
    def status(self) -> int | None:
        """The status that it begins with; None where it does not speak HTTP."""
        found = _STATUS.match(self.octets)
        return int(found[1]) if found else None

    @property
    def body(self) -> bytes:
        """What stands behind its head."""
        return self.octets.partition(b"\r\n\r\n")[2]

    @property
    def decides(self) -> bool:
        """Whether what it does not show is not there: silence, 'later', a fault of the server and a part of a page show nothing."""
        status = self.status or 0
        if b"\r\n\r\n" not in self.octets or status in _LATER or not _FOUND <= status < _FAULTY:
            return False
        return self.whole or status >= _SENT_ON


def received(path: str, octets: bytes, *, closed: bool) -> Answer:
    """Return what the *octets* that came for *path* are; *closed* when the server ended the connection after them (RFC 9112 §6.3)."""
    ends = _HEAD_ENDS.search(octets)
    if ends is None:
        return Answer(path, octets)
    head = octets[: ends.start()].replace(b"\r\n", b"\n").replace(b"\n", b"\r\n") + b"\r\n\r\n"
    body, whole, told = octets[ends.end() :], closed, dict(headers(head))
    way = told.get("transfer-encoding", b"").lower()
    length = told.get("content-length", b"")
    if way == b"chunked":
        body, whole = joined(body)
    elif length.isdigit():
        whole = len(body) >= int(length)
    readable = way in _AS_IT_IS | {b"chunked"} and told.get("content-encoding", b"").lower() in _AS_IT_IS
    return Answer(path, head + body, readable and whole)


def joined(body: bytes) -> tuple[bytes, bool]:
    """Return what stands in the chunks of *body*, and whether the last one is among them (RFC 9112 §7.1)."""
    parts: list[bytes] = []
    place = 0
    while found := _CHUNK.match(body, place):
        size = int(found[1], 16)
        if not size:
            return b"".join(parts), True
        parts.append(body[found.end() : found.end() + size])
        ends = _CHUNK_ENDS.match(body, found.end() + size)
        if not ends:
            break
        place = ends.end()
    return b"".join(parts), False


def headers(answer: bytes) -> list[tuple[str, bytes]]:
    """Return the headers of *answer*, their names in small letters: each is read once, however it is filled."""
    _first, *lines = answer.partition(b"\r\n\r\n")[0].split(b"\r\n", _LINES + 1)
    parts = [line.partition(b":") for line in lines[:_LINES]]
    told = [(name, value.strip(b" \t")) for name, colon, value in parts if colon and _NAME.fullmatch(name)]
    return [(name.decode().lower(), value) for name, value in told if len(value) <= _LONG]
