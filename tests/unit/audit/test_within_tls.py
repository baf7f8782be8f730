"""What TLS carries is asked as what is said in clear is; where TLS cannot be had, nothing is called sound."""

from __future__ import annotations

import asyncio
import os
import ssl
import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from languages import MANDATE, SSL_REQUEST, STARTUP, TRUST, error, message
from test_search import context

from wizara.audit.facts import LanFacts
from wizara.audit.job import Job, Pace
from wizara.audit.observation import Observation, Seen, Target, now
from wizara.audit.orders import Done, Sighting
from wizara.tree import load

dispatch, door, progress, visit = (load(f"audits.lan.{name}") for name in ("dispatch", "door", "progress", "visit"))
conversation, databases, files, ldap, snmp = (
    load(f"audits.lan.{name}")
    for name in ("looks.conversation", "looks.databases", "looks.files", "looks.ldap", "snmp")
)
weak, passages = (load(f"audits.lan.weaknesses.{name}") for name in ("databases", "passages"))
IP = f"127.77.8.{os.getpid() % 254 + 1}"  # several workers run these tests at a time, at the same ports
Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
SCRAM = b"R\0\0\0\x17\0\0\0\x0aSCRAM-SHA-256\0\0"
NO_ENTRY = error(b"28000", b"no pg_hba.conf entry, no encryption")


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    """A server's TLS of the least that there is, as old servers have it."""
    made = context(tmp_path_factory.mktemp("tls"))
    made.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    made.set_ciphers("ALL:@SECLEVEL=0")
    return made


def a_door(timeout: float = 0.15) -> Any:
    return door.Door(Job(run="r", facts=LanFacts(), mandate=MANDATE, pace=Pace(timeout=timeout)).orders())


def postgres(tls: ssl.SSLContext, offered: bytes, clear: bytes, inside: bytes) -> Script:
    """A server that answers the question for TLS with *offered*, and who begins with *clear*, or *inside* TLS."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        said = clear
        while heard := await reader.read(4096):
            if heard[4:] == SSL_REQUEST:
                writer.write(offered)
                if offered == b"S" and inside == b"":
                    break
                if offered == b"S":
                    await writer.start_tls(tls)
                    said = inside
            elif heard[4:].startswith(STARTUP):
                writer.write(said)
        await writer.drain()
        writer.close()

    return script


async def asked(look: Any, script: Script, gate: Any = None, **options: Any) -> dict[str, Any]:
    async with await asyncio.start_server(script, IP, 0, **options) as server:
        facts: dict[str, Any] = await look(gate or a_door(), IP, server.sockets[0].getsockname()[1])
        return facts


@pytest.mark.parametrize(
    ("offered", "clear", "inside", "outcome"),
    [
        (b"S", NO_ENTRY, TRUST, ["broken"]), (b"S", NO_ENTRY, SCRAM, ["holds"]), (b"S", SCRAM, SCRAM, ["holds"]),
        (b"S", TRUST, SCRAM, ["broken"]), (b"S", TRUST, NO_ENTRY, ["broken"]), (b"S", NO_ENTRY, NO_ENTRY, ["holds"]),
        (b"S", NO_ENTRY, b"", ["unknown"]), (b"S", SCRAM, b"", ["unknown"]), (b"S", TRUST, b"", ["broken"]),
        (b"S", SCRAM, error(b"53300"), ["unknown"]), (b"S", error(b"57P03"), SCRAM, ["unknown"]), (b"S", b"", SCRAM, ["unknown"]),
        (b"N", TRUST, b"", ["broken"]), (b"N", SCRAM, b"", ["holds"]), (b"N", NO_ENTRY, b"", ["holds"]), (b"N", error(b"08P01"), b"", ["unknown"]),
        (error(b"0A000"), TRUST, b"", ["broken"]), (error(b"0A000"), SCRAM, b"", ["holds"]),
        (b"S", b"hello there\r\n", b"", []), (b"N", b"ERROR\r\n", b"", []), (b"NO\r\n", TRUST, b"", []), (b"ERROR\r\n", b"ERROR\r\n", b"", []),
    ],
)  # fmt: skip
def test_a_database_is_asked_by_tls_and_in_clear(
    tls: ssl.SSLContext, offered: bytes, clear: bytes, inside: bytes, outcome: list[str]
) -> None:
    facts = asyncio.run(asked(databases.postgres, postgres(tls, offered, clear, inside)))
    told = list(weak.POSTGRES(observed("postgres", facts), LanFacts()))
    assert [one.outcome for one in told] == outcome
    assert [one.reason for one in told if one.outcome == "unknown"] == ["undecided"] * outcome.count("unknown")


def observed(kind: Any, data: dict[str, Any]) -> Seen:
    target = Target(site="hq", ip="10.0.0.1", port=5432, proto="tcp")
    return Seen([Observation(run="r", time=now(), collector=kind, vantage="v", target=target, kind=kind, data=data)])


def test_a_server_that_never_ends_its_handshake_delays_nobody() -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if (await reader.read(4096))[4:] == SSL_REQUEST:
            writer.write(b"S")
        await reader.read(-1)
        writer.close()

    async def work() -> float:
        began = asyncio.get_running_loop().time()
        facts = await asked(databases.postgres, script, a_door(0.05))
        assert facts["undecided"] == ["open"]
        return asyncio.get_running_loop().time() - began

    assert asyncio.run(work()) < 1


def files_of(tls: ssl.SSLContext, inside: bytes) -> Script:
    """An FTP server that wants TLS before a name, hangs up on who has none, and says *inside* it what follows the name."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 files\r\n")
        said = b"503 Use AUTH first.\r\n"
        while heard := await reader.readline():
            if heard.startswith(b"AUTH") and not inside:
                writer.write(b"500 no TLS here\r\n")
            elif heard.startswith(b"AUTH"):
                writer.write(b"234 go on\r\n")
                await writer.start_tls(tls)
                said = inside
            else:
                writer.write(said if heard.startswith(b"USER") else b"550 no\r\n")
                if said.startswith(b"503"):
                    break
        writer.close()

    return script


@pytest.mark.parametrize(
    ("inside", "anonymous"), [(b"230 in\r\n", True), (b"530 no\r\n", False), (b"421 later\r\n", None), (b"", None)]
)
def test_a_file_server_that_wants_tls_first_is_asked_in_it(
    tls: ssl.SSLContext, inside: bytes, anonymous: bool | None
) -> None:
    facts = asyncio.run(asked(files.ftp, files_of(tls, inside)))
    assert facts.get("anonymous") is anonymous
    assert facts.get("undecided", []) == ([] if anonymous is not None else ["anonymous", "writable"])


def entry() -> bytes:
    """The root entry of a directory, with its one context."""
    tlv = snmp.tlv
    values = tlv(0x31, tlv(4, b"dc=x"))
    attributes = tlv(0x30, tlv(0x30, tlv(4, b"namingContexts") + values))
    told: bytes = tlv(0x30, tlv(2, b"\2") + tlv(0x64, tlv(4, b"") + attributes))
    return told


def directory(code: int, tls: ssl.SSLContext | None = None, inside: int | None = None) -> Script:
    """A directory that lets in with *code* (0 shows its entry), and *inside* the TLS that StartTLS begins."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        now_code = code
        while heard := await reader.read(4096):
            if b"1.3.6.1.4.1.1466" in heard:
                writer.write(message(1, 0x78, 0 if tls else 2))
                if tls and inside is None:
                    break
                if tls and inside is not None:
                    await writer.start_tls(tls)
                    now_code = inside
            elif b"\x60\x07" in heard:
                writer.write(message(1, 0x61, now_code))
            else:
                writer.write((entry() if now_code == 0 else b"") + message(2, 0x65, now_code))
        await writer.drain()
        writer.close()

    return script


@pytest.mark.parametrize(
    ("code", "offers", "inside", "expected"),
    [
        (0, False, None, {"open": True, "starttls": False}), (48, False, None, {"open": False, "starttls": False}),
        (0, True, 48, {"open": True, "starttls": True}), (48, True, 48, {"open": False, "starttls": True}),
        (13, True, 0, {"open": True, "starttls": True}), (13, True, 48, {"open": False, "starttls": True}),
        (13, True, None, {"open": None, "starttls": True}), (48, True, 0, {"open": True, "starttls": True}),
        (48, True, None, {"open": None, "starttls": True}), (13, False, None, {"open": None, "starttls": False}),
        (48, True, 51, {"open": None, "starttls": True}), (51, True, 48, {"open": False, "starttls": True}),
    ],
)  # fmt: skip
def test_a_directory_is_asked_again_in_the_tls_that_it_offers(
    tls: ssl.SSLContext, code: int, offers: bool, inside: int | None, expected: dict[str, Any]
) -> None:
    facts = asyncio.run(asked(ldap.ldap, directory(code, tls if offers else None, inside)))
    assert {key: facts.get(key) for key in expected} == expected
    assert facts.get("undecided", []) == (["open"] if expected["open"] is None else [])


def test_a_directory_inside_tls_is_not_asked_for_tls(tls: ssl.SSLContext) -> None:
    gate = a_door()
    facts = asyncio.run(asked(ldap.ldap, directory(0), gate.within(load("audits.lan.tls").any_tls()), ssl=tls))
    assert facts["open"] is True
    assert "starttls" not in facts
    assert gate.inside is None


def once(*table: tuple[bytes, bytes]) -> Script:
    """Answer by what is in the question; hang up at anything else."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while heard := await reader.read(4096):
            said = next((said for key, said in table if key in heard), None)
            if said is None:
                break
            writer.write(said)
        await writer.drain()
        writer.close()

    return script


REDIS = once((b"PING", b"+PONG\r\n"), (b"INFO", b"redis_version:7.0.1\r\n"))
BROKER = once((b"MQTT", b"\x20\2\0\0"))


async def page(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    if (await reader.read(4096)).startswith(b"GET "):
        writer.write(b"HTTP/1.1 404 no\r\nConnection: close\r\n\r\n")
        await writer.drain()
    writer.close()


async def visited(
    script: Script,
    tls: ssl.SSLContext,
    port: int = 0,
    done: frozenset[str] = frozenset(),
    **orders: Any,
) -> tuple[list[Sighting], int]:
    """Return what a visit says of one open port that speaks *tls* and carries *script*, and how many connections it took."""
    said: list[Sighting] = []
    count = 0

    async def counted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal count
        count += 1
        await script(reader, writer)

    async with await asyncio.start_server(counted, IP, port, ssl=tls) as server:
        number = server.sockets[0].getsockname()[1]
        job = Job(run="r", facts=LanFacts(), mandate=MANDATE, pace=Pace(timeout=0.15, host_per_second=5000)).orders()
        job = replace(job, done=Done(looked=done), **orders)
        one = visit.Visits(job, door.Door(job), said.append, progress.Progress(said.append))
        await one._services(IP, number, b"")
        one.progress.flush()
    return said, count


def known(said: list[Sighting]) -> dict[str, Any]:
    told = {
        one.collector: one
        for one in said
        if one.kind not in {"progress", "login"} and one.data.get("answer") is not False
    }
    return {name: one.kind for name, one in told.items()}


@pytest.mark.parametrize(
    ("script", "port", "found"),
    [
        (directory(0), 0, {"ldap-tls": "ldap"}), (directory(0), 6360, {"ldap-tls": "ldap"}), (REDIS, 6379, {"redis-tls": "redis"}),
        (REDIS, 0, {"redis-tls": "redis"}), (BROKER, 8883, {"mqtt-tls": "mqtt"}), (BROKER, 0, {"mqtt-tls": "mqtt"}), (page, 0, {"https": "http"}),
        (page, 8883, {"https": "http"}), (once((b"version\r\n", b"VERSION 1.6\r\n")), 8443, {"memcached-tls": "memcached"}),
        (once((b"\x05\x01\x00", b"\x05\x00")), 0, {"socks-tls": "socks"}),
    ],
)  # fmt: skip
def test_what_tls_carries_is_known_at_any_port(
    tls: ssl.SSLContext, script: Script, port: int, found: dict[str, str]
) -> None:
    said, _count = asyncio.run(visited(script, tls, port))
    assert known(said) == {"tls": "tls"} | found
    assert not [one for one in said if one.kind == "service"]


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1 is deprecated")
def test_what_the_oldest_tls_carries_is_asked_too(tmp_path: Path) -> None:
    old = context(tmp_path)
    old.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    old.maximum_version = ssl.TLSVersion.TLSv1
    old.set_ciphers("ALL:@SECLEVEL=0")
    said, _count = asyncio.run(visited(REDIS, old))
    assert next(one for one in said if one.kind == "tls" and "versions" in one.data).data["versions"] == ["TLSv1.0"]
    assert known(said)["redis-tls"] == "redis"


def test_the_usual_language_of_a_port_is_asked_first_inside_tls() -> None:
    first = {
        port: dispatch.candidates_within(port)[0][0][0]
        for port in (443, 636, 3269, 6379, 6380, 8443, 8883, 11211, 27017, 40001)
    }
    assert first == {
        443: "https", 636: "ldap-tls", 3269: "ldap-tls", 6379: "redis-tls", 6380: "redis-tls", 8443: "https", 8883: "mqtt-tls",
        11211: "memcached-tls", 27017: "mongodb-tls", 40001: "https",
    }  # fmt: skip
    assert all(dispatch.candidates_within(port) == () for port in (465, 993, 995, 3389))


def test_what_tls_carries_unknown_is_told_with_its_own_reason(tls: ssl.SSLContext) -> None:
    said, count = asyncio.run(visited(once((b"\0\0nothing", b"")), tls))
    told = [one.data for one in said if one.kind == "service"]
    assert told == [{"answer": False, "reason": "within"}]
    assert count <= 25
    verdict = list(passages.unrecognised(observed("service", told[0]), LanFacts()))
    assert [(one.outcome, one.reason) for one in verdict] == [("unknown", "within")]


def test_a_device_that_breaks_easily_is_asked_for_its_page_alone_inside_tls(tls: ssl.SSLContext) -> None:
    done = frozenset({f"named tls {IP} tcp/8443"})
    said, count = asyncio.run(visited(once((b"\0\0nothing", b"")), tls, 8443, done=done, roles={IP: "camera"}))
    assert {one.collector for one in said if one.kind != "progress"} == {"https", "service"}
    assert count == 1


def test_a_server_that_hangs_up_after_the_handshake_is_known_by_its_tls(tls: ssl.SSLContext) -> None:
    async def hang_up(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()

    for _try in range(5):
        said, _count = asyncio.run(visited(hang_up, tls, 8443))
        assert [one.data["reason"] for one in said if one.kind == "service"] == ["within"]
        assert not [one for one in said if "fault" in one.data]


def test_what_was_asked_inside_tls_before_a_kill_is_not_asked_again(tls: ssl.SSLContext) -> None:
    said, _count = asyncio.run(visited(REDIS, tls, 8443))
    looked = frozenset(str(what) for one in said if one.kind == "progress" for what in one.data.get("looked", []))
    assert f"named redis-tls {IP} tcp/8443" in looked
    assert asyncio.run(visited(REDIS, tls, 8443, done=looked)) == ([], 0)


@pytest.mark.parametrize(
    ("facts", "flags", "expected"),
    [
        ({}, {"open": None}, {"undecided": ["open"]}), ({"open": True}, {"open": None}, {"undecided": ["open"]}),
        ({"undecided": ["open"]}, {"open": False}, {"open": False}), ({"undecided": ["a"]}, {"b": None, "c": True}, {"c": True, "undecided": ["a", "b"]}),
        ({"undecided": ["a"]}, {"a": None}, {"undecided": ["a"]}), ({"undecided": "a"}, {"b": True}, {"b": True}),
    ],
)  # fmt: skip
def test_what_is_undecided_is_kept_until_it_is_known(
    facts: Any, flags: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert conversation.decided(facts, **flags) == expected


def test_the_door_of_tls_is_the_same_door() -> None:
    gate = a_door()
    other = gate.within(load("audits.lan.tls").any_tls())
    assert other.host(IP) is gate.host(IP)
    assert other.health(IP) is gate.health(IP)
