"""Tries the connections from where an audit stands to the other LANs of the site, through the door that checks each of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from audits.lan.collectors import observation, reached
from audits.lan.door import Door
from audits.segmentation.matrix import Way, ways
from wizara.audit.job import Job
from wizara.audit.observation import Observation
from wizara.audit.orders import Facts, Sighting
from wizara.engine.reach import Machine
from wizara.errors import Refusal

_PATIENCE = 3.0
"""Seconds that a connection from a node is waited for."""


async def collect(job: Job) -> AsyncIterator[Observation]:
    """Yield what came of each connection; what the mandate does not allow is told as not tried."""
    wanted = [way for lan in job.facts.lans if lan.network in job.targets for way in ways(job.facts, lan.name)]
    around = job.model_copy(update={"networks": tuple(lan.network for lan in job.facts.lans)})
    door = Door(around.orders())
    if job.station is None:
        for done in asyncio.as_completed([_tried(door, way) for way in wanted]):
            yield observation(around, await done)
        return
    with reached(job.station) as machine:
        for way in wanted:
            yield observation(around, await asyncio.to_thread(_through, door, machine, way))


async def _tried(door: Door, way: Way) -> Sighting:
    try:
        async with door.tcp(way.ip, way.port):
            return _saw(way, "open")
    except Refusal:
        return _saw(way, "refused-by-mandate", answer=False)
    except ConnectionRefusedError:
        return _saw(way, "closed")
    except (TimeoutError, OSError):
        return _saw(way, "silent")


def _through(door: Door, machine: Machine, way: Way) -> Sighting:
    """Let the node connect; why it could not is not told by SSH."""
    try:
        door.check(way.ip, way.port)
        machine.through(way.ip, way.port, _PATIENCE).close()
    except Refusal:
        return _saw(way, "refused-by-mandate", answer=False)
    except Exception:  # noqa: BLE001 - whatever the node's SSH makes of it, there was no connection
        return _saw(way, "silent")
    return _saw(way, "open")


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
