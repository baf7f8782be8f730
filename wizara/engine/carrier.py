"""Opens SSH connections to machines whose host key is known beforehand, through jump hosts whose keys are known as well."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import socket
import threading
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import paramiko

from wizara.engine.known_hosts import Unreadable, key_of
from wizara.text import _

_CONNECT_SECONDS = 15
_LOGIN_SECONDS = 30
#: How many connections are opened at once: a handshake takes some milliseconds of this computer, and has a time limit.
_AT_ONCE = threading.Semaphore(64)
_OWN_KEYS = ("id_ed25519", "id_ecdsa", "id_rsa")
#: A link that is dead for so long is cut, milliseconds.
_DEAD_AFTER = 45_000
_TYPES = {"ssh-rsa": ("rsa-sha2-512", "rsa-sha2-256")}


class UnknownHostKey(Exception):
    """A machine shows a key that is not the pinned one; no authentication was tried."""


class NoWay(Exception):
    """A machine does not answer, or does not let us in."""


class NotLetIn(NoWay):
    """A machine is the right one, and refuses the login."""


@dataclass(frozen=True)
class Way:
    """How a machine is reached."""

    address: str
    user: str
    pin: str
    """Its public host key, ``type base64``."""
    port: int = 22
    key_file: str | None = None
    """The only key to log in with; None asks the operator's SSH settings, agent and own keys."""
    pins: tuple[tuple[str, str], ...] = ()
    """(address, key) of the other machines that are known, since they may be on the way."""


class Carrier:
    """An open SSH connection."""

    def __init__(self, transport: paramiko.Transport, before: Carrier | None = None) -> None:
        self.transport, self._before = transport, before

    @property
    def alive(self) -> bool:
        """False once the connection is known to be gone."""
        return self.transport.is_active()

    def channel(self, line: str) -> paramiko.Channel:
        """Return a channel to the running command *line*; what is written to it at once follows in the same flight."""
        channel = self.transport.open_session(timeout=_CONNECT_SECONDS)
        started = threading.Event()

        def start() -> None:
            started.set()
            with contextlib.suppress(paramiko.SSHException, OSError, EOFError):  # its reader sees the end
                channel.exec_command(line)

        threading.Thread(target=start, daemon=True).start()
        started.wait()
        return channel

    def through(self, address: str, port: int) -> paramiko.Channel:
        """Return a connection that the machine makes for us."""
        return self.transport.open_channel("direct-tcpip", (address, port), ("127.0.0.1", 0), timeout=_CONNECT_SECONDS)

    def close(self) -> None:
        """Hang up, on the jump hosts too."""
        self.transport.close()
        if self._before:
            self._before.close()


_begun: dict[Way, Future[Carrier]] = {}


def begin(way: Way) -> None:
    """Begin to connect over *way* before anybody asks for it: the first :func:`soon` for it takes this connection."""
    _begun[way] = _connecting(way)


def soon(way: Way) -> Future[Carrier]:
    """Return the connection over *way* to come."""
    return _begun.pop(way, None) or _connecting(way)


def _connecting(way: Way) -> Future[Carrier]:
    future: Future[Carrier] = Future()

    def work() -> None:
        try:
            future.set_result(connect(way))
        except Exception as fault:  # noqa: BLE001 - whoever waits is told
            future.set_exception(fault)

    threading.Thread(target=work, daemon=True).start()
    return future


def connect(way: Way) -> Carrier:
    """Return a connection over *way*; UnknownHostKey before any authentication, NoWay when there is none."""
    settings = {} if way.key_file else _settings(way.address)
    before = _jump(way, str(settings.get("proxyjump", "none")))
    try:
        with _AT_ONCE:
            return _open(way, settings, before)
    except BaseException:
        if before:
            before.close()
        raise


def _open(way: Way, settings: dict[str, Any], before: Carrier | None) -> Carrier:
    try:
        line = before.through(way.address, way.port) if before else dial(way.address, way.port)
    except (OSError, paramiko.SSHException) as fault:
        raise NoWay(
            _("{address}:{port} does not answer: {fault}").format(address=way.address, port=way.port, fault=fault)
        ) from fault
    transport = paramiko.Transport(line)
    try:
        _meet(transport, way)
        _log_in(transport, way, settings)
    except BaseException:
        transport.close()
        raise
    return Carrier(transport, before)


def _meet(transport: paramiko.Transport, way: Way) -> None:
    """Exchange keys, and go no further unless the machine holds the pinned one."""
    kind, blob = way.pin.split()[:2]
    transport.get_security_options().key_types = _TYPES.get(kind, (kind,))
    transport.banner_timeout = transport.auth_timeout = _LOGIN_SECONDS
    try:
        transport.start_client(timeout=_CONNECT_SECONDS)
        seen = transport.get_remote_server_key()  # start_client returns in silence when its time is over
    except paramiko.ssh_exception.IncompatiblePeer as fault:
        raise UnknownHostKey(_wrong(way.address, _("none of the kind {kind}").format(kind=kind), blob)) from fault
    except (paramiko.SSHException, EOFError, OSError) as fault:
        raise NoWay(_("{address} does not speak SSH: {fault}").format(address=way.address, fault=fault)) from fault
    if (seen.get_name(), seen.asbytes()) != (kind, base64.b64decode(blob)):
        raise UnknownHostKey(_wrong(way.address, seen.fingerprint, blob))


def _wrong(address: str, seen: str, blob: str) -> str:
    """Return what is told of a machine that does not hold the pinned key *blob*."""
    expected = "SHA256:" + base64.b64encode(hashlib.sha256(base64.b64decode(blob)).digest()).decode().rstrip("=")
    told = _("{address} shows the key {seen}, expected {expected}")
    what_to_do = _(
        "the machine was reinstalled, or somebody stands between: read its fingerprint at the console, "
        "then wizara enrol with --fingerprint"
    )
    return f"{told.format(address=address, seen=seen, expected=expected)} — {what_to_do}"


def _log_in(transport: paramiko.Transport, way: Way, settings: dict[str, Any]) -> None:
    keys = [_read(Path(way.key_file))] if way.key_file else _operators_keys(settings)
    said = _("no key to log in with")
    for key in keys:
        try:
            transport.auth_publickey(way.user, key)
        except paramiko.AuthenticationException as fault:
            said = str(fault)
        except (paramiko.SSHException, EOFError, OSError) as fault:
            raise NoWay(_("{address}: the connection was cut").format(address=way.address)) from fault
        else:
            return
        if not transport.is_active():
            break  # it counts attempts
    raise NotLetIn(
        _("{user}@{address}: login refused").format(user=way.user, address=way.address) + (f": {said}" if said else "")
    )


def dial(address: str, port: int, seconds: float = _CONNECT_SECONDS) -> socket.socket:
    """Return a connected socket that neither waits for more to send (40 ms a command, measured) nor for the dead."""
    connection = socket.create_connection((address, port), timeout=seconds)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in (
        ("TCP_USER_TIMEOUT", _DEAD_AFTER),
        ("TCP_KEEPIDLE", 15),
        ("TCP_KEEPINTVL", 10),
        ("TCP_KEEPCNT", 3),
    ):
        if hasattr(socket, option):
            connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
    return connection


def _settings(address: str) -> dict[str, Any]:
    """Return what the operator's ``~/.ssh/config`` says of the way to *address*."""
    path = Path.home() / ".ssh" / "config"
    if not path.is_file():
        return {}
    try:
        found: dict[str, Any] = paramiko.SSHConfig.from_path(str(path)).lookup(address)
    except (paramiko.ConfigParseError, OSError, ImportError) as fault:
        raise NoWay(_("{path} cannot be read: {fault}").format(path=path, fault=fault)) from fault
    return found


def _jump(way: Way, hops: str) -> Carrier | None:
    """Return the connection to the last of the jump hosts *hops*, each met as strictly as the machine itself."""
    if hops.lower() == "none":
        return None
    earlier, _sign, last = hops.rpartition(",")
    user, _sign, place = last.rpartition("@")
    name, _sign, port = place.partition(":")
    settings = _settings(name)
    address, number = str(settings.get("hostname", name)), int(port or settings.get("port", 22))
    hop = Way(
        address, user or str(settings.get("user", way.user)), _known(way, name, address, number), number, pins=way.pins
    )
    before = _jump(hop, earlier or str(settings.get("proxyjump", "none")))
    try:
        return _open(hop, settings, before)
    except BaseException:
        if before:
            before.close()
        raise


def _known(way: Way, name: str, address: str, port: int) -> str:
    """Return the key of a jump host: pinned in the ministry, or written down by the operator; never taken on trust."""
    pinned = dict(way.pins)
    if address in pinned and port == 22:
        return pinned[address]
    path = Path.home() / ".ssh" / "known_hosts"
    try:
        found = key_of(path, [one if port == 22 else f"[{one}]:{port}" for one in dict.fromkeys((name, address))])
    except (Unreadable, OSError) as fault:
        raise UnknownHostKey(str(fault)) from fault
    if found:
        return found
    raise UnknownHostKey(_("the jump host {name} is neither enrolled nor in {path}").format(name=name, path=path))


def _operators_keys(settings: dict[str, Any]) -> list[paramiko.PKey]:
    """Return the keys that the SSH settings name, then the agent's (FIDO keys among them), then the operator's own."""
    named = [_usable(Path(path).expanduser()) for path in settings.get("identityfile", ())]
    agent: list[paramiko.PKey] = (
        [] if str(settings.get("identityagent", "")).lower() == "none" else list(paramiko.Agent().get_keys())
    )
    own = [_usable(Path.home() / ".ssh" / name) for name in _OWN_KEYS]
    if str(settings.get("identitiesonly", "no")).lower() == "yes":
        own, agent = [], []
    return list({key.asbytes(): key for key in (*named, *agent, *own) if key is not None}.values())


def _usable(path: Path) -> paramiko.PKey | None:
    try:
        return _read(path)
    except (NoWay, paramiko.PasswordRequiredException):
        return None  # the agent has it, or nobody does


def _read(path: Path) -> paramiko.PKey:
    """Return the private key at *path*, with the certificate beside it."""
    try:
        key = paramiko.PKey.from_path(path)
        certificate = path.with_name(f"{path.name}-cert.pub")
        if certificate.is_file() and key.public_blob is None:
            key.load_certificate(str(certificate))
    except paramiko.PasswordRequiredException:
        raise
    except (OSError, paramiko.SSHException, ValueError, TypeError) as fault:
        raise NoWay(_("the key {path} cannot be read: {fault}").format(path=path, fault=fault)) from fault
    return key
