"""The one way out to a host: every socket to it is opened here, after mandate, perimeter and never-list."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from ipaddress import IPv4Address

from audits.lan.ports import FORBIDDEN
from wizara.audit.orders import Orders
from wizara.errors import Refusal
from wizara.text import _


class Talk:
    """One connection: bounded reads, each with a deadline."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, timeout: float) -> None:
        self._reader, self._writer, self._timeout = reader, writer, timeout

    async def hear(self, limit: int = 8192, seconds: float | None = None) -> bytes:
        """Return what comes next, at most *limit* bytes; nothing when it stays silent or closes."""
        try:
            return await asyncio.wait_for(self._reader.read(limit), seconds or self._timeout)
        except (TimeoutError, OSError):
            return b""

    async def hear_until(self, ending: Callable[[bytes], bool], limit: int = 65536) -> bytes:
        """Return what comes until *ending* says it is enough, the peer stops, or *limit* is reached."""
        heard = b""
        while len(heard) < limit and not ending(heard):
            more = await self.hear(limit - len(heard))
            if not more:
                break
            heard += more
        return heard

    async def say(self, octets: bytes) -> None:
        """Send *octets*; a peer that is gone is simply not heard afterwards."""
        try:
            self._writer.write(octets)
            await asyncio.wait_for(self._writer.drain(), self._timeout)
        except (TimeoutError, OSError):
            return

    @property
    def certificate(self) -> bytes | None:
        """The peer's certificate (DER) when the connection is TLS."""
        tls = self._writer.get_extra_info("ssl_object")
        return tls.getpeercert(binary_form=True) if isinstance(tls, ssl.SSLObject) else None


class Door:
    """Opens sockets to hosts the mandate allows; at most ``pace.sockets_per_host`` at once to one host."""

    def __init__(self, orders: Orders) -> None:
        pace = orders.pace
        self._orders, self._pace = orders, pace
        self._all = asyncio.Semaphore(pace.sockets)
        self._each: defaultdict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(pace.sockets_per_host))

    def check(self, ip: str, port: int | None = None) -> None:
        """Refuse what must never be touched, at this moment."""
        if port in FORBIDDEN:
            raise Refusal(
                _("port {port} of {ip} is never touched: printers print what they hear").format(port=port, ip=ip)
            )
        self._orders.limits.check_destination(IPv4Address(ip), self._orders.now())

    @asynccontextmanager
    async def tcp(self, ip: str, port: int, tls: ssl.SSLContext | None = None) -> AsyncIterator[Talk]:
        """Connect to *port* of *ip*; OSError or TimeoutError when that fails."""
        self.check(ip, port)
        async with self._all, self._each[ip]:
            opening = asyncio.open_connection(ip, port, ssl=tls, server_hostname="" if tls else None, limit=1 << 16)
            reader, writer = await asyncio.wait_for(opening, self._pace.timeout * (2 if tls else 1))
            try:
                yield Talk(reader, writer, self._pace.timeout)
            finally:
                writer.transport.abort()

    async def udp(self, ip: str, port: int, question: bytes) -> bytes | None:
        """Send one datagram and return the first answer, or None."""
        self.check(ip, port)
        loop = asyncio.get_running_loop()
        async with self._all, self._each[ip]:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as channel:
                try:
                    channel.connect((ip, port))
                    await loop.sock_sendall(channel, question)
                    return await asyncio.wait_for(loop.sock_recv(channel, 65535), self._pace.timeout)
                except (TimeoutError, OSError):
                    return None

    async def udp_from_any_port(self, ip: str, port: int, question: bytes, farewell: bytes) -> bytes | None:
        """Do as :meth:`udp` where *ip* answers from another port (TFTP, RFC 1350 §4), and answer there with *farewell*."""
        self.check(ip, port)
        loop = asyncio.get_running_loop()
        async with self._all, self._each[ip]:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as channel:
                try:
                    await loop.sock_sendto(channel, question, (ip, port))
                    answer, (source, where) = await asyncio.wait_for(
                        loop.sock_recvfrom(channel, 65535), self._pace.timeout
                    )
                    if source != ip:
                        return None
                    self.check(ip, where)
                    await loop.sock_sendto(channel, farewell, (ip, where))
                except (TimeoutError, OSError):
                    return None
                return bytes(answer)

    def blocking(self, ip: str, port: int, seconds: float) -> socket.socket:
        """Return a connected blocking socket, for a library that wants one."""
        self.check(ip, port)
        return socket.create_connection((ip, port), seconds)
