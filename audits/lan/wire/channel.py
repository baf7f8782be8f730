"""One packet socket on the auditor's port: the only way by which frames of our own leave, checked and paced at the door."""

from __future__ import annotations

import asyncio
import ctypes
import errno
import socket
import struct
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

from audits.lan.door import Door
from audits.lan.wire.ports import Port
from wizara.audit.limits import Address
from wizara.errors import UsageFault
from wizara.text import _

ALL = 0x0003
_SO_ATTACH_FILTER, _SO_RCVBUFFORCE, _SO_TIMESTAMPNS = 26, 33, 35
_SOL_PACKET, _ADD_MEMBERSHIP, _ALL_MULTICAST = 263, 1, 2
_BUFFER = 16 << 20
_FULL = frozenset({errno.EAGAIN, errno.EINTR, errno.ENOBUFS})
_BATCH = 256
"""Frames taken at once, before others of this program have their turn."""

#: A frame and when the kernel got it (Unix time).
Take = Callable[[bytes, float], None]
#: Instructions of the kernel's packet filter: code, jumps, constant.
Instruction = tuple[int, int, int, int]

#: What is sent to groups or to all, by others: not our own frames (``SKF_AD_PKTTYPE`` 4), first bit of the address set.
GROUPS: tuple[Instruction, ...] = (
    (0x28, 0, 0, 0xFFFFF004), (0x15, 3, 0, 4), (0x30, 0, 0, 0), (0x45, 0, 1, 1), (0x06, 0, 0, 0x40000), (0x06, 0, 0, 0),
)  # fmt: skip


def answers_to(port: int) -> tuple[Instruction, ...]:
    """Return the filter for TCP to our own *port*, and for ICMP, of either family."""
    return (
        (0x28, 0, 0, 12), (0x15, 0, 7, 0x0800),
        (0x30, 0, 0, 23), (0x15, 10, 0, 1), (0x15, 0, 10, 6), (0xB1, 0, 0, 14), (0x48, 0, 0, 16), (0x15, 6, 7, port),
        (0x06, 0, 0, 0),
        (0x15, 0, 5, 0x86DD), (0x30, 0, 0, 20), (0x15, 2, 0, 58), (0x28, 0, 0, 56), (0x15, 0, 1, port),
        (0x06, 0, 0, 0x40000), (0x06, 0, 0, 0),
    )  # fmt: skip


class Channel:
    """A packet socket on *port* for frames of *protocol*; use it in a ``with``."""

    def __init__(self, port: Port, door: Door, protocol: int, only: Sequence[Instruction] = ()) -> None:
        self.port, self._door, self._protocol, self._only = port, door, protocol, only
        self._taking = False

    def __enter__(self) -> Self:
        try:
            kind = socket.SOCK_RAW | socket.SOCK_NONBLOCK
            self._socket = socket.socket(socket.AF_PACKET, kind, 0)
        except PermissionError:
            raise UsageFault(_("asking a network by ARP needs root"), hint=_("run it with sudo")) from None
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _BUFFER)
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        if self._only:
            _attach(self._socket, self._only)
        self._socket.bind((self.port.name, self._protocol))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._taking:
            asyncio.get_running_loop().remove_reader(self._socket)
        self._socket.close()

    def join_all(self) -> None:
        """Take what is sent to any group, without telling anybody: the card's filter alone is opened (PACKET_MR_ALLMULTI)."""
        told = struct.pack("iHH8s", socket.if_nametoindex(self.port.name), _ALL_MULTICAST, 0, b"")
        self._socket.setsockopt(_SOL_PACKET, _ADD_MEMBERSHIP, told)

    def hear(self, take: Take) -> None:
        """Give each frame that arrives to *take*, until the ``with`` ends."""
        asyncio.get_running_loop().add_reader(self._socket, self._arrived, take)
        self._taking = True

    def _arrived(self, take: Take) -> None:
        try:
            for _each in range(_BATCH):
                frame, ancillary, _flags, _from = self._socket.recvmsg(9216, 64)
                take(frame, _stamp(ancillary))
        except (BlockingIOError, OSError):
            return  # nothing more, or the port went down: silence tells

    async def ask(self, ip: str, frame: bytes) -> None:
        """Send *frame*, which is for *ip*, when its LAN and the mandate allow."""
        await self._door.wire(self.port.name).let_pass()
        await self.send(ip, frame)

    async def ask_all(self, frame: bytes) -> None:
        """Send *frame* to all machines of the wire, when the LAN and the mandate's hours allow.

        Questions about one machine are for an address that the perimeter was asked about; questions to all are not for a wire that
        :meth:`Limits.spares` tells of.
        """
        wait = self._door.wire(self.port.name).claim()
        if wait > 0.001:
            await asyncio.sleep(wait)
        self._door.check_hours()
        if not self._put(frame):
            await self._put_again(frame)

    async def send(self, ip: str, frame: bytes, port: int | None = None) -> None:
        """Send *frame*, for which there is room already; Refusal when *ip* or its *port* must not be touched now."""
        self._door.check_frame(ip, port)
        if not self._put(frame):
            await self._put_again(frame)

    def _put(self, frame: bytes) -> bool:
        """Send *frame*; False when the card's queue is full."""
        try:
            self._socket.send(frame)
        except OSError as fault:
            if fault.errno in _FULL:
                return False  # otherwise the port is down: nobody will answer
        self._door.sent += 1
        return True

    async def _put_again(self, frame: bytes) -> None:
        while True:
            await asyncio.sleep(0.002)  # the kernel tells nobody when a card's queue has room
            if self._put(frame):
                return


def _attach(channel: socket.socket, only: Sequence[Instruction]) -> None:
    program = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *one) for one in only))
    told = struct.pack("HP", len(only), ctypes.addressof(program))
    channel.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, told)


def _stamp(ancillary: list[tuple[int, int, bytes]]) -> float:
    for level, kind, octets in ancillary:
        if level == socket.SOL_SOCKET and kind == _SO_TIMESTAMPNS and len(octets) >= 16:
            seconds, nanoseconds = struct.unpack("qq", octets[:16])
            return float(seconds + nanoseconds / 1e9)
    return 0.0


def reserved(own: Address, scope: str, kind: socket.SocketKind) -> socket.socket:
    """Return a socket that holds a free port of *own* and does nothing else: no program here gets that port, no answer lands there.

    What the kernel makes of answers to frames of ours is thereby known: TCP is refused by RST, which is just what ends a half-open
    connection at the other side; datagrams wait unread. No filter of this machine is touched for it.
    """
    six = own.version == 6
    channel = socket.socket(socket.AF_INET6 if six else socket.AF_INET, kind)
    link = socket.if_nametoindex(scope) if six and own.is_link_local else 0
    channel.bind((str(own), 0, 0, link) if six else (str(own), 0))
    return channel
