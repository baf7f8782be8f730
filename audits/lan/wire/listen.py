"""Listens to what a wire says to all of its machines; sends nothing."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address

from audits.lan.door import Door
from audits.lan.wire import dhcp, frames, link, names
from audits.lan.wire.channel import ALL, GROUPS, Channel
from audits.lan.wire.ports import Port
from wizara.audit.limits import Address, Network
from wizara.audit.orders import Facts, Sighting

_MOST, _EACH = 4096, 12
"""Different things kept of a wire, and of one card's in one language: a hostile one may say anything."""
_LINK_GROUPS = IPv4Address("224.0.0.0")
_TALKS = {names.MDNS: "mdns", names.LLMNR: "llmnr", names.NBNS: "nbns"}

Say = Callable[[Sighting], None]
Lives = Callable[[str, str], None]


class Listener:
    """The ear on one *port*: *lives* is called with addresses and cards, *say* with what they tell."""

    def __init__(self, port: Port, networks: tuple[Network, ...], say: Say, lives: Lives) -> None:
        self.port, self.networks, self._say, self._lives = port, networks, say, lives
        self._kept: dict[tuple[str, str], set[str]] = {}
        self._count = 0
        self.frames = 0

    async def run(self, door: Door, seconds: float | None = None) -> None:
        """Listen for so many *seconds*; without, until it is cancelled."""
        with Channel(self.port, door, ALL, GROUPS) as channel:
            channel.join_all()
            channel.hear(lambda frame, _when: self.take(frame))
            until = time.monotonic() + seconds if seconds is not None else None
            while until is None or time.monotonic() < until:
                door.orders.limits.check_time(door.orders.now())
                await asyncio.sleep(min(1.0, max(0.0, until - time.monotonic())) if until else 1.0)

    def take(self, frame: bytes) -> None:
        """Read one frame that was sent to a group or to all."""
        self.frames += 1
        if len(frame) < 16 or frame[6:12] == self.port.mac:
            return
        if (
            frame[12:14] == b"\x81\x00"
        ):  # a tag that was not taken off: the frame within is of another LAN, and told as that
            return
        card = frame[6:12].hex(":")
        said = frames.arp(frame)
        told = link.said(frame)
        if said:
            self._seen(IPv4Address(said.address), said.mac)
        elif told:
            self._heard(told[0], card, None, told[1])
        else:
            packet = frames.packet(frame)
            if packet:
                self._packet(packet)

    def _packet(self, packet: frames.Packet) -> None:
        near = packet.target.is_multicast and (packet.target.version == 6 or _group(packet.target) == _LINK_GROUPS)
        six = packet.protocol == frames.ICMP6 and isinstance(packet.source, IPv6Address)
        if near or six:  # what no router carries comes from the card that sent it
            self._seen(packet.source, packet.mac)
        router = link.advertisement(packet)
        if router:
            self._heard("ra", packet.mac, packet.source, router)
        datagram = frames.datagram(packet)
        if datagram:
            self._datagram(packet, *datagram)

    def _datagram(self, packet: frames.Packet, source: int, target: int, content: bytes) -> None:
        if {source, target} <= {67, 68}:
            told = dhcp.read(content)
            if told:
                told.pop("number")
                self._heard("dhcp", packet.mac, packet.source, told)
            return
        language = _TALKS.get(target) or _TALKS.get(source)
        message = names.read(content) if language else None
        if language and message:
            if language == "nbns":
                self._seen(packet.source, packet.mac)
            self._heard(language, packet.mac, packet.source, names.facts(message))

    def _seen(self, address: Address, card: str) -> None:
        if str(address) in self.port.own or int(card[:2], 16) & 1:
            return
        if isinstance(address, IPv6Address) and address.is_link_local:
            self._lives(f"{address}%{self.port.name}", card)
        elif any(address in network for network in self.networks):
            self._lives(str(address), card)

    def _heard(self, language: str, card: str, address: Address | None, facts: Facts) -> None:
        kept = self._kept.setdefault((language, card), set())
        digest = json.dumps(facts, sort_keys=True)
        if digest in kept or len(kept) >= _EACH or self._count >= _MOST:
            return
        kept.add(digest)
        self._count += 1
        link_local = isinstance(address, IPv6Address) and address.is_link_local
        ip = (
            None
            if address is None or not int(address)
            else f"{address}%{self.port.name}"
            if link_local
            else str(address)
        )
        told: Facts = {"language": language, "interface": self.port.name}
        self._say(Sighting("listen", "heard", told | facts, ip, mac=card))


def _group(address: Address) -> Address | None:
    """Return the block of link-local groups when *address* is of it (RFC 5771 §4): no router carries those."""
    return IPv4Address(int(address) & 0xFFFFFF00) if isinstance(address, IPv4Address) else None
