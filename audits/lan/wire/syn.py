"""Tries TCP ports by half-open connections in frames of our own: a SYN, an answer, and an RST that ends it (RFC 9293 §3.5)."""

from __future__ import annotations

import asyncio
import heapq
import secrets
import socket
import struct
import time
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from ipaddress import IPv4Address, ip_address
from typing import Literal

from audits.lan.budget import TELLING, class_of
from audits.lan.door import Door, LeftAlone
from audits.lan.wire import frames
from audits.lan.wire.channel import Channel, answers_to, reserved
from audits.lan.wire.ports import Port

State = Literal["open", "closed", "silent"]
_TRIES = 2
_PATIENCE = (0.35, 0.7)
"""Seconds that an answer to each try is waited for."""
_SUSPECT = 12
"""Ports in a row that nobody answers for, after answers, before a host is asked by ARP whether it is still there."""
_HUSH = 0.3
"""Seconds without an answer, with several asked for, that make it suspect at once."""
_GONE = 1.5
"""Seconds without an answer to that after which it is not."""
_LOOK_AGAIN = 0.02
"""Seconds after which a host that only waits for answers is looked at again."""
_TOGETHER = 24
"""Frames sent before what has arrived is taken."""
_UNREACHABLE = {4: frozenset({1, 2, 3, 9, 10, 13}), 6: frozenset({1, 3, 4, 5, 6})}


@dataclass
class Aim:
    """A host, and the ports to try there."""

    ip: str
    mac: str
    ports: Iterable[int]
    role: str | None = None
    states: dict[int, State] = field(default_factory=dict)
    """What is known already, and in the end of all ports."""


@dataclass(order=True)
class _Host:
    ready: float
    order: int
    aim: Aim = field(compare=False)
    ahead: bytes = field(compare=False)
    template: tuple[bytes, bytes, int] = field(compare=False)
    number: int = field(compare=False)
    todo: deque[int] = field(compare=False)
    trial: set[int] = field(compare=False)
    """Ports whose answers decide what class of device it is."""
    silences: int = field(compare=False, default=0)
    """Ports in a row that nobody answered for, since it answered at all."""
    answered: float = field(compare=False, default=0.0)
    """When it answered last, if it did."""
    asked: float = field(compare=False, default=0.0)
    """When it was asked whether it is still there, if it was."""
    flying: dict[int, tuple[float, int]] = field(compare=False, default_factory=dict)
    """Port → (patience ends, tries)."""
    first: dict[int, float] = field(compare=False, default_factory=dict)
    """Port → Unix time of its first try: an answer that only comes after the second was slow, or a frame was lost; one in four may be."""


class SynSweep:
    """One sweep out of *port*; *settled* is called with each port that is known, *finished* with each host."""

    def __init__(
        self, port: Port, door: Door, settled: Callable[[str, int, State], None], finished: Callable[[Aim], None]
    ) -> None:
        self.port, self.door, self._settled, self._finished = port, door, settled, finished
        self._hosts: dict[bytes, _Host] = {}
        self._answered: deque[tuple[_Host, int]] = deque()
        self._alive: dict[str, float] = {}

    async def run(self, aims: Iterable[Aim]) -> None:
        """Try all; hosts begin when there is room, so that few are half done at any moment."""
        waiting = deque(aims)
        if not waiting:
            return
        with ExitStack() as stack:
            self._channels: dict[int, Channel] = {}
            self._held: dict[str, socket.socket] = {}
            self._stack = stack
            self._arp = stack.enter_context(Channel(self.port, self.door, frames.ARP))
            self._arp.hear(self._heard_arp)
            active: list[_Host] = []
            while waiting or active:
                await self._turn(active, waiting)

    async def _turn(self, active: list[_Host], waiting: deque[Aim]) -> None:
        """Send some frames to whoever may get one now."""
        for _each in range(_TOGETHER):
            now = time.monotonic()
            if waiting and (not active or active[0].ready > now):
                begun = self._begin(waiting.popleft(), len(waiting))
                if begun:
                    heapq.heappush(active, begun)
                continue
            if not active:
                return
            if active[0].ready > now:
                break
            host = heapq.heappop(active)
            if await self._step(host, now):
                heapq.heappush(active, host)
        await self._reset()
        ahead = active[0].ready - time.monotonic() if active and not waiting else 0.0
        await asyncio.sleep(min(max(ahead, 0.0), 0.05))

    def _begin(self, aim: Aim, order: int) -> _Host | None:
        target = ip_address(aim.ip.partition("%")[0])
        own = self.port.source(target)
        spared = self.door.spared(aim.ip)
        left = [port for port in aim.ports if port not in aim.states and port not in spared]
        trial = {port for port in TELLING if port in left} if aim.role is None else set()
        if aim.role is None and not trial and class_of(None, _opened(aim)):
            self._classify(aim)  # an earlier run learnt it
        if own is None or not left:
            self._finished(aim)
            return None
        held = self._reserve(str(own))
        number = secrets.randbelow(1 << 32)
        kind = frames.IPV4 if target.version == 4 else frames.IPV6
        ahead = bytes.fromhex(aim.mac.replace(":", "")) + self.port.mac + kind.to_bytes(2, "big")
        template = frames.tcp_template(own, target, held, number, frames.SYN)
        ordered = sorted(left, key=lambda port: (port not in trial, port))
        host = _Host(time.monotonic(), order, aim, ahead, template, number, deque(ordered), trial)
        if trial:
            self.door.slow_start(aim.ip)
        self._hosts[target.packed] = host
        return host

    def _reserve(self, own: str) -> int:
        """Return the TCP port of *own* that this sweep sends from, with a channel that hears what comes to it."""
        if own not in self._held:
            address = ip_address(own)
            self._held[own] = self._stack.enter_context(reserved(address, self.port.name, socket.SOCK_STREAM))
            number = int(self._held[own].getsockname()[1])
            protocol = frames.IPV4 if address.version == 4 else frames.IPV6
            channel = self._stack.enter_context(Channel(self.port, self.door, protocol, answers_to(number)))
            channel.hear(self._heard)
            self._channels[address.version] = channel
        return int(self._held[own].getsockname()[1])

    def _channel(self, host: _Host) -> Channel:
        return self._channels[6 if ":" in host.aim.ip else 4]

    async def _step(self, host: _Host, now: float) -> bool:
        """Send the next SYN to *host*, if there is one to send; False when all its ports are known."""
        hushed = host.answered and now - host.answered > _HUSH and len(host.flying) >= _SUSPECT // 2
        if (host.silences >= _SUSPECT or hushed) and ":" not in host.aim.ip:
            return await self._doubt(host, now)
        due = self._due(host, now)
        if due is None:
            if not host.flying and not host.todo:
                return self._end(host)
            host.ready = now + _LOOK_AGAIN
            return True
        port, tries = due
        try:
            wait = self.door.wire(self.port.name).claim()
            if wait > 0.001:
                await asyncio.sleep(wait)
            host.first.setdefault(port, time.time())
            host.flying[port] = (time.monotonic() + _PATIENCE[tries], tries + 1)
            await self._channel(host).send(host.aim.ip, frames.tcp_frame(host.ahead, host.template, port), port)
        except LeftAlone:
            return self._end(host)
        host.ready = time.monotonic() + self.door.host(host.aim.ip).bucket.claim()
        return True

    async def _doubt(self, host: _Host, now: float) -> bool:
        """Ask a *host* that has fallen silent whether it is still there; False, and the breaker trips, when it is not."""
        ip = host.aim.ip
        if host.asked and self._alive.get(ip, 0.0) >= host.asked:
            host.silences, host.asked, host.answered = (
                -_SUSPECT,
                0.0,
                now + _GONE,
            )  # it is there, and drops what it is sent
            return True
        if host.asked and now - host.asked > _GONE:
            self.door.breaker.vanished(ip)
            return self._end(host)
        if not host.asked:
            host.asked = now
        own, target = self.port.address.ip, ip_address(ip)
        assert isinstance(target, IPv4Address)
        await self._arp.ask(ip, frames.arp_question(self.port.mac, own, target))
        host.ready = now + _GONE / 3
        return True

    def _heard_arp(self, frame: bytes, _when: float) -> None:
        said = frames.arp(frame)
        if said:
            self._alive[said.address] = time.monotonic()

    def _due(self, host: _Host, now: float) -> tuple[int, int] | None:
        """Return a port to try, and how often it was tried; what nobody answers any more is settled on the way."""
        for port, (ends, tries) in list(host.flying.items()):
            if ends > now:
                break  # they were sent in order, and later tries wait longer
            del host.flying[port]
            if tries < _TRIES:
                return port, tries
            self._know(host, port, "silent")
        if not host.todo or (host.trial and host.todo[0] not in host.trial):
            return None
        return host.todo.popleft(), 0

    def _know(self, host: _Host, port: int, state: State) -> None:
        host.aim.states[port] = state
        if state != "silent":
            host.silences = 0
        elif any(known != "silent" for known in host.aim.states.values()):
            host.silences += 1
        self._settled(host.aim.ip, port, state)
        if port in host.trial:
            host.trial.discard(port)
            if not host.trial:
                self._classify(host.aim)

    def _classify(self, aim: Aim) -> None:
        self.door.classify(aim.ip, class_of(None, _opened(aim)))

    def _end(self, host: _Host) -> bool:
        self._finished(host.aim)
        return False

    async def _reset(self) -> None:
        """End what was opened at the other side: the kernel does it, too, unless this computer's own filter keeps it from that."""
        while self._answered:
            host, port = self._answered.popleft()
            self.door.host(host.aim.ip).bucket.claim(2)
            self.door.wire(self.port.name).claim(2)
            target = ip_address(host.aim.ip.partition("%")[0])
            own = self.port.source(target)
            if own:
                template = frames.tcp_template(
                    own, target, self._reserve(str(own)), host.number + 1 & 0xFFFFFFFF, frames.RST
                )
                try:
                    await self._channel(host).send(host.aim.ip, frames.tcp_frame(host.ahead, template, port), port)
                except LeftAlone:
                    continue

    def _heard(self, frame: bytes, when: float) -> None:
        four = frame[12:14] == b"\x08\x00"
        at = 14 + (frame[14] & 15) * 4 if four else 54
        protocol = frame[23] if four else frame[20]
        host = self._hosts.get(frame[26:30] if four else frame[22:38])
        if protocol in {frames.ICMP, frames.ICMP6}:
            self._refused(frame[at:], 4 if four else 6)
        elif host and protocol == frames.TCP and len(frame) >= at + 20:
            port, _own, _number, acknowledged, _length, flags = struct.unpack_from("!HHIIBB", frame, at)
            if acknowledged == (host.number + 1) & 0xFFFFFFFF and port in host.flying:
                self._answer(host, port, flags, when)

    def _answer(self, host: _Host, port: int, flags: int, when: float) -> None:
        del host.flying[port]
        host.answered = max(host.answered, time.monotonic())
        if when:
            self.door.heard(host.aim.ip, max(0.0, when - host.first.pop(port)))
        if flags & frames.SYN:
            self._answered.append((host, port))
        self._know(host, port, "open" if flags & frames.SYN else "closed")

    def _refused(self, message: bytes, version: int) -> None:
        """Read an ICMP message that a SYN of ours was not let through (RFC 792, RFC 4443 §3.1)."""
        good = message[:1] == (b"\x03" if version == 4 else b"\x01") and len(message) >= 8
        if not good or message[1] not in _UNREACHABLE[version]:
            return
        inner = message[8:]
        at = (inner[0] & 15) * 4 if version == 4 and inner else 40
        target = inner[16:20] if version == 4 else inner[24:40]
        host = self._hosts.get(target)
        if host and len(inner) >= at + 8:
            port, number = struct.unpack_from("!2xHI", inner, at)
            if number == host.number and port in host.flying:
                del host.flying[port]
                self._know(host, port, "silent")


def _opened(aim: Aim) -> set[int]:
    return {port for port, state in aim.states.items() if state == "open"}
