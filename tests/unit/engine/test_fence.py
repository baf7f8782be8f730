"""A command that comes too late is refused by the node's own shell, and lies there in case it may be run after all."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from wizara.engine import fence
from wizara.engine.carrier import Way
from wizara.engine.fence import LATE, OVER, Fence, NodeClock, now
from wizara.engine.line import Line
from wizara.engine.shell import Answer, Command, Cut, Shell
from wizara.errors import Unfinished


class Pipe:
    """A channel at whose other end a shell of this computer reads, and what was written to it."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            ["setsid", "sh"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0
        )
        self.sent = b""

    def recv(self, size: int) -> bytes:
        assert self.process.stdout
        return self.process.stdout.read(size)

    def recv_stderr(self, size: int) -> bytes:
        assert self.process.stderr
        return self.process.stderr.read(size)

    def sendall(self, data: bytes) -> None:
        assert self.process.stdin
        self.sent += data
        self.process.stdin.write(data)

    def close(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    made = Pipe()
    yield made
    made.close()
    made.process.wait(5)


@pytest.fixture
def shell(pipe: Pipe) -> Shell:
    """A shell that has told its time."""
    made = Shell()
    made.attach(pipe)
    made.began.result(5)
    return made


def writing(path: Path) -> Command:
    return Command('cat >> "$1"', (str(path),), "content\n")


def test_a_late_command_is_not_run_and_is_sent_once_when_it_is_run_after_all(
    shell: Shell, pipe: Pipe, tmp_path: Path
) -> None:
    path = tmp_path / "written"
    assert shell.submit(writing(path), Fence(now() - 1)).result(5).code == LATE
    assert not path.exists()
    assert shell.submit(writing(path), Fence(now() + 60)).result(5) == Answer(0, b"", b"")
    assert path.read_text() == "content\n"
    assert pipe.sent.count(b"\ncontent\n") == 1
    assert shell.submit(writing(path), Fence(now() + 60)).result(5).code == 0
    assert path.read_text() == "content\n" * 2


def test_what_waits_in_a_stalled_connection_is_not_run_when_it_arrives(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fence, "now", lambda: now() - 40)  # as if the node had told its time forty seconds ago
    clock = NodeClock()
    clock.heard(Path("/proc/uptime").read_bytes().split()[0])
    assert clock.there(now()) - clock.there(now() - 40) == pytest.approx(40, abs=1)
    assert shell.submit(writing(tmp_path / "x"), Fence(now() - 40 + fence.SECONDS)).result(5).code == LATE
    assert not (tmp_path / "x").exists()


def test_a_command_of_a_change_that_is_not_open_is_not_run(shell: Shell, tmp_path: Path) -> None:
    gone = Fence(now() + 60, "no-such-change-1")
    assert shell.submit(writing(tmp_path / "x"), gone).result(5).code == OVER
    assert not (tmp_path / "x").exists()
    said = shell.submit(Command("echo out; echo err >&2; exit 7", ()), Fence(now() + 60)).result(5)
    assert said == Answer(7, b"out\n", b"err\n")


def test_the_nodes_time_is_never_taken_for_later_than_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, moment = NodeClock(), [100.0]
    monkeypatch.setattr(fence, "now", lambda: moment[0])
    clock.heard(b"1000.5")
    assert clock.there(115) == 1015
    moment[0] = 140.0  # it was told at 1030, and took ten seconds
    clock.heard(b"1030.5")
    assert clock.there(115) == 1015
    moment[0] = 150.0  # frozen while the first one was on its way
    clock.heard(b"1055.0")
    assert clock.there(115) == 1020


class Lines:
    """A line whose node answers as it is told."""

    def __init__(self, codes: list[int]) -> None:
        self.codes, self.fences = codes, list[Fence | None]()
        self.began: Future[Answer] = Future()
        self.began.set_result(Answer(1, b"", b""))
        self.alive = True

    def submit(self, _command: Command, asked: Fence | None = None) -> Future[Answer]:
        self.fences.append(asked)
        found: Future[Answer] = Future()
        found.set_result(Answer(self.codes.pop(0), b"", b""))
        return found


def line(codes: list[int], monkeypatch: pytest.MonkeyPatch) -> tuple[Line, Lines]:
    made, node = Line(Way("192.0.2.1", "root", "")), Lines(codes)
    monkeypatch.setattr(made, "_shell", lambda _command: node)
    return made, node


def test_a_late_command_is_sent_again_only_with_a_lease_that_was_renewed(monkeypatch: pytest.MonkeyPatch) -> None:
    made, node = line([LATE, 0], monkeypatch)
    asked: list[float] = []

    def lease(after: float) -> float:
        asked.append(after)
        return after + 100

    made.lease = lease
    assert made.act(Command("x", ())).code == 0
    assert asked == [0, 100]
    assert node.fences == [Fence(100 + fence.SECONDS), Fence(200 + fence.SECONDS)]


def test_nothing_more_is_sent_once_the_lease_is_lost_or_the_change_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    made, node = line([OVER], monkeypatch)
    made.change = "run-1"
    with pytest.raises(Unfinished, match="nothing more was done here"):
        made.act(Command("x", ()))
    assert node.fences == [Fence(None, "run-1")]

    def lost(_after: float) -> float:
        raise Unfinished("lost")

    made.lease = lost
    for way in (made.act, made.aside):
        doing: Any = way
        with pytest.raises(Unfinished, match="lost"):
            doing(Command("x", ()))
    made.beneath(Command("x", ()))
    assert len(node.fences) == 1


def test_a_long_command_whose_shell_has_died_is_begun_over_the_next_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    made, node = line([0, 0], monkeypatch)
    node.began = Future()
    node.began.set_exception(Cut("the connection was cut"))
    made.lease = lambda _after: 100.0
    assert made.act(Command("x", (), long=True)).code == 0
    assert node.fences[0] == Fence(100 + fence.SECONDS)
