"""Makes observations of what a LAN scan saw, here or on a node, and reads the declared devices' configurations."""

from __future__ import annotations

import asyncio
import base64
import re
import time
from collections.abc import AsyncIterator, Collection, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address, ip_network

import paramiko
from pydantic import JsonValue

from audits.devices import reader, snmp_tables
from audits.lan import certificate, methods
from audits.lan.door import Door
from audits.lan.scan import Scan
from audits.lan.tries import Tries
from wizara.audit.job import DeviceLogin, Job, Station
from wizara.audit.mandate import check_networks
from wizara.audit.observation import Observation, now
from wizara.audit.orders import Facts, Orders, Sighting
from wizara.audit.untrusted import harmless
from wizara.engine.outpost import Outpost, archive, needed
from wizara.engine.reach import HostKey, Login, Machine
from wizara.errors import Unfinished
from wizara.text import _

#: Where a node begins; it is given that module and all of ours that it needs, on the standard library of Debian 12 and later.
ENTRY = "audits.lan.station"
_READERS = 4
"""Devices whose command line is read at once."""
_ASKERS, _PATIENT = 16, 20.0
"""Hosts whose SSH servers are asked at once, and seconds after which no further server of a host is."""
#: A link-local address on a Linux interface.
_SCOPED = re.compile(r"[0-9a-f:]+%[A-Za-z0-9_.-]{1,15}")
START = "import sys\nfrom audits.lan.station import main\nmain(sys.argv[1])\n"


async def collect(job: Job) -> AsyncIterator[Observation]:
    """Yield the observations of *job* as they are made; a destination outside the mandate is a Refusal."""
    check_networks(job.mandate, job.targets, lab=job.lab)
    orders = job.orders()
    door = Door(orders)
    if job.station is None:
        async for seen in _and_devices(job, _here(orders), door.blocking, door):
            yield seen
        return
    with reached(job.station) as machine:
        outpost = Outpost(machine, job.station.name)

        def connect(ip: str, port: int, seconds: float) -> paramiko.Channel:
            door.check(ip, port)
            return machine.through(ip, port, seconds)

        sightings = outpost.sightings(archive(needed(ENTRY), START), orders.to_json())
        async for seen in _and_devices(job, _by_turns(sightings), connect, None):
            yield seen


async def _and_devices(
    job: Job, sightings: AsyncIterator[Sighting], connect: reader.Connect, door: Door | None
) -> AsyncIterator[Observation]:
    """Yield what was seen, then what the declared devices tell; *door* is where datagrams leave, None where they cannot."""
    living: set[str | None] = {*job.done.living, *(ip for ip, states in job.done.ports.items() if states.get("open"))}
    servers = dict.fromkeys(_servers(job.done.looked))
    tries = Tries(wanted=job.may_log_in, stopped=job.locked)
    async for one in sightings:
        if one.data.get("locked"):
            tries.stop()
        if one.data.get("alive") or one.data.get("open"):
            living.add(one.ip)
        if one.kind == "ssh" and one.ip and one.port and one.data.get("answer") is not False:
            servers[one.ip, one.port] = None
        yield observation(job, one)
    known = {str(device.address) for device in job.devices}
    left = [(ip, port) for ip, port in servers if f"methods {ip} tcp/{port}" not in job.done.looked]
    for ip, port in left:
        if ip in known:  # a try that fails may lock a device's account, which is needed to read it
            yield observation(job, _login(methods.unasked("device-spared"), ip, port))
    with ThreadPoolExecutor(_ASKERS) as askers:
        turns = {ip: _Turn(askers) for ip, _port in left}
        asked = [turns[ip].way_in(connect, ip, port, tries) for ip, port in left if ip not in known]
        async for way in as_it_comes(asked):
            yield observation(job, way)
    devices = () if job.passive else job.devices
    gate = asyncio.Semaphore(_READERS)
    unread = [
        (kind, one)
        for one in devices
        for kind in ("config", "tables")
        if f"{kind} {one.address}" not in job.done.looked
    ]
    readings = [_commands(one, connect, living, gate) for kind, one in unread if kind == "config"]
    readings += [_tables(one, door, living) for kind, one in unread if kind == "tables" and one.snmp]
    async for reading in as_it_comes(readings):
        yield observation(job, reading)


def _servers(looked: Collection[str]) -> Iterator[tuple[str, int]]:
    """Yield the SSH servers that an interrupted run had met."""
    for what in sorted(looked):
        if what.startswith("named ssh "):
            ip, _blank, service = what.removeprefix("named ssh ").partition(" tcp/")
            yield ip, int(service)


async def _commands(
    device: DeviceLogin, connect: reader.Connect, living: set[str | None], gate: asyncio.Semaphore
) -> Sighting:
    """Return what *device* tells by its command line."""
    facts: Facts = {"answer": False, "reason": "silent"}
    if str(device.address) in living:
        async with gate:
            facts = await asyncio.to_thread(reader.look, connect, device)
    return Sighting("switch", "config", facts, str(device.address), 22, "tcp")


async def _tables(device: DeviceLogin, door: Door | None, living: set[str | None]) -> Sighting:
    """Return what *device* tells by SNMP, which is spoken by datagrams: they go through no SSH connection."""
    assert device.snmp is not None
    ip = str(device.address)
    facts: Facts = {"answer": False, "version": device.snmp.version, "security": device.snmp.security}
    if door is None:
        facts["reason"] = "snmp-from-node"
    elif ip not in living:
        facts["reason"] = "silent"
    else:
        facts = await snmp_tables.look(door, ip, device.snmp)
    return Sighting("snmp", "tables", facts, ip, 161, "udp")


async def as_it_comes(works: list[Coroutine[None, None, Sighting]]) -> AsyncIterator[Sighting]:
    """Yield the results of *works*; the first fault ends all of them."""
    tasks = [asyncio.create_task(one) for one in works]
    try:
        for done in asyncio.as_completed(tasks):
            yield await done
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class _Turn:
    """The SSH servers of one host: asked one by one, while its time lasts."""

    def __init__(self, askers: ThreadPoolExecutor) -> None:
        self._askers, self._alone, self._left = askers, asyncio.Lock(), _PATIENT

    async def way_in(self, connect: reader.Connect, ip: str, port: int, tries: Tries) -> Sighting:
        """Return how one may log in at *port*; unknown where this host has let the audit wait too long already."""
        async with self._alone:
            if self._left <= 0:
                return _login(methods.unasked("slow"), ip, port)
            began = time.monotonic()
            asking = asyncio.get_running_loop().run_in_executor(self._askers, methods.look, connect, ip, port, tries)
            facts = await asking
            self._left -= time.monotonic() - began
            return _login(facts, ip, port)


def _login(facts: Facts, ip: str, port: int) -> Sighting:
    return Sighting("methods", "login", facts, ip, port, "tcp")


async def _here(orders: Orders) -> AsyncIterator[Sighting]:
    """Yield what a scan on this computer sees."""
    seen: asyncio.Queue[Sighting | None] = asyncio.Queue()
    task = asyncio.create_task(Scan(orders, seen.put_nowait).run())
    task.add_done_callback(lambda _done: seen.put_nowait(None))
    try:
        while (one := await seen.get()) is not None:
            yield one
        await task
    finally:
        task.cancel()


async def _by_turns(sightings: Iterator[Sighting]) -> AsyncIterator[Sighting]:
    """Yield what a node sends, waiting for it in a thread."""
    while (one := await asyncio.to_thread(next, sightings, None)) is not None:
        yield one


def reached(station: Station) -> Machine:
    """Return the node *station*, logged in with its pinned key."""
    machine = Machine(str(station.address))
    try:
        machine.log_in(Login(station.user, key_file=station.key_file), HostKey.parse(station.host_key))
    except BaseException:
        machine.close()
        raise
    return machine


def observation(job: Job, seen: Sighting) -> Observation:
    """Return *seen* as an observation of this run. It is dated here: a node's clock may be wrong.

    Raises Unfinished when a node tells what no scan of these networks can have seen: it may be in other hands.
    """
    if job.station is None:
        return _observation(job, seen, dict(seen.data))
    try:
        if seen.ip and not _of_targets(job, seen.ip, seen.kind):
            raise ValueError(seen.ip)  # noqa: TRY301 - one fault for all that cannot be
        if seen.kind == "sweep" and ip_network(str(seen.data.get("network"))) not in job.targets:
            raise ValueError(seen.kind)  # noqa: TRY301
        return _observation(job, seen, {harmless(key): _gated(value) for key, value in seen.data.items()})
    except (ValueError, TypeError, AttributeError) as fault:
        raise Unfinished(_("{node}: the collectors say nothing sensible").format(node=job.station.name)) from fault


def _of_targets(job: Job, ip: str, kind: str) -> bool:
    """Say whether a scan can tell of *ip*: an address of its networks, or of its own, or one that counts on a wire alone."""
    address = ip_address(ip)
    if address.version == 6 and address.is_link_local:
        return _SCOPED.fullmatch(ip) is not None
    said_by_others = kind in {
        "vantage",
        "dhcp",
        "ra",
        "name-answer",
        "heard",
    }  # whoever is no part of the LAN may speak on it
    return said_by_others or any(address in network for network in job.targets)


def _observation(job: Job, seen: Sighting, data: Facts) -> Observation:
    shown = data.get("certificate")
    if isinstance(shown, str):
        data["certificate"] = certificate.facts_of(base64.b64decode(shown, validate=True))
    mac = harmless(seen.mac) if seen.mac else None
    target = {"site": job.facts.site, "ip": seen.ip, "port": seen.port, "proto": seen.proto, "mac": mac}
    return Observation.model_validate(
        {"run": job.run, "time": now(), "collector": harmless(seen.collector), "vantage": job.vantage, "target": target,
         "kind": seen.kind, "data": data}
    )  # fmt: skip


def _gated(value: JsonValue) -> JsonValue:
    """Return *value* with nothing hidden in its texts: the node may be in other hands."""
    if isinstance(value, str):
        return harmless(value)
    if isinstance(value, list):
        return [_gated(one) for one in value]
    return {harmless(key): _gated(one) for key, one in value.items()} if isinstance(value, dict) else value
