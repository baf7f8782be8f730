"""No service is taken for another: each recogniser against what every other service answers, and against words of none."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from languages import DATAGRAMS, GREETED, SAME, SPOKEN, UNSPOKEN, Door, Service

from wizara.audit.orders import Sighting
from wizara.tree import load

dispatch, ports, progress, visit = (load(f"audits.lan.{name}") for name in ("dispatch", "ports", "progress", "visit"))
IP = "127.0.0.1"
USUAL = {
    "ssh": 22, "telnet": 23, "ftp": 21, "smtp": 25, "pop3": 110, "imap": 143, "rsync": 873, "vnc": 5900, "mysql": 3306, "http": 80, "redis": 6379,
    "memcached": 11211, "postgres": 5432, "mongodb": 27017, "mqtt": 1883, "ldap": 389, "socks": 1080, "rtsp": 554, "x11": 6000, "tds": 1433,
    "smb": 445, "rpc": 111, "finger": 79, "echo": 7, "chargen": 19, "rlogin": 513, "rsh": 514, "smart_install": 4786, "winbox": 8291,
    "routeros": 8728,
}  # fmt: skip
ANYWHERE = {
    "ssh", "telnet", "ftp", "smtp", "pop3", "imap", "rsync", "vnc", "mysql", "http", "redis", "memcached", "postgres", "mongodb", "mqtt", "ldap",
    "socks", "chargen",
}  # fmt: skip
FREE = 40001


def looks() -> dict[str, Any]:
    """Every look of a TCP port that names what listens there, by its name."""
    firsts = [groups[0] for _pattern, groups in dispatch._FIRST]
    groups = [*firsts, *(group for port in ports.COMMON for group in dispatch.candidates(port, b""))]
    groups += dispatch.searched(0, ())
    return {group[0][0]: group[0][1] for group in groups}


def test_every_language_that_is_spoken_stands_in_the_table() -> None:
    assert {*looks()} - {"tls"} == {*SPOKEN} == {*USUAL}


@pytest.mark.parametrize("name", sorted(SPOKEN))
def test_a_recogniser_knows_its_own_language_and_no_other(name: str) -> None:
    look = looks()[name]

    async def answered() -> set[str]:
        found = set()
        for other, service in {**SPOKEN, **UNSPOKEN, **GREETED}.items():
            facts = await look(Door(service), IP, USUAL[name])
            if facts.get("answer") is not False:
                found.add(other)
        return found

    assert asyncio.run(answered()) - SAME.get(name, set()) == {name}


def test_tls_is_what_answers_a_hello_with_a_record_of_it() -> None:
    tls = load("audits.lan.tls")

    async def spoken() -> set[str]:
        every = {**SPOKEN, **UNSPOKEN, **GREETED, "alert": Service(b"", {}, b"\x15\x03\x01\0\2\2\x28")}
        return {name for name, service in every.items() if await tls.spoken(Door(service), IP, 443)}

    assert asyncio.run(spoken()) == {"alert"}


@pytest.mark.parametrize("name", sorted(DATAGRAMS))
def test_a_datagram_is_taken_for_its_own_language_and_no_other(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load("audits.lan.looks.clocks"), "_HEADWAY", 0.0)
    look = {one: it for one, _port, it in reversed(dispatch.datagrams())}[name]

    async def answered() -> set[str]:
        found = set()
        for other, service in {**DATAGRAMS, **UNSPOKEN}.items():
            facts = await look(Door(service), IP, 1)
            if facts.get("answer") is not False:
                found.add(other)
        return found

    assert asyncio.run(answered()) == {name}


def visited(service: Service, port: int) -> list[Sighting]:
    """Return what a visit says of one open *port* where *service* stands."""
    said: list[Sighting] = []

    async def work() -> None:
        gate = Door(service)
        one = visit.Visits(gate.orders, gate, said.append, progress.Progress(said.append))
        await one._services(IP, port, await one._greeting(IP, port))

    asyncio.run(work())
    return said


def named(said: list[Sighting]) -> set[str]:
    return {
        one.kind
        for one in said
        if one.kind not in {"banner", "progress", "login"} and one.data.get("answer") is not False
    }


@pytest.mark.parametrize("name", sorted(SPOKEN))
def test_a_service_is_named_at_its_usual_port_and_elsewhere_never_as_another(name: str) -> None:
    assert named(visited(SPOKEN[name], USUAL[name])) - {"nfs"} == {name}
    for port in {*ports.COMMON, FREE} - ports.SILENT - {USUAL[name]}:
        assert named(visited(SPOKEN[name], port)) <= {name} | SAME.get(name, set()), port
    if name in ANYWHERE:
        assert named(visited(SPOKEN[name], FREE)) == {name}


@pytest.mark.parametrize("name", sorted(UNSPOKEN | GREETED))
def test_what_is_no_language_is_named_nowhere_and_told(name: str) -> None:
    service = (UNSPOKEN | GREETED)[name]
    for port in (*USUAL.values(), FREE, 443, 636, 2222, 8883):
        said = visited(service, port)
        assert named(said) == set(), port
        assert [one.data["reason"] for one in said if one.kind == "service"] == ["unrecognised"], port


@pytest.mark.parametrize(("after", "found"), [(0.5, {"ssh"}), (1.4, {"ssh"}), (1.6, set())])
@pytest.mark.parametrize("port", [22, 80, 443, 2222, 8080, FREE])
def test_who_greets_late_is_known_as_long_as_an_answer_may_take(after: float, found: set[str], port: int) -> None:
    ssh = SPOKEN["ssh"]
    late = Service(ssh.first, {b"SSH-2.0": ssh.answers[b"SSH-2.0"]}, b"", after)
    assert named(visited(late, port)) == found


@pytest.mark.parametrize("name", ["http", "redis", "ldap"])
def test_who_answers_is_not_listened_to_once_more(name: str) -> None:
    said = visited(SPOKEN[name], USUAL[name])
    marks = [str(what) for one in said if one.kind == "progress" for what in one.data.get("looked", [])]
    assert not [what for what in marks if what.startswith("listened ")]
