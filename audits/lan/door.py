"""The one way out to a host: every socket and frame to it passes here, after mandate, perimeter, never-list, budget and breaker."""

from __future__ import annotations

import asyncio
import copy
import socket
import ssl
import struct
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from ipaddress import IPv6Address, ip_address

from audits.lan.breaker import Breaker, Health
from audits.lan.budget import FIRST, Budget, budget, class_of
from audits.lan.pace import Bucket
from audits.lan.patience import Patience
from audits.lan.ports import CONTROLLER, FORBIDDEN, HUSHED
from audits.lan.tries import Tries
from wizara.audit.limits import Address, Network
from wizara.audit.orders import Orders
from wizara.errors import Refusal
from wizara.text import _

_CONNECT, _CLOSE = 2, 1
"""Frames that opening a connection takes of us (SYN, ACK), and ending it."""
_HANDSHAKE = 2
"""Frames that going on in TLS takes of us: a hello, and the end of the handshake."""
_TALK, _ANSWER = 12, 4
"""Time-outs that one connection, and one answer on it, may last: who sends a byte now and then holds nobody up."""
_SHAKEN = 2
"""Time-outs that a handshake of TLS may take."""
_RTT = struct.Struct("=68xI")
"""Where ``tcpi_rtt``, in microseconds, stands in Linux's ``struct tcp_info``."""


class LeftAlone(OSError):
    """The breaker has tripped for this host: nothing is sent to it any more."""


class Untouchable(Refusal):
    """A port that is never sent a byte, whoever names it: no fault of the mandate, and where a host chose it no end of the audit."""


class Talk:
    """One connection: bounded reads, each with a deadline, and one for all of them."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, timeout: float, spend: Callable[[int], None],
        host: Host, hushed: str | None = None,
    ) -> None:  # fmt: skip
        self._reader, self._writer, self._timeout, self._spend, self._hushed = reader, writer, timeout, spend, hushed
        self._bucket, self._patience, self._grace = host.bucket, host.patience, min(2 * _round_trip(writer), timeout)
        self._end = time.monotonic() + _TALK * timeout

    async def hear(self, limit: int = 8192, seconds: float | None = None) -> bytes:
        """Return what comes next, at most *limit* bytes; nothing when it stays silent or closes."""
        began = time.monotonic()
        heard = await self._hear(limit, seconds)
        self._patience.wait(time.monotonic() - began, self._grace)
        return heard

    async def _hear(self, limit: int, seconds: float | None = None) -> bytes:
        left = self._end - time.monotonic()
        if left <= 0 or self._patience.over:
            return b""
        try:
            await asyncio.wait_for(self._bucket.settle(), left)  # our kernel acknowledges what is heard
            left = max(0.0, self._end - time.monotonic())
            heard = await asyncio.wait_for(self._reader.read(limit), min(seconds or self._timeout, left))
        except (TimeoutError, OSError):
            return b""
        self._spend(1)
        return heard

    async def hear_until(self, ending: Callable[[bytes], bool], limit: int = 65536) -> bytes:
        """Return what comes until *ending* says it is enough, the peer stops, or *limit* is reached."""
        heard = b""
        began = time.monotonic()
        until = began + _ANSWER * self._timeout
        while len(heard) < limit and not ending(heard) and time.monotonic() < until:
            more = await self._hear(limit - len(heard))
            if not more:
                break
            heard += more
        self._patience.wait(time.monotonic() - began, self._grace)
        return heard

    async def say(self, octets: bytes) -> None:
        """Send *octets*; a peer that is gone is simply not heard afterwards."""
        if self._hushed:
            raise Untouchable(self._hushed)
        self._spend(1 + len(octets) // 1400)
        try:
            self._writer.write(octets)
            await asyncio.wait_for(self._writer.drain(), self._timeout)
        except (TimeoutError, OSError):
            return

    async def encrypt(self, tls: ssl.SSLContext) -> bool:
        """Go on in TLS; say whether that came about, for a connection where it did not is of no more use."""
        if self._hushed:
            raise Untouchable(self._hushed)
        began = time.monotonic()
        left = self._end - began
        if left <= 0 or self._patience.over:
            return False
        self._spend(_HANDSHAKE)
        try:
            await asyncio.wait_for(self._writer.start_tls(tls, server_hostname=""), min(_SHAKEN * self._timeout, left))
        except (TimeoutError, OSError):
            return False
        finally:
            self._patience.wait(time.monotonic() - began, self._grace)
        return True

    @property
    def ended(self) -> bool:
        """Say whether the peer has closed or reset, and all that it said was heard."""
        return self._reader.at_eof() or self._reader.exception() is not None

    @property
    def certificate(self) -> bytes | None:
        """The peer's certificate (DER) when the connection is TLS, and the peer has not broken it off already."""
        tls = self._writer.get_extra_info("ssl_object")
        try:
            return tls.getpeercert(binary_form=True) if isinstance(tls, ssl.SSLObject) else None
        except ValueError:
            return None


class Host:
    """What one host may still get."""

    def __init__(self, own: Budget, patience: Patience) -> None:
        self.bucket, self.sockets, self.patience = Bucket(own.per_second), asyncio.Semaphore(own.sockets), patience


class Door:
    """Opens sockets to hosts the mandate allows, as slowly as the profile and the host's class want."""

    def __init__(self, orders: Orders) -> None:
        self.orders, self.pace, self.breaker = orders, orders.pace, Breaker()
        self.tries = Tries(wanted=orders.logins, stopped=orders.locked)
        self._all = asyncio.Semaphore(orders.pace.sockets)
        self._hosts: dict[str, Host] = {}
        self._names: dict[str, str] = {}
        self._wires: dict[Network | str, Bucket] = {}
        self._checked: dict[str, float] = {}
        self._hours_hold = 0.0
        self._refused: set[tuple[str, int]] = set()
        self.inside: ssl.SSLContext | None = None
        """The TLS that all connections begin with, if any."""
        self.sent = 0
        """Frames that left below the sockets."""

    def within(self, tls: ssl.SSLContext) -> Door:
        """Return this door, with the same budgets and checks, for connections that speak *tls* from their first byte."""
        other = copy.copy(self)
        other.inside = tls
        return other

    def plug(self, port: str, networks: tuple[Network, ...]) -> None:
        """Note that *networks* are one wire, which the interface *port* is plugged into; link-local addresses are of it, too."""
        bucket = Bucket(self.pace.lan_per_second)
        for one in (port, *networks):
            self._wires.setdefault(one, bucket)

    def spares(self, port: str) -> bool:
        """Say whether the mandate excludes machines of the wire that the interface *port* is plugged into."""
        wire = self._wires.get(port)
        return any(self.orders.limits.spares(one) for one in self.orders.networks if self._wires.get(one) is wire)

    def wire(self, ip: str) -> Bucket:
        """Return the brake of the LAN that *ip* is on, or that the interface of this name is plugged into."""
        address = None if ip in self._wires else ip_address(ip)
        place: Network | str = ip
        if isinstance(address, IPv6Address) and address.scope_id:
            place = address.scope_id
        elif address:
            place = next((one for one in self.orders.networks if address in one), "")
        return self._wires.setdefault(place, Bucket(self.pace.lan_per_second))

    def same(self, ip: str, other: str) -> None:
        """Note that *ip* is the machine that *other* is: they share one budget."""
        self._names.setdefault(ip, self._names.get(other, other))

    def may_log_in(self, ip: str, account: str) -> str:
        """Note that the well-known login of *account* is tried at *ip*, and return nothing; or return why it may not be."""
        return self.tries.take(self._names.get(ip, ip), account)

    def health(self, ip: str) -> Health:
        """Return how *ip* answers."""
        return self.breaker.health(self._names.get(ip, ip))

    def heard(self, ip: str, seconds: float) -> None:
        """Note an answer of *ip* after *seconds*."""
        self.breaker.heard(self._names.get(ip, ip), seconds)

    def missed(self, ip: str) -> None:
        """Note that an open service of *ip* takes no connection any more."""
        self.breaker.missed(self._names.get(ip, ip))

    def host(self, ip: str) -> Host:
        """Return what *ip* may still get."""
        name = self._names.get(ip, ip)
        if name not in self._hosts:
            own = budget(self.pace, class_of(self.orders.roles.get(name)))
            self._hosts[name] = Host(own, self._patience(name, own))
        return self._hosts[name]

    def _patience(self, name: str, own: Budget) -> Patience:
        return Patience(self.pace.timeout, own.sockets, lambda: self.breaker.tired(name))

    def slow_start(self, ip: str) -> None:
        """Touch *ip*, of which nothing is known yet, as slowly as what breaks easily."""
        bucket = self.host(ip).bucket
        bucket.restrain(min(bucket.per_second, FIRST * self.pace.gentle))

    def classify(self, ip: str, kind: str) -> None:
        """Touch *ip* from now on as a device of the class *kind* wants it."""
        own, host = budget(self.pace, kind), self.host(ip)
        host.bucket.restrain(own.per_second)
        host.sockets = asyncio.Semaphore(own.sockets)
        host.patience = self._patience(self._names.get(ip, ip), own)

    def check(self, ip: str, port: int | None = None) -> None:
        """Refuse what must never be touched, at this moment; LeftAlone when the breaker has tripped."""
        if port in FORBIDDEN:
            raise Untouchable(
                _("port {port} of {ip} is never touched: printers print what they hear").format(port=port, ip=ip)
            )
        address = ip_address(ip)
        if isinstance(address, IPv6Address) and address.is_link_local and address.scope_id not in self._wires:
            raise Refusal(_("{address} is on no network that is looked at").format(address=ip))
        self.orders.limits.check_destination(_bare(address), self.orders.now())
        if self.breaker.tripped(self._names.get(ip, ip)):
            raise LeftAlone(ip)

    def check_frame(self, ip: str, port: int | None = None) -> None:
        """Do :meth:`check` for one of many frames: mandate and hours once a second and host, never-list and breaker each time."""
        now = time.monotonic()
        if port in FORBIDDEN or self.breaker.tripped(self._names.get(ip, ip)) or self._checked.get(ip, 0.0) <= now:
            self.check(ip, port)
            self._checked[ip] = now + 1.0

    def check_hours(self) -> None:
        """Refuse outside the mandate's days and hours; looks at the clock once a second."""
        now = time.monotonic()
        if now >= self._hours_hold:
            self.orders.limits.check_time(self.orders.now())
            self._hours_hold = now + 1.0

    def spared(self, ip: str) -> frozenset[int]:
        """Return the ports of *ip* that are not even knocked at: those of a declared controller that the mandate does not name."""
        declared = class_of(self.orders.roles.get(ip)) == "controller"
        return CONTROLLER if declared and ip not in self.orders.limits.spoken_to else frozenset()

    def may_follow(self, ip: str, port: int) -> bool:
        """Say whether a *port* that *ip* itself names, or answers from, may be sent bytes."""
        return port not in FORBIDDEN and self._hushed(ip, port) is None

    def _hushed(self, ip: str, port: int) -> str | None:
        if port not in HUSHED or ip in self.orders.limits.spoken_to:
            return None
        return _("port {port} of {ip} is sent no byte: the mandate does not name that machine").format(port=port, ip=ip)

    async def admit(self, ip: str, count: int = 1) -> None:
        """Wait until *count* frames may leave for *ip*."""
        await self.host(ip).bucket.let_pass(count)
        await self.wire(ip).let_pass(count)

    def _spend(self, ip: str, count: int) -> None:
        self.host(ip).bucket.claim(count)
        self.wire(ip).claim(count)

    @asynccontextmanager
    async def tcp(self, ip: str, port: int, tls: ssl.SSLContext | None = None) -> AsyncIterator[Talk]:
        """Connect to *port* of *ip*; OSError or TimeoutError when that fails."""
        tls = tls or self.inside
        async with self.host(ip).sockets, self._all:  # who waits for its own host holds up no other
            await self.admit(ip, _CONNECT)
            self.check(ip, port)
            opening = asyncio.open_connection(ip, port, ssl=tls, server_hostname="" if tls else None, limit=1 << 16)
            began, host = time.monotonic(), self.host(ip)
            try:
                reader, writer = await asyncio.wait_for(opening, self.pace.timeout * (_SHAKEN if tls else 1))
            finally:
                if tls:  # a handshake may drip, too; who takes no connection any more is the breaker's matter
                    host.patience.wait(time.monotonic() - began)
            if trip := _round_trip(writer):
                self.heard(ip, trip)
            spend, hushed = partial(self._spend, ip), self._hushed(ip, port)
            try:
                yield Talk(reader, writer, self.pace.timeout, spend, host, hushed)
            finally:
                self._spend(ip, _CLOSE)
                writer.transport.abort()

    async def udp(self, ip: str, port: int, question: bytes) -> bytes | None:
        """Send one datagram and return the first answer, or None."""
        loop = asyncio.get_running_loop()
        async with self.host(ip).sockets, self._all:  # who waits for its own host holds up no other
            await self.admit(ip)
            self.check(ip, port)
            family = socket.AF_INET6 if ":" in ip else socket.AF_INET
            with socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as channel:
                try:
                    channel.connect(socket.getaddrinfo(ip, port, type=socket.SOCK_DGRAM)[0][4])
                    await loop.sock_sendall(channel, question)
                    return await asyncio.wait_for(loop.sock_recv(channel, 65535), self.pace.timeout)
                except ConnectionRefusedError:
                    self._refused.add((ip, port))
                    return None
                except (TimeoutError, OSError):
                    return None

    def refused(self, ip: str, port: int) -> bool:
        """Say whether a datagram to *port* was answered by ICMP: port unreachable (RFC 792)."""
        return (ip, port) in self._refused

    async def udp_from_any_port(self, ip: str, port: int, question: bytes, farewell: bytes) -> bytes | None:
        """Do as :meth:`udp` where *ip* answers from another port (TFTP, RFC 1350 §4), and answer there with *farewell*.

        A port that is never sent a byte gets no farewell; what came from it is an answer all the same.
        """
        loop = asyncio.get_running_loop()
        async with self.host(ip).sockets, self._all:  # who waits for its own host holds up no other
            await self.admit(ip, 2)
            self.check(ip, port)
            family = socket.AF_INET6 if ":" in ip else socket.AF_INET
            to = socket.getaddrinfo(ip, port, type=socket.SOCK_DGRAM)[0][4]
            with socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as channel:
                try:
                    await loop.sock_sendto(channel, question, to)
                    answer, source = await asyncio.wait_for(loop.sock_recvfrom(channel, 65535), self.pace.timeout)
                    if source[0] != to[0]:
                        return None
                    if self.may_follow(ip, source[1]):
                        self.check(ip, source[1])
                        await loop.sock_sendto(channel, farewell, source)
                except (TimeoutError, OSError):
                    return None
                return bytes(answer)

    def blocking(self, ip: str, port: int, seconds: float) -> socket.socket:
        """Return a connected blocking socket, for a library that wants one and that talks at its own pace."""
        if hushed := self._hushed(ip, port):
            raise Untouchable(hushed)
        self.host(ip).bucket.hold(_CONNECT)
        self.wire(ip).hold(_CONNECT)
        self.check(ip, port)
        return socket.create_connection((ip, port), seconds)


def _bare(address: Address) -> Address:
    """Return *address* without its interface: networks have none."""
    return IPv6Address(int(address)) if isinstance(address, IPv6Address) else address


def _round_trip(writer: asyncio.StreamWriter) -> float:
    """Return the seconds that the kernel measured for the handshake, without our own delays; 0 where the peer hung up at once."""
    channel = writer.get_extra_info("socket")
    if channel is None:
        return 0.0
    told: bytes = channel.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _RTT.size)
    return float(_RTT.unpack(told)[0]) / 1e6 if len(told) == _RTT.size else 0.0
