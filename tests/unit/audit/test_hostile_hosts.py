"""A host that sets traps ends no audit, holds none up, and is not called sound for its silence."""

from __future__ import annotations

import asyncio
import os
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
appliances, databases, files, ldap, mailboxes, rpc, screens = (
    load(f"audits.lan.looks.{name}")
    for name in ("appliances", "databases", "files", "ldap", "mailboxes", "rpc", "screens")
)
MANDATE = {
    "commissioner": "t", "reference": "t", "date": "2026-01-01", "perimeter": ["127.0.0.0/8"], "from": "2020-01-01", "to": "2099-01-01",
    "hours": ["00:00-24:00"], "operators": ["t"], "contact": "t",
}  # fmt: skip
HOST = f"127.77.2.{os.getpid() % 254 + 1}"  # several workers run these tests at a time, at the same ports
Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def orders(timeout: float = 0.2, **changes: Any) -> Any:
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


LATE = b"late"
"""An answer that comes when nobody waits for it any more."""


async def seen_of(look: Callable[..., Any], first: bytes, answers: dict[bytes, bytes], port: int = 2525) -> Any:
    """Return what *look* makes of a server that greets and answers by the *answers* whose key is in what it hears."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(first)
        while heard := await reader.read(4096):
            said = next((answer for key, answer in answers.items() if key in heard.upper()), b"500 what\r\n")
            if said.endswith(LATE):
                await asyncio.sleep(0.3)
            writer.write(said.removesuffix(LATE))
        writer.close()

    async with await asyncio.start_server(script, HOST, port):
        gate = door.Door(replace(orders(), logins=True))
        return await look(gate, HOST, port)


MAIL = {b"EHLO": b"250-mx\r\n250 STARTTLS\r\n", b"MAIL": b"250 ok\r\n", b"RCPT": b"250 ok\r\n", b"RSET": b"250 ok\r\n", b"QUIT": b"221 x\r\n"}  # fmt: skip
FTP = {b"USER": b"331 ok\r\n", b"PASS": b"230 in\r\n", b"MLST": b"250-x\r\n perm=el; /\r\n250 end\r\n"}
RSYNC = {b"31.0\n\n": b"backup\tall\n@RSYNCD: EXIT\n", b"BACKUP": b"@RSYNCD: OK\n"}
MONGO = struct.pack("<4i", 16 + 5 + 17, 1, 7, 2013)


def directory(bind: bytes, search: bytes) -> dict[bytes, bytes]:
    """A directory whose bind and searches end with these result codes; an empty one is late."""

    def ended(tag: int, code: bytes) -> bytes:
        tlv = snmp.tlv
        done: bytes = tlv(0x30, tlv(2, b"\2") + tlv(tag, tlv(0x0A, code or b"\0") + tlv(4, b"") + tlv(4, b"")))
        return done if code else done + LATE

    return {b"1.3.6.1.4.1.1466": ended(0x78, b"\2"), b"OBJECTCLASS": ended(0x65, search), b"": ended(0x61, bind)}


@pytest.mark.parametrize(
    ("look", "first", "answers", "expected", "undecided"),
    [
        (mailboxes.smtp, b"220 mx\r\n", MAIL, {"relay": True, "starttls": True, "login": False}, []),
        (mailboxes.smtp, b"220 mx\r\n", MAIL | {b"RCPT": b"554 no relaying\r\n"}, {"relay": False}, []),
        (mailboxes.smtp, b"220 mx\r\n", MAIL | {b"RCPT": b"250 ok\r\n" + LATE}, {"relay": None, "starttls": True}, ["relay"]),
        (mailboxes.smtp, b"220 mx\r\n", MAIL | {b"RCPT": b"450 greylisted\r\n"}, {"relay": None}, ["relay"]),
        (mailboxes.smtp, b"220 mx\r\n", MAIL | {b"MAIL": b"530 5.7.0 Must issue a STARTTLS command first\r\n"}, {"relay": None}, ["relay"]),
        (mailboxes.smtp, b"220 mx\r\n", MAIL | {b"MAIL": b"530 5.7.0 Authentication required\r\n"}, {"relay": False}, []),
        (mailboxes.smtp, b"220 mx\r\n", MAIL | {b"MAIL": b"421 later\r\n"}, {"relay": None}, ["relay"]),
        (mailboxes.smtp, b"220 mx\r\n", MAIL | {b"EHLO": b"250 mx\r\n" + LATE}, {"relay": None, "starttls": None}, ["starttls", "relay", "login"]),
        (files.ftp, b"220 ftp\r\n", FTP, {"anonymous": True, "writable": False}, []),
        (files.ftp, b"220 ftp\r\n", FTP | {b"USER": b"530 no\r\n"}, {"anonymous": False, "writable": False}, []),
        (files.ftp, b"220 ftp\r\n", FTP | {b"USER": b"331 ok\r\n" + LATE}, {"anonymous": None}, ["anonymous", "writable"]),
        (files.ftp, b"220 ftp\r\n", FTP | {b"USER": b"421 too many users\r\n"}, {"anonymous": None}, ["anonymous", "writable"]),
        (files.ftp, b"220 ftp\r\n", FTP | {b"MLST": b"250 x\r\n" + LATE}, {"anonymous": True, "writable": None}, ["writable"]),
        (files.rsync, b"@RSYNCD: 31.0\n", RSYNC, {"open": True}, []),
        (files.rsync, b"@RSYNCD: 31.0\n", RSYNC | {b"BACKUP": b"@RSYNCD: AUTHREQD x\n"}, {"open": False}, []),
        (files.rsync, b"@RSYNCD: 31.0\n", RSYNC | {b"BACKUP": b"@RSYNCD: OK\n" + LATE}, {"open": None}, ["open"]),
        (files.rsync, b"@RSYNCD: 31.0\n", RSYNC | {b"BACKUP": b"@ERROR: max connections (4) reached -- try again later\n"}, {"open": None}, ["open"]),
        (ldap.ldap, b"", directory(b"\0", b"\1"), {"open": False, "starttls": False}, []),
        (ldap.ldap, b"", directory(b"\0", b""), {"open": None, "starttls": False}, ["open"]),
        (ldap.ldap, b"", directory(b"\0", b"\x33"), {"open": None}, ["open"]),
        (screens.vnc, b"RFB 003.008\n", {b"RFB": b"\1\1" + LATE}, {"open": None}, ["open"]),
        (screens.vnc, b"RFB 003.008\n", {b"RFB": b"\0\0\0\0\x08too many"}, {"open": None}, ["open"]),
        (screens.vnc, b"RFB 003.003\n", {b"RFB": b"\0\0\0\0"}, {"open": None}, ["open"]),
        (screens.rtsp, b"", {b"OPTIONS": b"RTSP/1.0 200 OK\r\n\r\n", b"DESC": b"RTSP/1.0 200 OK\r\n\r\n" + LATE}, {"open": None}, ["open"]),
        *((mailboxes.smtp, b"220 mx\r\n", MAIL | {b"EHLO": cut}, {"relay": None, "starttls": None, "login": None}, ["starttls", "relay", "login"])
          for cut in (b"250-mx\r\n250-SIZE 100\r\n", b"250-mx\r\n250 SIZE", b"250-start")),
        (mailboxes.smtp, b"220 mx\r\n", MAIL | {b"EHLO": b"250-mx\r\n250-STARTTLS\r\n250-AUTH LOGIN\r\n"}, {"starttls": True, "login": True}, ["relay"]),
        (mailboxes.smtp, b"220 mx\r\n", MAIL | {b"EHLO": b"250-starttls.example\r\n250 SIZE\r\n"}, {"starttls": False}, []),
        (mailboxes.smtp, b"220 mx\r\n", MAIL | {b"RCPT": b"550-no\r\n"}, {"relay": None}, ["relay"]),
        (mailboxes.smtp, b"220 mx\r\n", MAIL | {b"MAIL": b"250-ok\r\n"}, {"relay": None}, ["relay"]),
        (mailboxes.pop3, b"+OK\r\n", {b"CAPA": b"+OK\r\nTOP\r\n"}, {"plaintext": None}, ["plaintext"]),
        (mailboxes.pop3, b"+OK\r\n", {b"CAPA": b"-ERR\r\n", b"USER": b"-ERR [SYS/TEMP] later\r\n"}, {"plaintext": None}, ["plaintext"]),
        (mailboxes.pop3, b"+OK\r\n", {b"CAPA": b"-ERR\r\n", b"USER": b"-ERR"}, {"plaintext": None}, ["plaintext"]),
        (mailboxes.imap, b"* OK\r\n", {b"CAPA": b"* CAPABILITY IMAP4rev1 START"}, {"plaintext": None}, ["plaintext"]),
        (mailboxes.imap, b"* OK\r\n", {b"CAPA": b"* CAPABILITY IMAP4rev1 LOGINDISABLED\r\n"}, {"plaintext": False}, []),
        (mailboxes.imap, b"* OK\r\n", {b"CAPA": b"a NO [UNAVAILABLE] later\r\n"}, {"plaintext": None}, ["plaintext"]),
        (mailboxes.pop3, b"+OK\r\n", {b"CAPA": b"+OK\r\nUSER\r\n.\r\n" + LATE}, {"plaintext": None}, ["plaintext"]),
        (mailboxes.imap, b"* OK\r\n", {b"CAPA": b"* CAPABILITY\r\na OK\r\n" + LATE}, {"plaintext": None}, ["plaintext"]),
        (databases.postgres, b"", {b"USER": b"E\0\0\0\x1cSFATAL\0C53300\0Mno room\0\0", b"": b"N"}, {"open": None}, ["open"]),
        (databases.postgres, b"", {b"USER": b"E\0\0\0\x1dSFATAL\0C28000\0Mno entry\0\0", b"": b"N"}, {"open": False}, []),
        (databases.mysql, b"\x10\0\0\0\xff\x10\x04Too many.....", {}, {"open": None}, ["open"]),
        (databases.mongodb, b"", {b"LISTDATABASES": MONGO + b"\1"}, {"open": None}, ["open"]),
        (databases.redis, b"", {b"PING": b"-ERR max number of clients reached\r\n"}, {"open": None}, ["open"]),
        *((databases.mqtt, b"", {b"MQTT": b"\x20\2\0" + bytes([code])}, {"open": None}, ["open"]) for code in (1, 2, 3)),
        (databases.mqtt, b"", {b"MQTT": b"\x20\3\0\x84\0"}, {"open": None}, ["open"]),
        (databases.redis, b"", {b"PING": b"-LOADING Redis is loading the dataset in memory\r\n"}, {"open": None}, ["open"]),
        (databases.mqtt, b"", {b"MQTT": b"\x20\2\0\5"}, {"open": False}, []),
    ],
)  # fmt: skip
def test_silence_and_later_are_no_refusal(
    look: Callable[..., Any], first: bytes, answers: dict[bytes, bytes], expected: dict[str, Any], undecided: list[str]
) -> None:
    facts = asyncio.run(seen_of(look, first, answers))
    assert {key: facts.get(key) for key in expected} == expected
    assert facts.get("undecided", []) == undecided
    assert facts.get("answer") is not False


def test_a_greeting_of_220_without_any_answer_is_no_ftp_and_no_mail_server_by_its_words() -> None:
    for look in (files.ftp, mailboxes.smtp):
        silent = {b"USER": LATE, b"EHLO": LATE, b"": LATE}
        assert asyncio.run(seen_of(look, b"220 ready\r\n", silent, 4021))["answer"] is False


class Datagrams:
    """A door whose datagrams are answered in turn by what a test says."""

    def __init__(self, answers: dict[bytes, list[bytes | None]]) -> None:
        self.answers = answers

    async def udp(self, _ip: str, _port: int, question: bytes) -> bytes | None:
        found = next(answers for key, answers in self.answers.items() if question.startswith(key))
        return found.pop(0) if found else None


RMCP = b"\x06\x00\xff\x07"
SESSION = RMCP + b"\x06\x11" + bytes(11)


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ([SESSION + b"\0"], {"open": True, "cipher_zero": True}),
        ([None, SESSION + b"\0"], {"open": True, "cipher_zero": True}),
        ([SESSION + b"\x11"], {"open": True, "cipher_zero": False}),
        ([SESSION + b"\1"], {"open": True, "undecided": ["cipher_zero"]}),
        ([None, None], {"open": True, "undecided": ["cipher_zero"]}),
    ],
)
def test_a_management_controller_that_loses_a_datagram_is_asked_again(
    answers: list[bytes | None], expected: dict[str, Any]
) -> None:
    gate = Datagrams({RMCP + bytes(9): [RMCP + bytes(20)], RMCP + b"\x06\x10": answers})
    assert asyncio.run(appliances.ipmi(gate, "h", 623)) == expected


def observed(kind: Any, data: dict[str, Any]) -> Seen:
    target = Target(site="hq", ip="10.0.0.1", port=25, proto="tcp")
    return Seen([Observation(run="r", time=now(), collector=kind, vantage="v", target=target, kind=kind, data=data)])


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"relay": True}, [("broken", None)]), ({"relay": False}, [("holds", None)]), ({}, []),
        ({"undecided": ["relay"]}, [("unknown", "undecided")]), ({"undecided": ["login"]}, []),
        ({"undecided": "relay"}, []), ({"answer": False, "undecided": ["relay"]}, []),
    ],
)  # fmt: skip
def test_what_no_answer_decided_is_unknown_and_says_so(data: dict[str, Any], expected: list[Any]) -> None:
    told = mail.RELAY(observed("smtp", data), LanFacts())
    assert [(one.outcome, one.reason) for one in told] == expected


async def looked_at(script: Script, ports: int, patience: float) -> tuple[list[Sighting], float, Any]:
    """Return what a visit says of *ports* open ports that *script* serves, and the seconds that it took."""
    said: list[Sighting] = []
    async with AsyncExitStack() as stack:
        numbers = []
        for _each in range(ports):
            server = await stack.enter_async_context(await asyncio.start_server(script, "127.77.3.1", 0))
            numbers.append(server.sockets[0].getsockname()[1])
        one, began = visits(said, timeout=patience), asyncio.get_running_loop().time()
        await asyncio.gather(*(one._services("127.77.3.1", port, b"") for port in numbers))
        return said, asyncio.get_running_loop().time() - began, one


async def dripping(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(4096)
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while not writer.is_closing():
        writer.write(b"x")
        await asyncio.sleep(0.05)


def test_a_host_that_drips_on_all_its_ports_is_left_and_its_ports_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        load("audits.lan.patience"), "_WHOLE", 8
    )  # instead of forty: the same, with time-outs that a busy computer keeps
    said, seconds, one = asyncio.run(looked_at(dripping, 40, 0.1))
    assert seconds < 4  # eight time-outs are 0.8 s; all of them would be twelve and more a port
    assert one.door.health("127.77.3.1").tripped == "slow"
    slow = [one for one in said if one.kind == "service" and one.data["reason"] == "slow"]
    assert len(slow) > 20  # the others were heard to their end before
    assert {one.ip for one in slow} == {"127.77.3.1"}


def test_many_honest_services_of_one_host_are_all_asked_to_the_end() -> None:
    async def page(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(4096)
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n<title>x</title>")
        await writer.drain()
        writer.close()

    said, _seconds, one = asyncio.run(looked_at(page, 40, 0.4))
    assert one.door.health("127.77.3.1").tripped is None
    assert sum(one.kind == "http" and one.data.get("answer") is not False for one in said) == 40
    assert not [one for one in said if one.kind == "service"]


def test_a_port_that_was_not_asked_to_the_end_is_unknown_and_says_why() -> None:
    told = passages.unrecognised(observed("service", {"answer": False, "reason": "slow"}), LanFacts())
    assert [(one.outcome, one.reason) for one in told] == [("unknown", "slow")]


async def resumed(script: Script, ports: int, done: Callable[[list[int]], set[str]]) -> tuple[dict[int, int], Any, Any]:
    """Return how often each port was connected to when a scan of *ports* is taken up after *done*, and what is said."""
    counts: dict[int, int] = {}

    async def counted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        port = writer.get_extra_info("sockname")[1]
        counts[port] = counts.get(port, 0) + 1
        await script(reader, writer)

    said: list[Sighting] = []
    async with AsyncExitStack() as stack:
        numbers = []
        for _each in range(ports):
            server = await stack.enter_async_context(await asyncio.start_server(counted, "127.77.4.1", 0))
            numbers.append(server.sockets[0].getsockname()[1])
        one = visits(said, timeout=0.03, done=Done(looked=frozenset(done(numbers))))
        await asyncio.gather(*(one._services("127.77.4.1", port, b"") for port in numbers))
        one.progress.flush()
        return counts, numbers, said


async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(-1)
    writer.close()


def test_a_scan_taken_up_again_asks_no_further_ports_in_every_language() -> None:
    def earlier(numbers: list[int]) -> set[str]:
        return {f"searched 127.77.4.1 {port}" for port in numbers[3:]}

    counts, numbers, _said = asyncio.run(resumed(mute, 9, earlier))
    assert {port for port, count in counts.items() if count > 3} == {*numbers[3:]}


def test_what_is_asked_in_every_language_is_noted() -> None:
    _counts, numbers, said = asyncio.run(resumed(mute, 7, lambda _numbers: set()))
    looked = [str(what) for one in said if one.kind == "progress" for what in one.data.get("looked", [])]
    searched = [what for what in looked if what.startswith("searched ")]
    assert len(searched) == len({*searched}) == 6
    assert {int(what.split(" ")[2]) for what in searched} < {*numbers}


def test_an_answer_and_the_name_that_it_gives_are_noted_at_once() -> None:
    said: list[Sighting] = []

    async def ask() -> None:
        one = visits(said)

        async def look(_gate: Any, _ip: str, _port: int) -> dict[str, Any]:
            for number in range(progress._MANY - 1):  # the next one is told at once, with all that were gathered
                one.progress.looked(f"other {number}")
            return {}

        assert await one._named("127.0.0.1", 80, [(("http", look),)])

    asyncio.run(ask())
    looked = [one.data["looked"] for one in said if one.kind == "progress"]
    assert [what[-2:] for what in looked] == [["http 127.0.0.1 tcp/80", "named http 127.0.0.1 tcp/80"]]


@pytest.mark.parametrize("order", [1, -1])
def test_a_greeting_that_was_heard_at_second_hearing_is_remembered(order: int) -> None:
    marks = ["heard 127.0.0.1 8086 ", f"heard 127.0.0.1 8086 {b'220 files'.hex()}"][::order]
    assert dict(visit._greetings(marks)) == {("127.0.0.1", 8086): b"220 files"}
