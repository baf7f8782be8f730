"""Finds the living hosts of a wire: every IPv4 address is asked by ARP, IPv6 ones by neighbour discovery and by questions to all."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from itertools import islice

from audits.lan.door import Door
from audits.lan.wire import frames
from audits.lan.wire.channel import Channel
from audits.lan.wire.ports import Port
from wizara.audit.limits import Network

QUIET = 0.3
"""Seconds to wait for late answers after each round."""
_IN_FLIGHT = 0.03
"""Seconds after which what was asked counts as asked: an answer on the way when the scan is killed is not lost."""
_PART = 100
"""Progress is told after this share of the addresses."""
_GUESSES = 512
"""Guessed addresses that are asked for in one turn."""
_MOST_SIX = 4096
"""IPv6 neighbours that are kept: a hostile one may have any number of addresses."""

#: Network → round → the last address that was asked in it.
Asked = Mapping[str, Mapping[str, str]]
#: What is told of progress: network, round, last address asked.
Told = Callable[[str, int, str], None]


@dataclass
class Found:
    """Who lives on a wire: address → cards that answered; :attr:`news` is called for each that is new."""

    news: Callable[[str, str, str], None]
    cards: dict[str, set[str]] = field(default_factory=dict)
    answered: set[str] = field(default_factory=set)
    """Addresses that answered a question of ours: what was only heard is asked for all the same, for two may answer."""

    def add(self, address: str, card: str, how: str) -> None:
        """Note that *card* uses *address*, and how it was found: ``arp``, ``nd`` or ``listen``."""
        if how != "listen":
            self.answered.add(address)
        known = self.cards.setdefault(address, set())
        if card not in known and len(known) < 16:
            known.add(card)
            self.news(address, card, how)


@dataclass(frozen=True)
class Sweep:
    """One wire, and what is asked on it."""

    port: Port
    door: Door
    found: Found
    told: Told
    declared: frozenset[str]

    async def run(self, networks: Iterable[Network], asked: Asked) -> int:
        """Ask for all of *networks*, less what was *asked* already (network → round → last address); return the frames sent."""
        before = self.door.sent
        four = [one for one in networks if isinstance(one, IPv4Network)]
        six = [one for one in networks if isinstance(one, IPv6Network)]
        tasks = [asyncio.create_task(self._four(four, asked)), asyncio.create_task(self._six(six, asked))]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
        return self.door.sent - before

    async def _four(self, networks: list[IPv4Network], asked: Asked) -> None:
        with Channel(self.port, self.door, frames.ARP) as channel:
            channel.hear(lambda frame, _when: self._heard_arp(frame, networks))
            last_round = self.door.pace.arp_rounds
            for number in range(1, last_round + 1):
                began, sent = time.monotonic(), False
                for network in networks:
                    last = asked.get(str(network), {}).get(str(number))
                    sent = await self._round(channel, network, number, last) or sent
                # The next round begins with whom this one asked first: they have had the time that this one took.
                waited = time.monotonic() - began if number < last_round else 0.0
                await asyncio.sleep(max(0.0, QUIET - waited) if sent else 0.0)

    async def _round(self, channel: Channel, network: IPv4Network, number: int, last: str | None) -> bool:
        """Ask each silent address of *network* behind *last*; say whether any was."""
        behind = IPv4Address(last) if last else None
        wanted = iter(self._wanted(network, behind))
        part, sent = max(16, network.num_addresses // _PART), False
        ahead = frames.arp_question(self.port.mac, self.port.address.ip, network[0])[:38]
        while several := list(islice(wanted, part)):
            for target in several:
                if str(target) not in self.found.answered:
                    await channel.ask_all(ahead + target.packed)
                    sent = True
            asyncio.get_running_loop().call_later(_IN_FLIGHT, self.told, str(network), number, str(several[-1]))
            await asyncio.sleep(0)
        return sent

    def _wanted(self, network: IPv4Network, behind: IPv4Address | None) -> Iterator[IPv4Address]:
        limits = self.door.orders.limits
        for one in network.hosts():
            if (behind is None or one > behind) and one != self.port.address.ip and limits.allows(one):
                yield one

    def _heard_arp(self, frame: bytes, networks: list[IPv4Network]) -> None:
        said = frames.arp(frame)
        if said and said.reply and any(IPv4Address(said.address) in network for network in networks):
            self.found.add(said.address, said.mac, "arp")

    async def _six(self, networks: list[IPv6Network], asked: Asked) -> None:
        own = self.port.link_local
        if own is None:
            return
        with Channel(self.port, self.door, frames.IPV6) as channel:
            channel.hear(lambda frame, _when: self._heard_six(frame, networks))
            if not self.door.spares(self.port.name) and "all" not in asked:
                await self._ask_all(channel, networks)
                self.told("all", 1, "")
            for _turn in range(2):  # what the first turn finds leads to more in the second
                for address in self._guessed(networks):
                    await channel.ask(
                        address, frames.solicitation(self.port.mac, own, IPv6Address(address.partition("%")[0]))
                    )
                await asyncio.sleep(QUIET)

    async def _ask_all(self, channel: Channel, networks: list[IPv6Network]) -> None:
        """Ask all nodes from each of our addresses: they answer from one of the same network.

        No MLD query is sent: the one with the lowest address becomes the link's querier, and ours might.
        """
        sources = [
            one.ip
            for one in self.port.addresses6
            if one.is_link_local or any(one.ip in network for network in networks)
        ]
        for _turn in range(2):
            for own in sources:
                await channel.ask_all(frames.echo_all(self.port.mac, own))
                await channel.ask_all(frames.odd_option_all(self.port.mac, own))
            await asyncio.sleep(QUIET)

    def _guessed(self, networks: list[IPv6Network]) -> list[str]:
        """Return IPv6 addresses worth asking for: the declared, and of each card's the one that it would make of its own."""
        limits = self.door.orders.limits
        wanted = {IPv6Address(ip) for ip in self.declared if ":" in ip}
        endings = {int(IPv6Address(ip.partition("%")[0])) & ((1 << 64) - 1) for ip in self.found.cards if ":" in ip}
        seen = {card for ip, cards in self.found.cards.items() if ":" in ip for card in cards}
        endings |= {_ending(card) for cards in self.found.cards.values() for card in cards - seen}
        if self.door.spares(self.port.name):  # a card that is only known by IPv6 may be the spared machine's
            endings = {_ending(card) for ip, cards in self.found.cards.items() if ":" not in ip for card in cards}
        for network in networks:
            wanted |= {network[ending] for ending in endings if network.prefixlen == 64}
        guessed = [str(one) for one in wanted if limits.allows(one) and str(one) not in self.port.own]
        linked = [f"{IPv6Address((0xFE80 << 112) | ending)}%{self.port.name}" for ending in endings]
        unknown = (one for one in (*guessed, *linked) if one not in self.found.cards)
        return sorted(one for one in unknown if one.partition("%")[0] not in self.port.own)[:_GUESSES]

    def _heard_six(self, frame: bytes, networks: list[IPv6Network]) -> None:
        heard = frames.packet(frame)
        if heard is None or heard.protocol != frames.ICMP6:
            return
        said = frames.advertisement(heard)
        if said:
            self._six_lives(IPv6Address(said.address), said.mac, networks)
        elif heard.payload[:1] in {b"\x81", b"\x04"} and str(heard.target) in self.port.own:
            self._six_lives(heard.source, heard.mac, networks)

    def _six_lives(self, address: object, card: str, networks: list[IPv6Network]) -> None:
        six = sum(":" in one for one in self.found.cards) if len(self.found.cards) > _MOST_SIX else 0
        if not isinstance(address, IPv6Address) or str(address) in self.port.own or six > _MOST_SIX:
            return
        if address.is_link_local:
            self.found.add(f"{address}%{self.port.name}", card, "nd")
        elif any(address in network for network in networks) and self.door.orders.limits.allows(address):
            self.found.add(str(address), card, "nd")


def _ending(card: str) -> int:
    """Return the interface identifier that a *card* makes of its own address (RFC 4291, appendix A)."""
    octets = bytes.fromhex(card.replace(":", ""))
    return int.from_bytes(bytes((octets[0] ^ 2,)) + octets[1:3] + b"\xff\xfe" + octets[3:], "big")
