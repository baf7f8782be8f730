"""The frames of the remote shell, without one: however the bytes arrive, every answer is cut out whole."""

from __future__ import annotations

import queue
import subprocess
from pathlib import Path

import pytest

from wizara.engine.jobs import apart
from wizara.engine.line import _opening
from wizara.engine.shell import Answer, Command, Cut, Shell, _Stream


@pytest.mark.parametrize("size", [1, 2, 7, 40, 1000])
def test_frames_are_found_however_the_stream_is_cut(size: int) -> None:
    stream = _Stream("0123abcd")
    data = b"noise\n0123abcd 0 17\none\ntwo\n\n0123abcd 1 0\n\n0123abcd 2 255\n 0123abcd 3 0\n\n0123abcd 3 4\nrest"
    found = [frame for start in range(0, len(data), size) for frame in stream.feed(data[start : start + size])]
    assert found == [(0, 17, b"noise"), (1, 0, b"one\ntwo\n"), (2, 255, b""), (3, 4, b" 0123abcd 3 0\n")]
    assert stream.rest() == b"rest"


class Wire:
    """A channel whose other end is a test."""

    def __init__(self) -> None:
        self.sent: queue.Queue[bytes] = queue.Queue()
        self.out: queue.Queue[bytes] = queue.Queue()
        self.err: queue.Queue[bytes] = queue.Queue()
        self.closed = False

    def recv(self, size: int) -> bytes:
        return self.out.get()

    def recv_stderr(self, size: int) -> bytes:
        return self.err.get()

    def sendall(self, data: bytes) -> None:
        self.sent.put(data)

    def close(self) -> None:
        self.closed = True


def test_what_is_asked_before_the_connection_is_there_goes_in_one_flight_and_a_program_goes_once() -> None:
    shell, wire = Shell(), Wire()
    answers = [shell.submit(Command("a long program", (word,))) for word in ("one", "two")]
    shell.attach(wire)
    sent = wire.sent.get(timeout=5).decode()
    assert sent.count("a long program") == 1
    assert wire.sent.empty()
    token = shell._token
    wire.out.put(f"\n{token} 0 99\n1\n{token} 1 0\n2\n{token} 2 3\n".encode())
    wire.err.put(f"\n{token} 0 0\n\n{token} 1 0\ne\n{token} 2 0\n".encode())
    assert [answer.result(5) for answer in answers] == [Answer(0, b"1", b""), Answer(3, b"2", b"e")]
    assert shell.began.result(5).code == 99


FRAMES = {
    "a program": Command('echo ran > "$1"', ("ran",)),
    "a line": Command("echo ran > ran", None),
    "a program with input": Command('cat > "$1"', ("ran",), "content\n" * 4),
    "a program with binary input": Command('cat > "$1"', ("ran",), "\x01\0é" * 9),
}


@pytest.mark.parametrize("name", FRAMES)
def test_a_command_that_did_not_arrive_whole_is_not_run(name: str, tmp_path: Path) -> None:
    shell, wire = Shell(), Wire()
    shell.submit(FRAMES[name])
    shell.attach(wire)
    sent = wire.sent.get(timeout=5)
    frame = sent.rindex(b"\n{ ") + 1
    for length in [*range(frame, len(sent) - 2, 5), len(sent) - 2]:
        subprocess.run(["sh"], input=sent[:length], capture_output=True, check=False, cwd=tmp_path)
        assert not list(tmp_path.iterdir()), sent[frame:length]
    subprocess.run(["sh"], input=sent, capture_output=True, check=False, cwd=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["ran"]


def test_an_end_of_the_connection_fails_what_waits_with_what_was_said() -> None:
    shell, wire = Shell(), Wire()
    answer = shell.submit(Command("x", ()))
    shell.attach(wire)
    wire.err.put(b"sudo: a password is required\n")
    wire.out.put(b"")
    wire.err.put(b"")
    with pytest.raises(Cut, match="a password is required"):
        answer.result(5)
    assert not shell.alive
    with pytest.raises(Cut):
        shell.submit(Command("x", ())).result(1)


def test_a_marker_that_cannot_be_known_is_another_for_each_shell() -> None:
    assert len({Shell()._token for _shell in range(20)}) == 20


@pytest.mark.parametrize(
    ("privilege", "asks"), [("root", False), ("root", True), ("postgres", False), ("", False), ("wizara", False)]
)
def test_no_password_is_in_the_line_that_opens_a_shell(privilege: str, asks: bool) -> None:
    line = _opening(privilege, "wizara", asks=asks)
    assert ("sudo" in line) == (privilege in {"root", "postgres"})
    assert "setsid" in line


def test_each_job_has_an_id_of_its_own() -> None:
    command = Command("apt-get install", ("x",), long=True)
    first, second = apart(command), apart(command)
    assert first.arguments
    assert second.arguments
    assert first.arguments[0] != second.arguments[0]
    assert first.arguments[1:] == ("apt-get install", "x")
