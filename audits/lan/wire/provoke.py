"""Asks a wire, once each, what only an intruder or its declared servers answer: DHCP, routers, and names that nobody has."""

from __future__ import annotations

import asyncio
import secrets
import socket
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address

from audits.lan.door import Door
from audits.lan.wire import dhcp, frames, link, names
from audits.lan.wire.channel import Channel, reserved
from audits.lan.wire.ports import Port
from wizara.audit.orders import Facts, Sighting

WAIT = 3.0
"""Seconds that answers to names are waited for."""
OFFERS = 5.5
"""Seconds that offers of an address are waited for: dnsmasq looks for three whether the address is free (``--no-ping`` absent)."""
_TURNS = 2
"""How often names and routers are asked for, for datagrams get lost; servers are asked for an address once."""
_LLMNR, _MDNS = IPv4Address("224.0.0.252"), IPv4Address("224.0.0.251")

Say = Callable[[Sighting], None]


class Provocation:
    """The questions of one *port*, and who answers."""

    def __init__(self, port: Port, door: Door, say: Say) -> None:
        self.port, self._door, self._say = port, door, say
        self._number = secrets.randbelow(1 << 32)
        self._nobody = "w" + secrets.token_hex(5)
        self._short = secrets.randbelow(1 << 16)
        self._seen: set[tuple[str, ...]] = set()

    async def run(self) -> None:
        """Ask, and tell who answered in :data:`WAIT` seconds, and who offered an address in :data:`OFFERS`."""
        with (
            reserved(self.port.address.ip, self.port.name, socket.SOCK_DGRAM) as held,
            Channel(self.port, self._door, frames.IPV4) as four,
            Channel(self.port, self._door, frames.IPV6) as six,
        ):
            four.hear(lambda frame, _when: self.take(frame))
            six.hear(lambda frame, _when: self.take(frame))
            self._port = int(held.getsockname()[1])
            await four.ask_all(dhcp.discover(self.port.mac, self._number))
            for _turn in range(_TURNS):
                for frame in self._names():
                    await four.ask_all(frame)
                if self.port.link_local:
                    await six.ask_all(frames.router_solicitation(self.port.mac, self.port.link_local))
                await asyncio.sleep(WAIT / _TURNS)
            await asyncio.sleep(OFFERS - WAIT)
        for what in ("dhcp", "ra", "name-answer"):
            self._say(Sighting("provoke", what, {"answer": False, "interface": self.port.name, "asked": True}))

    def _names(self) -> list[bytes]:
        own, broadcast = self.port.address.ip, self.port.address.network.broadcast_address
        asked = []
        for name in (self._nobody, "wpad"):
            plain, net = names.encoded(name), names.netbios(name)
            for group, port, octets in (
                (_LLMNR, names.LLMNR, names.question(self._short, plain)),
                (_MDNS, names.MDNS, names.question(self._short, names.encoded(f"{name}.local"))),
                (broadcast, names.NBNS, names.question(self._short, net, 0x20, 0x0110)),
            ):
                mac = frames.BROADCAST if group == broadcast else frames.multicast_mac(group)
                packet = frames.udp(own, group, (self._port, port), octets, ttl=1 if port != names.NBNS else 64)
                asked.append(frames.ether(mac, self.port.mac, frames.IPV4, packet))
        return asked

    def take(self, frame: bytes) -> None:
        """Read one frame that arrived."""
        packet = frames.packet(frame)
        if packet is None or frame[6:12] == self.port.mac:
            return
        router = link.advertisement(packet)
        if router:
            self._tell("ra", packet, router, str(router.get("lifetime")))
        datagram = frames.datagram(packet)
        if datagram:
            self._datagram(packet, *datagram)

    def _datagram(self, packet: frames.Packet, source: int, target: int, content: bytes) -> None:
        if (source, target) == (67, 68):
            offer = dhcp.read(content)
            if offer and offer.pop("number") == self._number and offer["message"] in {"offer", "ack"}:
                self._tell("dhcp", packet, offer, str(offer.get("server")))
        elif source in {names.LLMNR, names.MDNS, names.NBNS} and target in {self._port, names.MDNS}:
            message = names.read(content)
            if message and message.answer and message.records:
                self._named(packet, source, message)

    def _named(self, packet: frames.Packet, source: int, message: names.Message) -> None:
        """Tell that somebody answered to a name that nobody has, or to the one that browsers look for their proxy by."""
        for name, _kind, said in message.records:
            plain = name.partition("<")[0].partition(".")[0].lower()
            if plain in {self._nobody, "wpad"}:
                language = {names.LLMNR: "llmnr", names.MDNS: "mdns", names.NBNS: "nbns"}[source]
                facts: Facts = {"language": language, "name": "wpad" if plain == "wpad" else "nobody", "said": said}
                self._tell("name-answer", packet, facts, language, plain)

    def _tell(self, kind: str, packet: frames.Packet, facts: Facts, *apart: str) -> None:
        key = (kind, packet.mac, *apart)
        if key in self._seen or len(self._seen) > 256:
            return
        self._seen.add(key)
        link_local = isinstance(packet.source, IPv6Address) and packet.source.is_link_local
        ip = f"{packet.source}%{self.port.name}" if link_local else str(packet.source)
        told: Facts = {"interface": self.port.name}
        self._say(Sighting("provoke", kind, told | facts, ip, mac=packet.mac))
