"""Delays, loses and paces the packets of one link: a process between a TUN device and the kernel's own routing.

The kernel routes every packet of the link into the device; the relay holds it as long as a real link would and writes it
back to the same device, whence the kernel routes it on.
"""

from __future__ import annotations

import fcntl
import heapq
import os
import random
import select
import struct
import sys
import time
from dataclasses import dataclass, field

_TUNSETIFF = 0x400454CA
_IFF_TUN = 0x0001
_IFF_NO_PI = 0x1000
#: Bytes that may wait for a paced link before packets are dropped: what a router's interface holds for 400 ms.
_QUEUE_SECONDS = 0.4


@dataclass
class Pace:
    """One direction of a link, with a rate."""

    rate: float
    """Bytes a second."""
    free_at: float = 0.0

    def departure(self, now: float, size: int) -> float | None:
        """Return when a packet of *size* bytes has left, or None when the queue is full."""
        start = max(now, self.free_at)
        if start - now > _QUEUE_SECONDS:
            return None
        self.free_at = start + size / self.rate
        return self.free_at


@dataclass
class Relay:
    """A link's packets in flight."""

    delay: float
    """Seconds each way."""
    loss: float
    """Share of packets lost, 0 to 1."""
    rate: float | None
    """Bytes a second each way."""
    near: bytes
    """The gateway's address, which tells the two directions apart."""
    generator: random.Random
    waiting: list[tuple[float, int, bytes]] = field(default_factory=list)
    paces: dict[bool, Pace] = field(default_factory=dict)
    number: int = 0

    def take(self, packet: bytes, now: float) -> None:
        """Accept *packet*, or lose it."""
        if self.loss and self.generator.random() < self.loss:
            return
        departure: float | None = now
        if self.rate:
            inwards = packet[16:20] == self.near
            departure = self.paces.setdefault(inwards, Pace(self.rate)).departure(now, len(packet))
        if departure is not None:
            self.number += 1
            heapq.heappush(self.waiting, (departure + self.delay, self.number, packet))

    def due(self, now: float) -> list[bytes]:
        """Return the packets whose time has come."""
        packets = []
        while self.waiting and self.waiting[0][0] <= now:
            packets.append(heapq.heappop(self.waiting)[2])
        return packets


def open_tun(name: str) -> int:
    """Create the TUN device *name* in this network namespace and return its file descriptor."""
    descriptor = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(descriptor, _TUNSETIFF, struct.pack("16sH", name.encode(), _IFF_TUN | _IFF_NO_PI))
    return descriptor


def serve(descriptor: int, relay: Relay) -> None:
    """Relay packets for ever."""
    while True:
        now = time.monotonic()
        wait = max(0.0, relay.waiting[0][0] - now) if relay.waiting else None
        readable, _writable, _broken = select.select([descriptor], [], [], wait)
        now = time.monotonic()
        if readable:
            _read_all(descriptor, relay, now)
        for packet in relay.due(now):
            try:
                os.write(descriptor, packet)
            except OSError:
                continue  # the kernel refuses what it cannot route; so does a real router


def _read_all(descriptor: int, relay: Relay, now: float) -> None:
    for _packet in range(256):
        try:
            relay.take(os.read(descriptor, 65535), now)
        except BlockingIOError:
            return


def main() -> None:
    """Serve ``relay DEVICE RTT-MS LOSS-PERCENT RATE-KBIT|- SEED NEAR-ADDRESS``."""
    device, rtt, loss, rate, seed, near = sys.argv[1:]
    kilobits = None if rate == "-" else float(rate) * 125
    address = bytes(int(part) for part in near.split("."))
    relay = Relay(float(rtt) / 2000, float(loss) / 100, kilobits, address, random.Random(seed))  # noqa: S311 - no secret
    serve(open_tun(device), relay)


if __name__ == "__main__":
    main()
