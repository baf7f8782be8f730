"""Tries the connections from where an audit stands to the other LANs of the site, through the door that checks each of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import permutations

import paramiko

from audits.lan.collectors import as_it_comes, observation, reached
from audits.lan.door import Door, LeftAlone
from audits.segmentation.matrix import Way, ways
from wizara.audit.job import Job
from wizara.audit.observation import Observation
from wizara.audit.orders import Facts, Sighting
from wizara.engine.reach import Machine
from wizara.errors import Refusal, Unreachable
from wizara.text import _

_PATIENCE = 3.0
"""Seconds that a connection from a node is waited for."""
_AT_ONCE = 32
"""Connections that a node is asked for at once, where the pace allows so many."""
_PROHIBITED, _FAILED = 1, 2
"""Why a server opens no channel (RFC 4254 §5.1)."""


async def collect(job: Job) -> AsyncIterator[Observation]:
    """Yield what came of each connection; what could not be tried is told as that, with the reason."""
    around = job.model_copy(update={"networks": tuple(lan.network for lan in job.facts.lans)})
    for seen in _beside(job):
        yield observation(around, seen)
    # To a LAN that it is plugged into itself, nothing passes the filter between them.
    wanted = [way for source in job.stands for way in ways(job.facts, source) if way.target not in job.stands]
    door = Door(around.orders())
    if job.station is None:
        async for seen in as_it_comes([_tried(door, way) for way in wanted]):
            yield observation(around, seen)
        return
    with reached(job.station) as machine, ThreadPoolExecutor(min(_AT_ONCE, job.pace.sockets)) as threads:
        async for seen in as_it_comes([_asked(door, machine, way, threads) for way in wanted]):
            yield observation(around, seen)


def _beside(job: Job) -> Iterator[Sighting]:
    """Yield the pairs of LANs that this place can say nothing of, for it stands in both."""
    for source, target in permutations(job.stands, 2):
        facts: Facts = {"purpose": "segmentation", "source": source, "target": target, "answer": False}
        yield Sighting("segmentation", "reachability", facts | {"outcome": "stands-in-both"})


async def _tried(door: Door, way: Way) -> Sighting:
    try:
        async with door.tcp(way.ip, way.port):
            return _saw(way, "open")
    except Refusal:
        return _untried(way, "outside-perimeter")
    except LeftAlone:
        return _untried(way, "left-alone")
    except ConnectionRefusedError:
        return _saw(way, "closed")
    except (TimeoutError, OSError):
        return _saw(way, "silent")


async def _asked(door: Door, machine: Machine, way: Way, threads: ThreadPoolExecutor) -> Sighting:
    """Do as :func:`_tried` from the node."""
    try:
        async with door.host(way.ip).sockets:
            await door.admit(way.ip, 2)
            door.check(way.ip, way.port)
            return await asyncio.get_running_loop().run_in_executor(threads, _through, machine, way)
    except Refusal:
        return _untried(way, "outside-perimeter")
    except LeftAlone:
        return _untried(way, "left-alone")


def _through(machine: Machine, way: Way) -> Sighting:
    """Let the node connect; Unreachable when it is the node that is gone, which shows nothing of the way."""
    try:
        machine.through(way.ip, way.port, _PATIENCE).close()
    except OSError as fault:
        if not machine.alive:
            raise Unreachable(_("{address}: the connection was cut").format(address=machine.address)) from fault
        cause = fault.__cause__
        code = cause.code if isinstance(cause, paramiko.ChannelException) else 0
        if code == _PROHIBITED:
            return _untried(way, "node-forbids")
        return _saw(way, "closed" if code == _FAILED else "silent")
    return _saw(way, "open")


def _untried(way: Way, reason: str) -> Sighting:
    return _saw(way, reason, answer=False)


def _saw(way: Way, outcome: str, *, answer: bool = True) -> Sighting:
    facts: Facts = {
        "purpose": "segmentation",
        "source": way.source,
        "target": way.target,
        "name": way.name,
        "outcome": outcome,
    }
    return Sighting(
        "segmentation", "reachability", facts if answer else facts | {"answer": False}, way.ip, way.port, "tcp"
    )
