"""Asks a name server one question over TCP (RFC 1035, RFC 7766) and reads the answer; knows only what promises need."""

from __future__ import annotations

import secrets
import socket
import struct
from dataclasses import dataclass
from typing import Literal

_TYPES = {"A": 1, "PTR": 12, "TXT": 16}
_CODES = {0: "NOERROR", 2: "SERVFAIL", 3: "NXDOMAIN", 5: "REFUSED"}


@dataclass(frozen=True)
class Answer:
    """What the server said."""

    code: str
    values: tuple[str, ...] = ()


def ask(connection: socket.socket, name: str, kind: Literal["A", "PTR", "TXT"]) -> Answer:
    """Return the answer to *name*; OSError or ValueError when there is none that can be read."""
    number = secrets.randbelow(65536)
    labels = b"".join(bytes([len(label)]) + label.encode("ascii") for label in name.rstrip(".").split("."))
    question = struct.pack("!6H", number, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack("!2H", _TYPES[kind], 1)
    connection.sendall(struct.pack("!H", len(question)) + question)
    (length,) = struct.unpack("!H", _exactly(connection, 2))
    return read(_exactly(connection, length), number, kind)


def _exactly(connection: socket.socket, length: int) -> bytes:
    data = b""
    while len(data) < length:
        more = connection.recv(length - len(data))
        if not more:
            raise OSError("the name server hung up")
        data += more
    return data


def read(message: bytes, number: int, kind: str) -> Answer:
    """Return what *message* answers; ValueError when it is no answer to question *number*."""
    try:
        told, flags, questions, answers = struct.unpack_from("!4H", message)
        if told != number or not flags & 0x8000:
            raise ValueError("not an answer to the question")
        at = 12
        for _question in range(questions):
            at = _skip(message, at) + 4
        values = []
        for _answer in range(answers):
            at = _skip(message, at)
            found, _class, _ttl, length = struct.unpack_from("!2HIH", message, at)
            at += 10
            if found == _TYPES[kind]:
                values.append(_value(message, at, length, kind))
            at += length
    except (struct.error, IndexError, UnicodeDecodeError) as fault:
        raise ValueError("the answer is cut or malformed") from fault
    return Answer(_CODES.get(flags & 15, str(flags & 15)), tuple(values))


def _skip(message: bytes, at: int) -> int:
    while message[at]:
        if message[at] >= 0xC0:
            return at + 2
        at += message[at] + 1
    return at + 1


def _value(message: bytes, at: int, length: int, kind: str) -> str:
    if kind == "A":
        return socket.inet_ntoa(message[at : at + 4])
    if kind == "TXT":
        text, end = b"", at + length
        while at < end:
            text += message[at + 1 : at + 1 + message[at]]
            at += message[at] + 1
        return text.decode("ascii")
    return _name(message, at)


def _name(message: bytes, at: int) -> str:
    labels: list[str] = []
    for _label in range(128):
        length = message[at]
        if length >= 0xC0:
            at = struct.unpack_from("!H", message, at)[0] & 0x3FFF
        elif length:
            labels.append(message[at + 1 : at + 1 + length].decode("ascii"))
            at += length + 1
        else:
            return ".".join(labels)
    raise ValueError("a name without an end")
