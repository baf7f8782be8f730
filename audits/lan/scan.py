"""Looks at a LAN: finds the living, tries ports, listens, says few words; tells what it saw, judges nothing.

It runs on this computer or on a node of the audited site, and therefore on the standard library alone.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterable
from contextlib import suppress
from ipaddress import ip_address

from audits.lan.door import Door
from audits.lan.ports import to_try
from audits.lan.progress import Progress
from audits.lan.visit import Visits
from audits.lan.wire.listen import Listener
from audits.lan.wire.neighbours import Found, Sweep
from audits.lan.wire.ports import Port, ports
from audits.lan.wire.provoke import Provocation
from audits.lan.wire.syn import Aim, SynSweep
from wizara.audit.limits import Network
from wizara.audit.orders import Facts, Orders, Sighting
from wizara.errors import Refusal
from wizara.text import _

Say = Callable[[Sighting], None]
LISTEN = 60.0
"""Seconds that an audit listens which does nothing else."""


class Scan:
    """One run of the LAN collectors; what they see is given to *say* as it is seen."""

    def __init__(self, orders: Orders, say: Say) -> None:
        self.orders, self.say = orders, say
        self.door = Door(orders)
        self.progress = Progress(say)
        self.visits = Visits(orders, self.door, say, self.progress)
        self._began = time.monotonic()

    async def run(self) -> None:
        """Look at everything."""
        for network in self.orders.networks:
            self.orders.limits.check_network(network)
        found = ports()
        wanted = [port for port in found if self.orders.interface in {None, port.name}]
        if self.orders.interface and not wanted:
            raise Refusal(_("no interface {name} with an IPv4 address here").format(name=self.orders.interface))
        wires = _wires(wanted, self.orders.networks)
        for port in wires or (wanted if self.orders.routed else ()):
            where: Facts = {
                "interface": port.name,
                "address": str(port.address),
                "addresses6": [*map(str, port.addresses6)],
            }
            self.say(Sighting("vantage", "vantage", where, str(port.address.ip), mac=port.mac.hex(":")))
        on_wire = {one for networks in wires.values() for one in networks}
        own = frozenset(ip for port in found for ip in port.own)
        for port, networks in wires.items():
            self.door.plug(port.name, networks)
        await together(
            *(Wire(self, port, networks, own).run() for port, networks in wires.items()),
            *(self._afar(network, own) for network in self.orders.networks if network not in on_wire),
        )
        self.progress.flush()

    async def rest(self) -> None:
        """Wait until as long was listened as was ordered."""
        await asyncio.sleep(max(0.0, self._began + self.orders.listen - time.monotonic()))

    async def _afar(self, network: Network, own: frozenset[str]) -> None:
        """Try the declared addresses of a *network* that no port here stands on, where that is wanted."""
        afar = (self.orders.routed or network.is_loopback) and not self.orders.passive
        self.swept(network, {"on_link": False, "reason": "afar" if afar else "not-attached"})
        declared = [ip for ip in self.orders.declared if ip_address(ip) in network and ip not in own] if afar else []
        allowed = [ip for ip in declared if self.orders.limits.allows(ip_address(ip))]
        await together(*(self._by_connecting(ip) for ip in sorted(allowed, key=ip_address)))

    async def _by_connecting(self, ip: str) -> None:
        """Try the ports of *ip* by the kernel's own connections: the way without raw frames, and over routers."""
        tried = self.ports(ip)
        states = {port: state for state, known in self.orders.done.ports.get(ip, {}).items() for port in known}
        left = [port for port in tried if port not in states and port not in self.door.spared(ip)]

        async def knock(port: int) -> None:
            if self.door.health(ip).tripped:
                return
            states[port], _heard = await self.visits.knock(ip, port)
            self.progress.settled(ip, port, states[port])

        await together(*map(knock, left))
        await self.visits.visit(ip, states, tried)

    def ports(self, ip: str) -> tuple[int, ...]:
        """Return the TCP ports to try at *ip*."""
        return to_try(self.orders.declared.get(ip, ()), self.orders.ports)

    def swept(self, network: Network, facts: Facts) -> None:
        """Tell how *network* was looked at."""
        told: Facts = {"network": str(network), "profile": self.orders.pace.name}
        self.say(Sighting("arp", "sweep", told | facts))


class Wire:
    """What is done on one wire that a port here is plugged into."""

    def __init__(self, scan: Scan, port: Port, networks: tuple[Network, ...], own: frozenset[str]) -> None:
        self.scan, self.port, self.networks, self._own = scan, port, networks, own
        self.orders, self.door = scan.orders, scan.door
        self.found = Found(self._lives)
        for ip, cards in self.orders.done.living.items():
            address = ip_address(ip)
            if ip.endswith(f"%{port.name}") or any(address in network for network in networks):
                self.found.cards[ip] = set(cards)
                self.found.answered.add(ip)

    async def run(self) -> None:
        """Listen all the time; sweep, provoke, try ports, visit."""
        ear = Listener(self.port, self.networks, self.scan.say, lambda ip, card: self.found.add(ip, card, "listen"))
        if self.orders.passive:
            await ear.run(self.door, self.orders.listen or LISTEN)
            for network in self.networks:
                living = sum(ip_address(ip) in network for ip in self.found.cards)
                self.scan.swept(
                    network, {"on_link": False, "reason": "passive", "living": living, "frames": ear.frames}
                )
            return
        listening = asyncio.create_task(ear.run(self.door))
        try:
            await together(self._provoke(), self._active())
            await self.scan.rest()
        finally:
            listening.cancel()
            with suppress(asyncio.CancelledError):
                await listening

    def _lives(self, ip: str, card: str, how: str) -> None:
        if ip.partition("%")[0] not in self._own:
            told: Facts = {"alive": True, "macs": [*sorted(self.found.cards[ip])]}
            self.scan.say(Sighting(how, "host", told, ip, mac=min(self.found.cards[ip])))

    async def _provoke(self) -> None:
        what = f"provoked {self.port.name}"
        if what in self.orders.done.looked:
            return
        if self.door.spares(self.port.name):
            told: Facts = {"answer": False, "interface": self.port.name, "reason": "exclusions"}
            for kind in ("dhcp", "ra", "name-answer"):
                self.scan.say(Sighting("provoke", kind, told))
            return
        await Provocation(self.port, self.door, self.scan.say).run()
        self.scan.progress.looked(what)

    async def _active(self) -> None:
        sweep = Sweep(self.port, self.door, self.found, self.scan.progress.asked, frozenset(self.orders.declared))
        asked = await sweep.run(self.networks, self.orders.done.asked)
        living = {ip: cards for ip, cards in self.found.cards.items() if ip.partition("%")[0] not in self._own}
        for network in self.networks:
            inside = sum(ip_address(ip.partition("%")[0]) in network for ip in living)
            self.scan.swept(network, {"on_link": True, "asked": asked, "living": inside})
        for ip in sorted({*self.orders.declared} - set(living) - self._own, key=str):
            if any(ip_address(ip) in network for network in self.networks):
                self.scan.say(Sighting("arp", "host", {"alive": False, "answer": False}, ip))
        await self._try_ports(living)

    async def _try_ports(self, living: dict[str, set[str]]) -> None:
        """Sweep and visit the *living*; of a machine with both families, the IPv6 side is looked at for what IPv4 does not show."""
        if self.door.spares(self.port.name):
            living = self._not_spared(living)
        twins = self._twins(living)
        aims = [self._aim(ip, min(cards)) for ip, cards in living.items() if ":" not in ip or ip in twins]
        visits: list[asyncio.Task[None]] = []
        states: dict[str, dict[int, str]] = {}
        six_of = {four: six for six, four in twins.items() if four}

        def visit(ip: str, known: list[int] | None = None) -> None:
            work = self.scan.visits.visit(ip, states[ip], self.scan.ports(ip), known)
            visits.append(asyncio.create_task(work))

        def finished(aim: Aim) -> None:
            states[aim.ip] = {**aim.states}
            four = twins.get(aim.ip) or aim.ip
            if four == aim.ip:
                visit(aim.ip)
            six = six_of.get(four)
            if six and six in states and four in states:
                visit(six, [port for port, state in states[four].items() if state == "open"])

        try:
            await SynSweep(self.port, self.door, self.scan.progress.settled, finished).run(aims)
            await asyncio.gather(*visits)
        finally:
            for one in visits:
                one.cancel()

    def _not_spared(self, living: dict[str, set[str]]) -> dict[str, set[str]]:
        """Return *living* less what may be a machine that the mandate excludes: one that is known by IPv6 only, and not declared."""
        known = {card for ip, cards in living.items() if ":" not in ip for card in cards}
        doubtful = {
            ip for ip, cards in living.items() if ":" in ip and ip not in self.orders.declared and not cards & known
        }
        for ip in sorted(doubtful):
            told: Facts = {"answer": False, "open": [], "closed": [], "silent": [], "untested": [*self.scan.ports(ip)]}
            self.scan.say(Sighting("tcp", "ports", told | {"reason": "exclusions"}, ip))
        return {ip: cards for ip, cards in living.items() if ip not in doubtful}

    def _aim(self, ip: str, card: str) -> Aim:
        aim = Aim(ip, card, self.scan.ports(ip), self.orders.roles.get(ip))
        for state, known in self.orders.done.ports.get(ip, {}).items():
            if state in {"open", "closed", "silent"}:
                aim.states.update(dict.fromkeys(known, state))  # type: ignore[arg-type]
        return aim

    def _twins(self, living: dict[str, set[str]]) -> dict[str, str]:
        """Return the one IPv6 address of each card that is tried → the IPv4 address of the same card, or nothing."""
        four = {card: ip for ip, cards in living.items() if ":" not in ip for card in cards}
        best: dict[str, str] = {}
        for ip in sorted((one for one in living if ":" in one), key=self._rank):
            best.setdefault(min(living[ip]), ip)
        for card, ip in best.items():
            if card in four:
                self.door.same(ip, four[card])
        return {ip: four.get(card, "") for card, ip in best.items()}

    def _rank(self, ip: str) -> tuple[bool, bool, str]:
        return ip not in self.orders.declared, "%" in ip, ip


def _wires(wanted: Iterable[Port], networks: tuple[Network, ...]) -> dict[Port, tuple[Network, ...]]:
    """Return each port that is plugged into some of *networks*, with those; a network is looked at from one port only."""
    found: dict[Port, tuple[Network, ...]] = {}
    for network in networks:
        port = next((one for one in wanted if one.attached(network)), None)
        if port:
            found[port] = (*found.get(port, ()), network)
    return found


async def together(*works: Coroutine[None, None, None]) -> None:
    """Do all *works* at once; when one fails, the others end, too."""
    tasks = [asyncio.create_task(one) for one in works]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
