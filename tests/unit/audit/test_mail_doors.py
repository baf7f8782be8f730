"""An interruption in the middle of a mail conversation is an interruption, whatever the server says next."""

from __future__ import annotations

import smtplib
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from wizara.tree import load

doors = load("audits.mail.doors")


class Near:
    """A place whose connections lead to a server of the test."""

    def __init__(self, line: socket.socket) -> None:
        self.line = line

    def connect(self, _address: str, _port: int, _seconds: float) -> socket.socket:
        return self.line


class Plain:
    """TLS settings that leave a line as it is."""

    def wrap_socket(self, line: socket.socket, **_names: Any) -> socket.socket:
        return line


@contextmanager
def served(greeting: bytes, answer: Callable[[bytes], bytes]) -> Iterator[Near]:
    """Give the place to a server that says *greeting*, then what *answer* makes of what it hears."""
    ours, theirs = socket.socketpair()

    def serve() -> None:
        with theirs:
            theirs.sendall(greeting)
            while heard := theirs.recv(4096):
                theirs.sendall(answer(heard))

    server = threading.Thread(target=serve)
    server.start()
    try:
        yield Near(ours)
    finally:
        ours.close()
        server.join(5)


def test_an_interrupted_submission_is_interrupted() -> None:
    with served(b"220 ready\r\n", lambda _heard: b"250 taken at last\r\n") as place:
        with pytest.raises(KeyboardInterrupt), doors.Submission(place, "192.0.2.1", 587, "mail.example"):
            raise KeyboardInterrupt
        assert place.line.fileno() == -1


def test_an_interrupted_reading_is_interrupted() -> None:
    def answer(heard: bytes) -> bytes:
        tag, _space, command = heard.partition(b" ")
        return (
            b"* CAPABILITY IMAP4rev1\r\n" + tag + b" OK done\r\n"
            if command.startswith(b"CAP")
            else tag + b" BAD that\r\n"
        )

    with served(b"* OK\r\n", answer) as place:
        with pytest.raises(KeyboardInterrupt), doors.Mailbox(place, "192.0.2.1", 993, "mail.example", Plain()):
            raise KeyboardInterrupt
        assert place.line.fileno() == -1


def test_leave_is_taken_where_nothing_went_wrong() -> None:
    with (
        served(b"220 ready\r\n", lambda _heard: b"250 not 221\r\n") as place,
        pytest.raises(smtplib.SMTPResponseException),
        doors.Submission(place, "192.0.2.1", 587, "mail.example"),
    ):
        pass
