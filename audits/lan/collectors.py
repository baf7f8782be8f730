"""Looks at a LAN: finds the living, tries ports, listens, says few words; yields observations, judges nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from ipaddress import IPv4Address, IPv4Network

from pydantic import JsonValue

from audits.lan import arp, snmp, ssh, switch, talks, tls
from audits.lan.door import Door
from audits.lan.ports import FORBIDDEN, HTTP, HTTPS, SILENT, TLS, to_try
from wizara.audit.job import DeviceLogin, Job
from wizara.audit.mandate import check_networks
from wizara.audit.observation import Kind, Observation, Target, now
from wizara.audit.untrusted import untrusted
from wizara.errors import Refusal
from wizara.text import _

Facts = dict[str, JsonValue]


class Collection:
    """One run of the LAN collectors; every observation goes through :meth:`saw`."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.door = Door(job.mandate, job.pace, lab=job.lab)
        self.queue: asyncio.Queue[Observation | None] = asyncio.Queue()

    def saw(
        self,
        collector: str,
        kind: Kind,
        data: Facts,
        ip: str | None = None,
        port: int | None = None,
        **more: str | None,
    ) -> None:
        """Record one observation."""
        proto = more.pop("proto", "tcp" if port else None)
        target = Target.model_validate({"site": self.job.facts.site, "ip": ip, "port": port, "proto": proto, **more})
        self.queue.put_nowait(
            Observation(
                run=self.job.run,
                time=now(),
                collector=collector,
                vantage=self.job.vantage,
                target=target,
                kind=kind,
                data=data,
            )
        )

    async def run(self) -> None:
        """Collect everything."""
        found = arp.ports()
        wanted = [port for port in found if self.job.interface in {None, port.name}]
        if self.job.interface and not wanted:
            raise Refusal(_("no interface {name} with an IPv4 address here").format(name=self.job.interface))
        self._stand(wanted)
        for port in wanted:
            self.saw(
                "vantage",
                "vantage",
                {"interface": port.name, "address": str(port.address)},
                str(port.address.ip),
                mac=port.mac.hex(":"),
            )
        living: dict[str, set[str]] = {}
        for network in self.job.facts.networks:
            living |= await self._living(network, wanted)
        own = {str(port.address.ip) for port in found}
        await asyncio.gather(*(self._host(ip) for ip in sorted(living, key=IPv4Address) if ip not in own))
        for device in self.job.devices:
            await self._device(device, living)

    def _stand(self, ports: Iterable[arp.Port]) -> None:
        """Refuse (exit 6) when no interface is on any of the networks: routed there, another's machines may answer."""
        networks = self.job.facts.networks
        on_link = any(port.address.network.overlaps(network) for port in ports for network in networks)
        if networks and not on_link and not all(network.is_loopback for network in networks):
            raise Refusal(
                _("this computer stands on none of {networks}").format(networks=", ".join(map(str, networks))),
                hint=_("plug it into the network that is audited; nothing was sent"),
            )

    async def _living(self, network: IPv4Network, ports: Iterable[arp.Port]) -> dict[str, set[str]]:
        port = next((one for one in ports if one.address.ip in network), None)
        found: dict[str, set[str]] = {}
        sent = 0
        if port:
            targets = [one for one in arp.hosts_of(network, port.address.ip) if self.job.mandate.allows(one)]
            found, sent = await arp.sweep(port, targets, self.job.pace.arp_per_second, self.job.pace.arp_rounds)
        self.saw(
            "arp", "sweep", {"network": str(network), "on_link": port is not None, "asked": sent, "living": len(found)}
        )
        for ip, macs in found.items():
            self.saw("arp", "host", {"alive": True, "macs": [*sorted(macs)]}, ip, mac=min(macs))
        declared = {str(host.address) for host in self.job.facts.hosts if host.address in network}
        silent = declared - set(found) - {str(one.address.ip) for one in ports}
        if port:
            for ip in sorted(silent):
                self.saw("arp", "host", {"alive": False, "answer": False}, ip)
            return found
        return {ip: set() for ip in silent if self.job.mandate.allows(IPv4Address(ip))}

    async def _host(self, ip: str) -> None:
        declared = self.job.facts.at(ip)
        services = declared.services or () if declared else ()
        tries = {port: asyncio.create_task(self._knock(ip, port)) for port in to_try(services)}
        results = {port: await task for port, task in tries.items()}
        opened = [port for port, (state, _heard) in results.items() if state == "open"]
        lists: dict[str, JsonValue] = {
            state: [port for port, result in results.items() if result[0] == state]
            for state in ("open", "closed", "silent")
        }
        untested = sorted(FORBIDDEN & {int(service.rpartition("/")[2]) for service in services})
        answer: Facts = {} if opened or lists["closed"] else {"answer": False}
        self.saw("tcp", "ports", {**lists, "untested": [*untested], **answer}, ip)
        banners = {port: heard for port, (_state, heard) in results.items() if heard}
        for port, heard in banners.items():
            self.saw("banner", "banner", {"text": untrusted(heard)}, ip, port)
        await asyncio.gather(
            *(self._service(ip, port, banners.get(port, b"")) for port in opened),
            *(self._snmp(ip, one) for one in snmp.COMMUNITIES),
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
            try:
                facts = await look(self.door, ip, port)
            except Refusal:
                raise
            except Exception as fault:  # noqa: BLE001 - one hostile answer must not cost the others
                facts = {"answer": False, "fault": untrusted(f"{type(fault).__name__}: {fault}")}
            self.saw(name, KINDS[name], facts, ip, port)

    async def _snmp(self, ip: str, community: str) -> None:
        self.saw("snmp", "snmp", await snmp.look(self.door, ip, community), ip, 161, proto="udp")

    async def _device(self, device: DeviceLogin, living: dict[str, set[str]]) -> None:
        ip = str(device.address)
        facts: Facts = {"answer": False, "reason": "silent"}
        if ip in living:
            facts = await asyncio.to_thread(switch.look, self.door, device)
        self.saw("switch", "config", facts, ip, 22)


Look = Callable[[Door, str, int], Awaitable[Facts]]


#: look → the kind of observation it makes
KINDS: dict[str, Kind] = {
    "ssh": "ssh", "tls": "tls", "http": "http", "https": "http", "ftp": "ftp", "smtp": "smtp", "redis": "redis",
    "telnet": "telnet", "mqtt": "mqtt", "memcached": "memcached",
}  # fmt: skip


def looks(port: int, heard: bytes) -> tuple[tuple[str, Look], ...]:
    """Return what to do on an open *port* that said *heard*: by its words first, by its number else."""
    if heard.startswith(b"SSH-"):
        return (("ssh", ssh.look),)
    if heard[:1] == b"\xff" and heard[1:2] in {b"\xfb", b"\xfc", b"\xfd", b"\xfe"}:
        return (("telnet", talks.telnet),)
    if heard.startswith(b"220"):
        mail = port in {25, 465, 587, 2525} or b"SMTP" in heard.upper()
        return (("smtp", talks.smtp),) if mail else (("ftp", talks.ftp),)
    if port in talks.LOOKS:
        return (talks.LOOKS[port],)
    table: list[tuple[str, Look, frozenset[int]]] = [
        ("tls", tls.look, TLS),
        ("https", talks.https, HTTPS),
        ("http", talks.http, HTTP),
    ]
    return tuple((name, look) for name, look, ports in table if port in ports)


async def collect(job: Job) -> AsyncIterator[Observation]:
    """Yield the observations of *job* as they are made; a destination outside the mandate is a Refusal."""
    check_networks(job.mandate, job.facts.networks, lab=job.lab)
    collection = Collection(job)
    task = asyncio.create_task(collection.run())
    task.add_done_callback(lambda _done: collection.queue.put_nowait(None))
    try:
        while (seen := await collection.queue.get()) is not None:
            yield seen
        await task
    finally:
        task.cancel()
