"""A refusal that has another cause, and a silence over UDP, decide nothing: they are unknown, and no proof of soundness."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from wizara.audit.facts import LanFacts
from wizara.audit.job import Job, Pace
from wizara.audit.mandate import Mandate
from wizara.audit.observation import Observation, Seen, Target, now
from wizara.tree import load

clocks, mailboxes, names, screens, snmp3 = (
    load(f"audits.lan.looks.{name}") for name in ("clocks", "mailboxes", "names", "screens", "snmp3")
)
door, snmp, rules = load("audits.lan.door"), load("audits.lan.snmp"), load("audits.lan.weaknesses.names")
MANDATE = Mandate.model_validate(
    {"commissioner": "t", "reference": "t", "date": "2026-01-01", "perimeter": ["127.0.0.0/8"], "from": "2020-01-01", "to": "2099-01-01",
     "hours": ["00:00-24:00"], "operators": ["t"], "contact": "t"}
)  # fmt: skip


def asked(look: Any, first: bytes, *answers: bytes) -> dict[str, Any]:
    """Return what *look* makes of a server that says *first*, and one of the *answers* after each thing it hears."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(first)
        for answer in answers:
            if not await reader.read(4096):
                break
            writer.write(answer)
        await writer.drain()
        writer.close()

    async def ask() -> dict[str, Any]:
        orders = Job(run="r", facts=LanFacts(), mandate=MANDATE, pace=Pace(timeout=0.3)).orders()
        async with await asyncio.start_server(script, "127.0.0.1", 0) as server:
            return dict(await look(door.Door(orders), "127.0.0.1", server.sockets[0].getsockname()[1]))

    return asyncio.run(ask())


@pytest.mark.parametrize(
    ("sender", "recipient", "relay"),
    [
        (b"250 ok", b"554 5.7.1 <relay-check@example.net>: Relay access denied", False),
        (b"250 ok", b"550 relay not permitted", False),
        (b"250 ok", b"454 4.7.1 <relay-check@example.net>: Relay access denied", False),
        (b"250 ok", b"451 4.7.1 <relay-check@example.net>: Recipient address rejected: Greylisted", None),
        (b"250 ok", b"454 4.7.1 <relay-check@example.net>: Recipient address rejected: later", None),
        (b"250 ok", b"250 ok", True),
        (b"250 ok", b"550 5.1.8 <audit@example.org>: Sender address rejected: Domain not found", None),
        (b"250 ok", b"550-Verification failed for <audit@example.org>\r\n550 Sender verify failed", None),
        (b"250 ok", b"554 5.7.1 <unknown[10.0.0.9]>: Client host rejected: Access denied", None),
        (b"250 ok", b"504 5.5.2 <audit>: Helo command rejected: need fully-qualified hostname", None),
        (b"550 5.7.1 sender denied", b"", None),
        (b"553 5.1.8 Domain of sender address does not exist", b"", None),
        (b"554 5.7.1 refused", b"", None),
        (b"530 5.7.0 Authentication required", b"", False),
        (b"530 5.7.0 Must issue a STARTTLS command first", b"", None),
    ],
)
def test_only_a_refused_recipient_decides_whether_a_server_relays(
    sender: bytes, recipient: bytes, relay: bool | None
) -> None:
    told = [b"250-mx\r\n250 STARTTLS\r\n", sender + b"\r\n", recipient + b"\r\n"]
    facts = asked(mailboxes.smtp, b"220 mx\r\n", *(one for one in told if one.strip()), b"250 ok\r\n", b"221 bye\r\n")
    assert facts.get("relay") is relay
    assert facts.get("undecided", []) == ([] if relay is not None else ["relay"])


def failed(reason: bytes) -> bytes:
    padded = reason + bytes(-len(reason) % 4)
    return bytes([0, len(reason)]) + b"\x0b\0\0\0" + (len(padded) // 4).to_bytes(2, "little") + padded


@pytest.mark.parametrize(
    ("reply", "open_"),
    [
        (b"\1\0\x0b\0\0\0\0\0", True),
        (b"\2\0\x0b\0\0\0\0\0", False),
        (failed(b"No protocol specified\n"), False),
        (failed(b"Client is not authorized to connect to Server"), False),
        (failed(b"Authorization required, but no authorization protocol specified\n"), False),
        (failed(b"Invalid MIT-MAGIC-COOKIE-1 key"), False),
        (failed(b"Maximum number of clients reached"), None),
        (failed(b"Protocol version mismatch"), None),
        (failed(b""), None),
        (failed(b"No protocol specified\n")[:8], None),
    ],
)
def test_a_screen_that_is_full_or_of_another_version_is_no_closed_one(reply: bytes, open_: bool | None) -> None:
    facts = asked(screens.x11, b"", reply)
    assert facts.get("open") is open_
    assert facts.get("undecided", []) == ([] if open_ is not None else ["open"])


@pytest.mark.parametrize("status", [b"404 Not Found", b"454 Session Not Found", b"500 x", b"503 x", b"302 Moved"])
def test_a_camera_without_a_stream_at_the_front_is_unknown(status: bytes) -> None:
    facts = asked(screens.rtsp, b"", b"RTSP/1.0 200 OK\r\n\r\n", b"RTSP/1.0 " + status + b"\r\n\r\n")
    assert facts == {"undecided": ["open"]}


class Datagrams:
    """A door whose datagrams are answered in turn, by what they begin with; what has no answer left is silent."""

    def __init__(self, **answers: list[bytes | None]) -> None:
        self.answers = answers
        self.asked: list[str] = []

    async def udp(self, _ip: str, _port: int, question: bytes) -> bytes | None:
        name = {0x23: "time", 0x16: "control", 0x17: "monitor"}[question[0]]
        self.asked.append(name)
        left = self.answers.get(name, [])
        return left.pop(0) if left else None


TIME = b"\x24\x02" + bytes(46)
BUSY = b"\x24\x00" + bytes(10) + b"RATE" + bytes(32)
GIVEN = b"\x16\x82\0\1" + bytes(8)
REFUSED = b"\x16\xc2\0\1" + bytes(8)
LISTED = b"\x97\0\3\x2a\0\1\0\x48" + bytes(72)


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ({"time": [TIME, TIME]}, {"control": False, "monitor": False}),
        ({"time": [TIME, None, TIME]}, {"control": False, "monitor": False}),
        ({"time": [TIME]}, {"undecided": ["control", "monitor"]}),
        ({"time": [TIME, BUSY]}, {"undecided": ["control", "monitor"]}),
        ({"control": [GIVEN]}, {"control": True, "undecided": ["monitor"]}),
        ({"control": [None, GIVEN], "time": [TIME, TIME]}, {"control": True, "monitor": False}),
        ({"control": [REFUSED], "monitor": [None, LISTED], "time": [TIME]}, {"control": False, "monitor": True}),
        ({"control": [b"\x16"], "time": [TIME, b"\x23" + bytes(47)]}, {"undecided": ["control", "monitor"]}),
        ({}, {"answer": False}),
    ],
)
def test_silence_of_a_time_server_is_a_refusal_only_where_it_still_tells_the_time(
    monkeypatch: pytest.MonkeyPatch, answers: dict[str, list[bytes | None]], expected: dict[str, Any]
) -> None:
    monkeypatch.setattr(clocks, "_HEADWAY", 0.0)
    facts = asyncio.run(clocks.ntp(Datagrams(**answers), "h", 123))
    facts.pop("reply", None)
    assert facts == expected


def test_the_time_is_not_asked_for_again_too_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clocks, "_HEADWAY", 0.2)
    moments: list[float] = []

    async def udp(_ip: str, _port: int, question: bytes) -> bytes | None:
        if question[0] == 0x23:
            moments.append(asyncio.get_running_loop().time())
        return TIME if question[0] == 0x23 else None

    asyncio.run(clocks.ntp(SimpleNamespace(udp=udp), "h", 123))
    assert moments[1] - moments[0] >= 0.19


def answer(
    question: bytes, *, code: int = 5, offers: bool = False, authority: bool = False, soa: bool = False
) -> bytes:
    """Return an answer to *question* of a name server, with a record that says SOA where wanted."""
    record = b"\xc0\x0c\0\6\0\1\0\0\0\0\0\0" if soa else b""
    flags = bytes([0x84 if authority else 0x80, (0x80 if offers else 0) | code])
    return question[:2] + flags + b"\0\1" + bytes([0, bool(soa)]) + bytes(4) + question[12:] + record


@pytest.mark.parametrize(
    ("resolves", "silent", "undecided"),
    [
        (True, "", ["transfers"]),
        (True, "version", ["version", "transfers"]),
        (True, "zones", ["transfers"]),
        (False, "", ["transfers"]),
        (None, "", ["recursion", "transfers"]),
    ],
)
def test_silence_of_a_name_server_is_no_refusal(resolves: bool | None, silent: str, undecided: list[str]) -> None:
    async def udp(_ip: str, _port: int, question: bytes) -> bytes | None:
        if question[2] & 1:
            return answer(question, code={True: 0, False: 5, None: 2}[resolves], offers=resolves is not False)
        return None if silent == ("version" if b"bind" in question else "zones") else answer(question)

    facts = asyncio.run(names.dns(SimpleNamespace(udp=udp), "10.0.0.1", 53))
    assert facts.get("undecided", []) == undecided
    assert facts.get("recursion") is resolves
    assert ("zones" in facts) is (silent != "zones")  # nothing was silent: there is no zone that could be asked for


@pytest.mark.parametrize(
    ("handed", "transfers"), [(b"", None), (b"refused", []), (b"zone", ["0.0.127.in-addr.arpa"]), (None, [])]
)
def test_a_zone_is_refused_by_an_answer_and_not_by_silence(handed: bytes | None, transfers: list[str] | None) -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        question = (await reader.read(4096))[2:]
        told = answer(question, code=0 if handed == b"zone" else 5, soa=handed == b"zone") if handed else b""
        writer.write(len(told).to_bytes(2, "big") + told if told else b"")
        await writer.drain()
        writer.close()

    async def udp(_ip: str, _port: int, question: bytes) -> bytes | None:
        return answer(question, code=0, authority=True, soa=question[12:15] == b"\1\x30\1")

    async def ask() -> dict[str, Any]:
        gate = door.Door(Job(run="r", facts=LanFacts(), mandate=MANDATE, pace=Pace(timeout=0.3)).orders())
        async with await asyncio.start_server(script, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            if handed is None:
                server.close()
            return dict(await names.dns(SimpleNamespace(udp=udp, tcp=gate.tcp), "127.0.0.1", port))

    facts = asyncio.run(ask())
    assert facts.get("transfers") == transfers
    assert ("transfers" in facts.get("undecided", [])) is (transfers is None)


@pytest.mark.parametrize(
    "told",
    [
        lambda asked: b"\x80" + bytes(range(1, 90)),
        lambda asked: b"\x80\x05" + bytes(8),
        lambda asked: b"\x80\0\0\1\0\0\0\0\0\0" + bytes(len(asked) - 12),
        lambda asked: b"\x80\5" + asked[4:-1],
        lambda asked: b"\x80\5\0\0" + asked[6:],
        lambda asked: b"\xa8\5" + asked[4:],
    ],
    ids=["random", "short", "other", "cut", "no-question", "kind"],
)
def test_a_datagram_that_does_not_repeat_the_question_answers_none(told: Callable[[bytes], bytes]) -> None:
    async def udp(_ip: str, _port: int, question: bytes) -> bytes | None:
        return question[:2] + told(question)

    facts = asyncio.run(names.dns(SimpleNamespace(udp=udp), "10.0.0.1", 53))
    assert facts == {"undecided": ["recursion", "version", "transfers"]}


ENTRY = b"BUREAU".ljust(15) + b"\0\4\0"
SHARED = b"\1\2__MSBROWSE__\2\1\x84\0"


def table(
    *entries: bytes, count: int | None = None, kind: int = 0x21, answers: int = 1, size: int | None = None
) -> bytes:
    """Return a table of names as nmbd sends it, but for its number."""
    body = bytes([len(entries) if count is None else count]) + b"".join(entries) + bytes(46)
    head = b"\x84\0" + struct.pack("!4H", 0, answers, 0, 0) + b" CK" + b"A" * 30 + b"\0"
    return head + struct.pack("!HHIH", kind, 1, 0, len(body) if size is None else size) + body


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        (table(ENTRY), ["BUREAU"]),
        (table(ENTRY)[:-46], None),
        (table(ENTRY, size=19)[:-46], ["BUREAU"]),
        (table(ENTRY, SHARED), ["BUREAU", "\\x01\\x02__MSBROWSE__\\x02"]),
        (table(b"\xc9COLE".ljust(15) + b"\0\4\0"), [...]),
        (table(), []),
        (table(ENTRY, count=2), None),
        (table(ENTRY, kind=0x20), None),
        (table(ENTRY, answers=0), None),
        (table(ENTRY, size=400), None),
        (table(b"\7\x1b[2J".ljust(18, b"\3")), None),
        (b"\x84\5" + table(ENTRY)[2:], None),
        (b"\x04\0" + table(ENTRY)[2:], None),
        (b"\xa8" + bytes(range(2, 130)), None),
        (b"\x84\0" + bytes(60), None),
    ],
)
def test_names_of_a_machine_are_read_from_a_table_of_names_only(told: bytes, shown: list[Any] | None) -> None:
    async def udp(_ip: str, _port: int, question: bytes) -> bytes:
        return question[:2] + told

    facts = asyncio.run(names.netbios(SimpleNamespace(udp=udp), "10.0.0.1", 137))
    assert facts.get("open") is (None if shown is None else bool(shown))
    assert (facts.get("answer") is False) is (shown is None)
    assert shown is None or shown == [...] or facts["names"] == shown


def observed(data: dict[str, Any]) -> Seen:
    target = Target(site="hq", ip="10.0.0.1", port=53, proto="udp")
    return Seen([Observation(run="r", time=now(), collector="dns", vantage="v", target=target, kind="dns", data=data)])


@pytest.mark.parametrize(
    ("rule", "fact"),
    [("undeclared_resolver", "recursion"), ("zone_transfer", "transfers"), ("server_version", "version")],
)
def test_what_a_name_server_left_open_is_unknown(rule: str, fact: str) -> None:
    whole = {"recursion": False, "transfers": [], "version": ""}
    judge = getattr(rules, rule)
    assert [one.outcome for one in judge(observed(whole), LanFacts())] == ["holds"]
    left = {name: told for name, told in whole.items() if name != fact} | {"undecided": [fact]}
    assert [(one.outcome, one.reason) for one in judge(observed(left), LanFacts())] == [("unknown", "undecided")]


def report(tag: int, name: bytes = b"") -> bytes:
    """Return an SNMPv3 message of the kind *tag*, as an agent sends it."""
    tlv = snmp.tlv
    binding = tlv(0x30, tlv(6, snmp3._SYSDESCR) + (tlv(4, name) if name else tlv(5, b"")))
    pdu = tlv(tag, tlv(2, b"\1") + tlv(2, b"\0") + tlv(2, b"\0") + tlv(0x30, binding))
    security = tlv(0x30, tlv(4, b"engine") + tlv(2, b"\1") + tlv(2, b"\1") + tlv(4, b"") * 3)
    return bytes(tlv(0x30, tlv(2, b"\3") + tlv(0x30, b"") + tlv(4, security) + tlv(0x30, tlv(4, b"") * 2 + pdu)))


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        (report(0xA8), {"open": False}),
        (None, {"undecided": ["open"]}),
        (b"nonsense", {"undecided": ["open"]}),
        (report(0xA2, b"switch"), {"open": True, "user": "public", "reply": "switch"}),
    ],
)
def test_an_agent_that_is_silent_about_a_name_has_not_refused_it(named: bytes | None, expected: dict[str, Any]) -> None:
    answers = iter([report(0xA8)])

    async def udp(_ip: str, _port: int, _question: bytes) -> bytes | None:
        return next(answers, named)

    assert asyncio.run(snmp3.snmp3(SimpleNamespace(udp=udp), "h", 161)) == expected


def test_a_name_whose_answer_was_lost_is_asked_again() -> None:
    answers = iter([report(0xA8), None, report(0xA2, b"switch")])

    async def udp(_ip: str, _port: int, _question: bytes) -> bytes | None:
        return next(answers)

    assert asyncio.run(snmp3.snmp3(SimpleNamespace(udp=udp), "h", 161))["open"] is True
