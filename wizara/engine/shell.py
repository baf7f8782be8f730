"""A remote shell that stays: commands are written to it one behind the other, their answers come back framed."""

from __future__ import annotations

import base64
import contextlib
import re
import secrets
import shlex
import threading
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Protocol

from wizara.engine.fence import GUARD, LATE, Fence, NodeClock
from wizara.text import _

_READ = 65536
#: what a here-document carries as it is; the rest goes in base64
_PLAIN = re.compile(r"[\x20-\x7e\n]*")
# The first frame tells the shell's process group, which a time-out kills, and the node's time since its start. Commands get no
# input unless they have some, and what they leave in variables, options and folders dies with their own subshell.
_HELLO = r"""__t={token}
__w() {{ printf '\n%s %s %s\n' "$__t" "$1" "$2"; printf '\n%s %s 0\n' "$__t" "$1" >&2; }}
read -r __n __r < /proc/uptime; printf %s "$__n"; __w 0 $$
"""


class Cut(OSError):
    """The connection, or the shell at its other end, is gone; what was under way has an unknown end."""


@dataclass(frozen=True)
class Answer:
    """What a command said, and its exit status."""

    code: int
    out: bytes
    err: bytes


@dataclass(frozen=True)
class Command:
    """A command as it is sent: a program with arguments, or a line for sh."""

    script: str
    arguments: tuple[str, ...] | None = None
    """None when *script* is a whole command line, run in a sh of its own."""
    stdin: str | None = None
    privilege: str = "root"
    """``root``, the name of another user to become by sudo, or nothing for the login itself."""
    long: bool = False
    """It may take minutes: it outlives a cut link, and nothing waits behind it."""


class Channel(Protocol):
    """The two ways of an SSH channel, as paramiko has them."""

    def recv(self, size: int) -> bytes:
        """Return some output; nothing at its end."""

    def recv_stderr(self, size: int) -> bytes:
        """Return some error output; nothing at its end."""

    def sendall(self, data: bytes) -> object:
        """Write all of *data*."""

    def close(self) -> None:
        """End it."""


class _Stream:
    """One output of the shell, cut into frames by the marker that nothing else can know."""

    def __init__(self, token: str) -> None:
        self._marker = re.compile(rb"\n" + token.encode() + rb" (\d+) (\d+)\n")
        self._width = len(token) + 32
        self._data = bytearray()
        self._seen = 0

    def feed(self, data: bytes) -> list[tuple[int, int, bytes]]:
        """Take *data* and return (number, code, output) of each frame that it completes."""
        self._data += data
        found = []
        while frame := self._marker.search(self._data, max(0, self._seen - self._width)):
            found.append((int(frame[1]), int(frame[2]), bytes(self._data[: frame.start()])))
            del self._data[: frame.end()]
            self._seen = 0
        self._seen = len(self._data)
        return found

    def rest(self) -> bytes:
        """Return what no marker has ended."""
        return bytes(self._data)


class Shell:
    """Commands may be given before it is attached; they are written in one go as soon as it is."""

    def __init__(self) -> None:
        self._token = secrets.token_hex(16)
        self._streams = {"out": _Stream(self._token), "err": _Stream(self._token)}
        self._parts: dict[int, dict[str, tuple[int, bytes]]] = {}
        self._waiting: dict[int, Future[Answer]] = {0: Future()}
        self._scripts: dict[str, int] = {}
        self._clock = NodeClock()
        self._bodies: dict[int, tuple[Command, int]] = {}
        """Number of what is under way behind a fence → the command, and the number it came to the node with."""
        self._late: dict[Command, int] = {}
        """Commands that came too late and lie at the node still."""
        self._unsent = [_HELLO.format(token=self._token)]
        self._wake = threading.Event()
        self._channel: Channel | None = None
        self._fault: Exception | None = None
        self._next = 1
        self._ended = 0
        self.began = self._waiting[0]
        """Its answer's code is the shell's process group."""

    @property
    def alive(self) -> bool:
        """False once nothing more can be asked of it."""
        return self._fault is None

    def submit(self, command: Command, fence: Fence | None = None) -> Future[Answer]:
        """Write *command* behind what was written before, and return its answer to come.

        With a *fence* the node itself refuses it when it comes too late: LATE or OVER is the answer's code then. The first answer
        must have come (``began``), for the node's time.
        """
        future: Future[Answer] = Future()
        if self._fault:
            future.set_exception(self._fault)
            return future
        number, self._next = self._next, self._next + 1
        self._waiting[number] = future
        self._unsent.append(self._framed(number, command) if fence is None else self._fenced(number, command, fence))
        self._wake.set()
        return future

    def attach(self, channel: Channel) -> None:
        """Go to work over *channel*, at whose other end sh reads."""
        self._channel = channel
        for target, name in ((self._write, ""), (self._read, "out"), (self._read, "err")):
            threading.Thread(target=target, args=(name,) if name else (), daemon=True).start()

    def fail(self, fault: Exception) -> None:
        """Let everything that waits fail with *fault*."""
        self._fault = self._fault or fault
        self._wake.set()
        waiting, self._waiting = self._waiting, {}
        for future in waiting.values():
            future.set_exception(self._fault)
        if self._channel:
            with contextlib.suppress(OSError, EOFError):
                self._channel.close()

    def _fenced(self, number: int, command: Command, fence: Fence) -> str:
        """Return what is written for *command* behind its *fence*; the command itself only if it is not there yet."""
        if GUARD not in self._scripts:
            self._scripts[GUARD] = len(self._scripts)
            self._unsent.append(GUARD)
        lies = self._late.pop(command, number)
        body = f"__c{number}() {{ {self._fed(number, command)}}}\n" if lies == number else ""
        self._bodies[number] = (command, lies)
        until = "" if fence.until is None else str(self._clock.there(fence.until))
        job = command.arguments[0] if command.long and command.arguments else ""
        return body + f"__g {number} '{until}' '{fence.change}' '{job}' {lies} </dev/null\n"

    def _framed(self, number: int, command: Command) -> str:
        """Return what is written for *command*; in braces, since sh runs them only when they have arrived whole."""
        return f"{{ {self._fed(number, command)}__w {number} $?\n}}\n"

    def _fed(self, number: int, command: Command) -> str:
        """Return *command* with its input."""
        body, end = f"({self._body(command)})", f"{self._token}-{number}"
        if command.stdin is None:
            return f"{body} </dev/null\n"
        text = command.stdin
        if text and (not text.endswith("\n") or not _PLAIN.fullmatch(text)):
            text = base64.encodebytes(text.encode("utf-8", "surrogateescape")).decode()
            return f"base64 -d <<'{end}' | {body}\n{text}{end}\n"
        return f"{body} <<'{end}'\n{text}{end}\n"

    def _body(self, command: Command) -> str:
        if command.arguments is None:
            return f"exec sh -c {shlex.quote(command.script)}"
        arguments = " ".join(map(shlex.quote, command.arguments))
        if command.script not in self._scripts:
            self._scripts[command.script] = number = len(self._scripts)
            self._unsent.append(f"__s{number}={shlex.quote(command.script)}\n")
        return f'set -- {arguments};eval "$__s{self._scripts[command.script]}"'

    def _write(self) -> None:
        channel = self._channel
        assert channel is not None
        try:
            while not self._fault:
                self._wake.clear()
                unsent, self._unsent = self._unsent, []
                if unsent:
                    channel.sendall("".join(unsent).encode("utf-8", "surrogateescape"))
                else:
                    self._wake.wait()
        except OSError as fault:
            self.fail(Cut(_("the connection was cut") + f": {fault}"))

    def _read(self, name: str) -> None:
        channel = self._channel
        assert channel is not None
        receive = channel.recv if name == "out" else channel.recv_stderr
        try:
            while data := receive(_READ):
                for number, code, output in self._streams[name].feed(data):
                    self._take(number, name, code, output)
        except OSError as fault:
            self.fail(Cut(_("the connection was cut") + f": {fault}"))
        self._ended += 1
        if self._ended == 2:
            said = self._streams["err"].rest().decode(errors="replace").strip()
            self.fail(Cut(said[-400:] or _("the connection was cut, or the remote shell ended")))

    def _take(self, number: int, name: str, code: int, output: bytes) -> None:
        parts = self._parts.setdefault(number, {})
        parts[name] = (code, output)
        if len(parts) == 2:
            del self._parts[number]
            future = self._waiting.pop(number, None)
            answer = Answer(*parts["out"], parts["err"][1])
            body = self._bodies.pop(number, None)
            if number == 0 or answer.code == LATE:
                self._clock.heard(answer.out)
            if body and answer.code == LATE:
                self._late[body[0]] = body[1]
            if future:
                future.set_result(answer)
