"""Reaches a machine over SSH, from the field or from a lab's namespace, and runs fixed programs there as root."""

from __future__ import annotations

import base64
import ctypes
import hashlib
import logging
import os
import shlex
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Self, TypeVar

import paramiko

from wizara.engine import carrier
from wizara.engine.carrier import Carrier, NotLetIn, NoWay, UnknownHostKey, Way, connect
from wizara.errors import Refusal, Unfinished, Unreachable
from wizara.inventory.secrets import Secret
from wizara.text import _

#: The account that enrolment makes.
PROVISIONER = "wizara"
_CLONE_NEWNET = 0x40000000
_CONNECT_SECONDS = 15
#: No others: the settings that enrolment leaves offer these two.
_KEY_TYPES = ("ssh-ed25519", "rsa-sha2-512")


# What it has to say comes back as a fault; without a handler it would print a traceback of its own.
logging.getLogger("paramiko").addHandler(logging.NullHandler())


_ResultT = TypeVar("_ResultT")


def inside(namespace: Path | None, action: Callable[[], _ResultT]) -> _ResultT:
    """Return what *action* gives in the network *namespace* (None: this one)."""

    def entered() -> _ResultT:
        if namespace:
            with namespace.open("rb") as handle:
                if ctypes.CDLL(None, use_errno=True).setns(handle.fileno(), _CLONE_NEWNET):
                    raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
        return action()

    # A thread of its own: setns moves only the calling thread, and this one ends with the answer.
    with ThreadPoolExecutor(max_workers=1) as thread:
        return thread.submit(entered).result()


def dial(address: str, port: int, namespace: Path | None, seconds: float = _CONNECT_SECONDS) -> socket.socket:
    """Return a socket connected to *address* out of *namespace* (None: this one); Unreachable when nothing answers."""
    try:
        return inside(namespace, partial(carrier.dial, address, port, seconds))
    except OSError as fault:
        raise Unreachable(
            _("{address}:{port} does not answer: {fault}").format(address=address, port=port, fault=fault)
        ) from fault


class LoginRefused(Refusal):
    """The machine is the right one, but it does not let this login in."""


@dataclass(frozen=True)
class HostKey:
    """A machine's public host key."""

    kind: str
    blob: str

    @classmethod
    def parse(cls, line: str) -> HostKey:
        """Read ``type base64 …``."""
        kind, blob = line.split()[:2]
        return cls(kind, blob)

    def __str__(self) -> str:
        return f"{self.kind} {self.blob}"

    @property
    def fingerprint(self) -> str:
        """The key's ``SHA256:…`` as ssh-keygen -l prints it."""
        digest = hashlib.sha256(base64.b64decode(self.blob)).digest()
        return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")


@dataclass(frozen=True)
class Login:
    """How to log in: by *key_file*, by *password*, or with neither by the operator's agent and own keys."""

    user: str
    key_file: Path | None = None
    password: Secret | None = None
    sudo_password: Secret | None = None
    """What sudo asks for; None means it asks for nothing."""


class Machine:
    """An SSH connection whose host key is known before anything is said over it."""

    def __init__(
        self, address: str, port: int = 22, namespace: Path | None = None, carrier: Carrier | None = None
    ) -> None:
        """Exchange keys, but say nothing of who we are yet; *carrier* is a connection that is made already."""
        self.address = address
        self._sudo: Secret | None = None
        self._user = ""
        self._carrier = carrier
        self._transport = carrier.transport if carrier else paramiko.Transport(dial(address, port, namespace))
        if not carrier:
            self._exchange_keys()
        key = self._transport.get_remote_server_key()
        self.host_key = HostKey(key.get_name(), key.get_base64())

    @classmethod
    def over(cls, way: Way) -> Self:
        """Return the machine at the end of *way*, logged in, through jump hosts where the operator's SSH settings name some.

        Refusal when a key on the way is not the known one, LoginRefused, or Unreachable.
        """
        try:
            made = cls(way.address, carrier=connect(way))
        except UnknownHostKey as fault:
            raise Refusal(_("host key refused: {fault}").format(fault=fault)) from fault
        except NotLetIn as fault:
            raise LoginRefused(str(fault)) from fault
        except (NoWay, OSError) as fault:
            raise Unreachable(str(fault)) from fault
        made._user = way.user
        return made

    def _exchange_keys(self) -> None:
        self._transport.get_security_options().key_types = _KEY_TYPES
        try:
            self._transport.start_client(timeout=_CONNECT_SECONDS)
        except (paramiko.SSHException, EOFError, OSError) as fault:
            self.close()
            raise Unreachable(
                _("{address} does not speak SSH: {fault}").format(address=self.address, fault=fault),
                hint=_("a server that refused a few logins shuts its door for some seconds: try again"),
            ) from fault

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_details: object) -> None:
        self.close()

    def close(self) -> None:
        """Hang up."""
        self._transport.close()
        if self._carrier:
            self._carrier.close()

    def log_in(self, login: Login, expected: HostKey) -> None:
        """Authenticate, but only to the machine that holds *expected*."""
        if self.host_key != expected:
            raise Refusal(
                _("{address} shows the key {seen}, expected {expected}").format(
                    address=self.address, seen=self.host_key.fingerprint, expected=expected.fingerprint
                ),
                hint=_(
                    "the machine was reinstalled, or somebody stands between: read its fingerprint at the console, "
                    "then wizara enrol with --fingerprint"
                ),
            )
        try:
            self._authenticate(login)
        except paramiko.AuthenticationException as fault:
            raise LoginRefused(
                _("{user}@{address}: login refused").format(user=login.user, address=self.address)
            ) from fault
        except (paramiko.SSHException, EOFError, OSError) as fault:
            raise Unreachable(_("{address}: the connection was cut").format(address=self.address)) from fault
        self._user, self._sudo = login.user, login.sudo_password

    def _authenticate(self, login: Login) -> None:
        if login.password:
            self._transport.auth_password(login.user, login.password.reveal())
            return
        keys = [_private_key(login.key_file)] if login.key_file else _own_keys()
        for key in keys:
            if not self._transport.is_active():
                break  # the server hung up: it counts attempts
            try:
                self._transport.auth_publickey(login.user, key)
            except paramiko.AuthenticationException:
                continue
            return
        raise paramiko.AuthenticationException("no key was accepted")

    def forget_sudo_password(self) -> None:
        """Give sudo no password from now on: it asks for none."""
        self._sudo = None

    def run(self, script: str, *arguments: str, stdin: str = "") -> str:
        """Run *script* in sh as the login itself and return what it printed; Unfinished when it fails."""
        return self._finish(shlex.join(["sh", "-c", script, "wizara", *arguments]), stdin)

    def run_as_root(self, script: str, *arguments: str, stdin: str = "", seconds: float | None = None) -> str:
        """Run *script* in sh as root; Unreachable when it is silent for so many *seconds*, where a number is given."""
        command, first = self._as_root(script, arguments)
        return self._finish(command, first + stdin, seconds)

    def converse_as_root(self, script: str, *arguments: str) -> paramiko.Channel:
        """Return a conversation with *script*, run in sh as root; Unreachable when none comes about."""
        command, first = self._as_root(script, arguments)
        try:
            channel = self._transport.open_session(timeout=_CONNECT_SECONDS)
            channel.exec_command(command)
            channel.sendall(first.encode())
        except (paramiko.SSHException, EOFError, OSError) as fault:
            raise Unreachable(_("{address}: the connection was cut").format(address=self.address)) from fault
        return channel

    def _as_root(self, script: str, arguments: tuple[str, ...]) -> tuple[str, str]:
        """Return the command that runs *script* as root, and what it must be told first."""
        words = ["sh", "-c", script, "wizara", *arguments]
        if self._user == "root":
            return shlex.join(words), ""
        if self._sudo is None:
            return shlex.join(["sudo", "-n", *words]), ""
        # -k makes sudo ask each time, so that the first line of the input is always its own.
        return shlex.join(["sudo", "-k", "-S", "-p", "", *words]), f"{self._sudo.reveal()}\n"

    def begin_as_root(self, script: str, *arguments: str) -> paramiko.Channel:
        """Begin *script* in sh as root and return the channel that its input and output are on; sudo must ask nothing."""
        words = ["sh", "-c", script, "wizara", *arguments]
        try:
            channel = self._transport.open_session(timeout=_CONNECT_SECONDS)
            channel.exec_command(shlex.join(words if self._user == "root" else ["sudo", "-n", *words]))
        except (paramiko.SSHException, EOFError, OSError) as fault:
            raise Unreachable(_("{address}: the connection was cut").format(address=self.address)) from fault
        return channel

    def through(self, address: str, port: int, seconds: float) -> paramiko.Channel:
        """Return a connection that the machine itself makes to *address*; OSError when it cannot."""
        try:
            return self._transport.open_channel("direct-tcpip", (address, port), ("127.0.0.1", 0), timeout=seconds)
        except (paramiko.SSHException, EOFError) as fault:
            raise OSError(str(fault)) from fault

    @property
    def alive(self) -> bool:
        """Whether the connection still stands."""
        return self._transport.is_active()

    def _finish(self, command: str, stdin: str, seconds: float | None = None) -> str:
        try:
            channel = self._transport.open_session(timeout=_CONNECT_SECONDS)
            channel.settimeout(seconds)
            channel.exec_command(command)
            channel.sendall(stdin.encode())
            channel.shutdown_write()
            out = channel.makefile("rb").read()
            said = channel.makefile_stderr("rb").read()
            status = channel.recv_exit_status()
        except (paramiko.SSHException, EOFError, OSError) as fault:
            raise Unreachable(_("{address}: the connection was cut").format(address=self.address)) from fault
        if status != 0:
            words = " / ".join(line for line in (said or out).decode(errors="replace").splitlines() if line.strip())[
                -400:
            ]
            raise Unfinished(_("{address}: {words}").format(address=self.address, words=words or f"exit {status}"))
        return str(out.decode(errors="replace"))


def _private_key(path: Path) -> paramiko.PKey:
    try:
        return paramiko.PKey.from_path(path)
    except (OSError, paramiko.SSHException, ValueError, TypeError) as fault:
        raise Refusal(_("the key {path} cannot be read: {fault}").format(path=path, fault=fault)) from fault


def _own_keys() -> list[paramiko.PKey]:
    """Return the agent's keys, then the readable ones of the operator's own folder."""
    keys: list[paramiko.PKey] = list(paramiko.Agent().get_keys())
    for name in ("id_ed25519", "id_ecdsa", "id_rsa"):
        path = Path.home() / ".ssh" / name
        if path.is_file():
            try:
                keys.append(paramiko.PKey.from_path(path))
            except (paramiko.SSHException, ValueError, TypeError):
                continue
    return keys
