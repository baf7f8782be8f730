"""Looks at a LAN: finds the living, tries ports, listens, says few words; tells what it saw, judges nothing.

It runs on this computer or on a node of the audited site, and therefore on the standard library alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from ipaddress import IPv4Address, IPv4Network

from audits.lan import arp
from audits.lan.dispatch import KINDS, Look, datagrams, looks
from audits.lan.door import Door
from audits.lan.ports import FORBIDDEN, HTTP, HTTPS, SILENT, TLS, to_try
from wizara.audit.orders import Facts, Orders, Sighting
from wizara.audit.untrusted import untrusted
from wizara.errors import Refusal
from wizara.text import _

Say = Callable[[Sighting], None]


class Scan:
    """One run of the LAN collectors; what they see is given to *say* as it is seen."""

    def __init__(self, orders: Orders, say: Say) -> None:
        self.orders, self.say = orders, say
        self.door = Door(orders)

    async def run(self) -> None:
        """Look at everything."""
        for network in self.orders.networks:
            self.orders.limits.check_network(network)
        found = arp.ports()
        wanted = [port for port in found if self.orders.interface in {None, port.name}]
        if self.orders.interface and not wanted:
            raise Refusal(_("no interface {name} with an IPv4 address here").format(name=self.orders.interface))
        for port in _attached(wanted, self.orders.networks) or (wanted if self.orders.routed else ()):
            where: Facts = {"interface": port.name, "address": str(port.address)}
            self.say(Sighting("vantage", "vantage", where, str(port.address.ip), mac=port.mac.hex(":")))
        living: set[str] = set()
        for network in self.orders.networks:
            living |= await self._living(network, wanted)
        own = {str(port.address.ip) for port in found}
        await asyncio.gather(*(self._host(ip) for ip in sorted(living, key=IPv4Address) if ip not in own))

    async def _living(self, network: IPv4Network, ports: Iterable[arp.Port]) -> set[str]:
        """Return the addresses to try: those that answered ARP, or from afar the declared ones where that is wanted."""
        port = next((one for one in ports if one.address.ip in network), None)
        declared = {ip for ip in self.orders.declared if IPv4Address(ip) in network}
        if port is None:
            afar = self.orders.routed or network.is_loopback
            self._swept(network, {"on_link": False, "reason": "afar" if afar else "not-attached"})
            return {ip for ip in declared if self.orders.limits.allows(IPv4Address(ip))} if afar else set()
        targets = [one for one in arp.hosts_of(network, port.address.ip) if self.orders.limits.allows(one)]
        found, sent = await arp.sweep(port, targets, self.orders.pace.arp_per_second, self.orders.pace.arp_rounds)
        self._swept(network, {"on_link": True, "asked": sent, "living": len(found)})
        for ip, macs in found.items():
            self.say(Sighting("arp", "host", {"alive": True, "macs": [*sorted(macs)]}, ip, mac=min(macs)))
        for ip in sorted(declared - set(found) - {str(one.address.ip) for one in ports}):
            self.say(Sighting("arp", "host", {"alive": False, "answer": False}, ip))
        return set(found)

    def _swept(self, network: IPv4Network, facts: Facts) -> None:
        told: Facts = {"network": str(network)}
        self.say(Sighting("arp", "sweep", told | facts))

    async def _host(self, ip: str) -> None:
        services = self.orders.declared.get(ip, ())
        tries = {port: asyncio.create_task(self._knock(ip, port)) for port in to_try(services)}
        results = {port: await task for port, task in tries.items()}
        opened = [port for port, (state, _heard) in results.items() if state == "open"]
        lists: Facts = {
            state: [port for port, result in results.items() if result[0] == state]
            for state in ("open", "closed", "silent")
        }
        untested = sorted(FORBIDDEN & {int(service.rpartition("/")[2]) for service in services})
        answer: Facts = {} if opened or lists["closed"] else {"answer": False}
        self.say(Sighting("tcp", "ports", {**lists, "untested": [*untested], **answer}, ip))
        banners = {port: heard for port, (_state, heard) in results.items() if heard}
        for port, heard in banners.items():
            self.say(Sighting("banner", "banner", {"text": untrusted(heard)}, ip, port, "tcp"))
        await asyncio.gather(
            *(self._service(ip, port, banners.get(port, b"")) for port in opened),
            *(self._ask(ip, *one) for one in datagrams()),
        )

    async def _knock(self, ip: str, port: int) -> tuple[str, bytes]:
        """Connect and listen: the state of the port, and what it says unasked."""
        try:
            async with self.door.tcp(ip, port) as talk:
                speaks_first = port not in HTTP | HTTPS | TLS | SILENT
                return "open", await talk.hear(2048, seconds=1.0) if speaks_first else b""
        except ConnectionRefusedError:
            return "closed", b""
        except (TimeoutError, OSError):
            return "silent", b""

    async def _service(self, ip: str, port: int, heard: bytes) -> None:
        if port in SILENT:
            return
        for name, look in looks(port, heard):
            self.say(Sighting(name, KINDS.get(name, name), await self._looked(look, ip, port), ip, port, "tcp"))

    async def _ask(self, ip: str, name: str, port: int, look: Look) -> None:
        self.say(Sighting(name, KINDS.get(name, name), await self._looked(look, ip, port), ip, port, "udp"))

    async def _looked(self, look: Look, ip: str, port: int) -> Facts:
        try:
            return await look(self.door, ip, port)
        except Refusal:
            raise
        except Exception as fault:  # noqa: BLE001 - one hostile answer must not cost the others
            return {"answer": False, "fault": untrusted(f"{type(fault).__name__}: {fault}")}


def _attached(ports: Iterable[arp.Port], networks: tuple[IPv4Network, ...]) -> list[arp.Port]:
    return [port for port in ports if any(port.address.ip in network for network in networks)]
