"""A host that sets traps ends no audit, holds none up, and is not called sound for its silence."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import replace
from typing import Any

import pytest

from wizara.audit.facts import LanFacts
from wizara.audit.job import Job, Pace
from wizara.audit.mandate import Mandate
from wizara.audit.observation import Observation, Seen, Target, now
from wizara.audit.orders import Done, Sighting
from wizara.errors import Refusal
from wizara.tree import load

door, flags, progress, snmp, visit, mail, passages = (
    load(f"audits.lan.{name}")
    for name in ("door", "flags", "progress", "snmp", "visit", "weaknesses.mail", "weaknesses.passages")
)
appliances, clocks, databases, files, ldap, mailboxes, rpc, screens = (
    load(f"audits.lan.looks.{name}")
    for name in ("appliances", "clocks", "databases", "files", "ldap", "mailboxes", "rpc", "screens")
)
MANDATE = {
    "commissioner": "t", "reference": "t", "date": "2026-01-01", "perimeter": ["127.0.0.0/8"], "from": "2020-01-01", "to": "2099-01-01",
    "hours": ["00:00-24:00"], "operators": ["t"], "contact": "t",
}  # fmt: skip
Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def orders(timeout: float = 0.1, **changes: Any) -> Any:
    pace = Pace(timeout=timeout, host_per_second=5000)
    job = Job(run="r", facts=LanFacts(), mandate=Mandate.model_validate(MANDATE), pace=pace)
    return replace(job.orders(), **changes)


def visits(said: list[Sighting], **changes: Any) -> Any:
    job = orders(**changes)
    return visit.Visits(job, door.Door(job), said.append, progress.Progress(said.append))


def mounted_at(port: int) -> Script:
    """An rpcbind that names *port* for the mount service."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard = await reader.read(200)
        body = heard[4:8] + struct.pack("!I4I6I", 1, 0, 0, 0, 0, 1, 100005, 3, 6, port, 0)
        writer.write(struct.pack("!I", 0x80000000 | len(body)) + body)
        await writer.drain()
        writer.close()

    return script


@pytest.mark.parametrize("port", [515, 9100, 9107, 631, 502])
def test_a_port_that_a_host_names_is_not_followed_where_no_byte_may_go(port: int) -> None:
    async def seen() -> tuple[list[Sighting], int]:
        said: list[Sighting] = []
        met: list[int] = []

        async def printing(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            met.append(1)
            writer.close()

        async with AsyncExitStack() as stack:
            await stack.enter_async_context(await asyncio.start_server(mounted_at(port), "127.77.1.1", 111))
            await stack.enter_async_context(await asyncio.start_server(printing, "127.77.1.1", port))
            await visits(said)._services("127.77.1.1", 111, b"")
        return said, len(met)

    said, met = asyncio.run(seen())
    assert met == 0
    assert [one.data for one in said if one.kind == "nfs"] == [{"undecided": ["open"]}]


@contextmanager
def answering_from(port: int, answer: bytes) -> Iterator[socket.socket]:
    """Give the socket at *port* that answers what comes to port 69."""
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other,
    ):
        asked.bind(("127.77.1.2", 69))
        other.bind(("127.77.1.2", port))
        other.setblocking(False)
        asked.setblocking(False)
        loop = asyncio.get_running_loop()
        loop.add_reader(asked, lambda: other.sendto(answer, asked.recvfrom(999)[1]))
        try:
            yield other
        finally:
            loop.remove_reader(asked)


@pytest.mark.parametrize(("port", "farewells"), [(515, 0), (9100, 0), (631, 0), (50999, 1)])
def test_who_answers_from_a_printing_port_gets_no_farewell_there(port: int, farewells: int) -> None:
    async def seen() -> tuple[Any, int]:
        with answering_from(port, b"\0\3\0\1configuration") as other:
            facts = await visits([])._looked(files.tftp, "127.77.1.2", 69)
            try:
                return facts, bool(other.recv(99))
            except BlockingIOError:
                return facts, 0

    facts, heard = asyncio.run(seen())
    assert facts["open"] is True
    assert heard == farewells


def test_the_refusals_of_the_mandate_still_end_the_audit() -> None:
    with pytest.raises(Refusal):
        asyncio.run(visits([])._looked(files.ftp, "10.9.9.9", 21))

    async def forbidden(gate: Any, ip: str, _port: int) -> Any:
        gate.check(ip, 9100)

    assert asyncio.run(visits([])._looked(forbidden, "127.0.0.1", 21))["answer"] is False
