"""What refuses a stranger, and what only seems to: TLS wanted first, another kind of login offered, an error of another cause, silence."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from wizara.audit.facts import LanFacts
from wizara.audit.job import Job
from wizara.audit.mandate import Mandate
from wizara.audit.observation import Observation, Seen, Target, now
from wizara.audit.orders import Pace
from wizara.tree import load

databases, files, screens, smb, smb_session = (
    load(f"audits.lan.looks.{name}") for name in ("databases", "files", "screens", "smb", "smb_session")
)
crypto, door, tls = (load(f"audits.lan.{name}") for name in ("crypto", "door", "tls"))
suites, shares, zones = (load(f"audits.lan.weaknesses.{name}") for name in ("certificates", "files", "names"))
MANDATE = Mandate.model_validate(
    {"commissioner": "t", "reference": "t", "date": "2026-01-01", "perimeter": ["127.0.0.0/8"], "from": "2020-01-01", "to": "2099-01-01",
     "hours": ["00:00-24:00"], "operators": ["t"], "contact": "t"}
)  # fmt: skip
Answer = Callable[[bytes], bytes | None]
IP = "127.77.9.1"


def a_door() -> Any:
    job = Job(run="r", facts=LanFacts(), mandate=MANDATE, pace=Pace(timeout=0.1, host_per_second=5000))
    return door.Door(replace(job.orders(), logins=True))


def asked(look: Any, first: bytes, answer: Answer) -> dict[str, Any]:
    """Return what *look* makes of a server that says *first*, and *answer* to what it hears; it hangs up at None."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(first)
        while (heard := await reader.read(4096)) and (told := answer(heard)) is not None:
            writer.write(told)
        writer.close()

    async def ask() -> dict[str, Any]:
        async with await asyncio.start_server(script, IP, 0) as server:
            return dict(await look(a_door(), IP, server.sockets[0].getsockname()[1]))

    return asyncio.run(ask())


def in_turn(*answers: bytes) -> Answer:
    left = iter(answers)
    return lambda _heard: next(left, None)


def judged(rule: Any, kind: Any, data: dict[str, Any]) -> list[tuple[str, str | None]]:
    target = Target(site="hq", ip="10.0.0.1", port=1, proto="tcp")
    seen = Seen([Observation(run="r", time=now(), collector=kind, vantage="v", target=target, kind=kind, data=data)])
    return [(one.outcome, one.reason) for one in rule(seen, LanFacts())]


@pytest.mark.parametrize(
    ("reply", "anonymous"),
    [
        (b"530 Sorry, no ANONYMOUS access allowed.", False),
        (b"530 Login authentication failed", False),
        (b"530 Please login with USER and PASS.", False),
        (b"530 User not authorized", False),
        (b"503 Use AUTH first.", None),
        (b"534 Policy requires SSL.", None),
        (b"530 Non-anonymous sessions must use encryption.", None),
        (b"530 This server does not allow plain FTP. You have to use FTP over TLS.", None),
        (b"550-SSL/TLS required on the control channel\r\n550 SSL/TLS required on the control channel", None),
        (b"530 Sorry, the maximum number of clients (50) are already connected.", None),
    ],
)
def test_a_file_server_that_wants_tls_first_or_is_full_has_refused_no_stranger(
    reply: bytes, anonymous: bool | None
) -> None:
    for answers in ((reply, b"221 bye"), (b"331 which password?", reply, b"221 bye")):
        facts = asked(files.ftp, b"220 files\r\n", in_turn(*(one + b"\r\n" for one in answers)))
        assert (facts.get("anonymous"), facts.get("writable")) == (anonymous, anonymous), answers
        assert facts.get("undecided", []) == ([] if anonymous is not None else ["anonymous", "writable"])


def test_a_file_server_that_delays_its_refusal_has_refused() -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 files\r\n")
        for answer, delay in ((b"331 which?\r\n", 0.0), (b"530 Login incorrect.\r\n", 0.2), (b"221 bye\r\n", 0.0)):
            await reader.readline()
            await asyncio.sleep(delay)
            writer.write(answer)
        writer.close()

    async def ask() -> Any:
        async with await asyncio.start_server(script, IP, 0) as server:
            return await files.ftp(a_door(), IP, server.sockets[0].getsockname()[1])

    assert asyncio.run(ask())["anonymous"] is False


def carried(*kinds: int, announced: int | None = None) -> bytes:
    return bytes((0, len(kinds) if announced is None else announced)) + struct.pack(f"!{len(kinds)}I", *kinds)


@pytest.mark.parametrize(
    ("answers", "open_"),
    [
        ((b"\1\x13", b"\0\2", carried(257)), True),
        ((b"\1\x13", b"\0\2", carried(258, 260)), True),
        ((b"\2\2\x13", b"\0\2", carried(261, 260)), True),
        ((b"\1\x13", b"\0\2", carried(1)), True),
        ((b"\1\x13", b"\0\2", carried(256, 258, 259, 261, 262)), False),
        ((b"\2\2\x13", b"\0\2", carried(261)), False),
        ((b"\1\x13",), None),
        ((b"\1\x13", b"\0\1"), None),
        ((b"\1\x13", b"\0\2", b"\xff"), None),
        ((b"\1\x13", b"\0\2", b"\1\1"), None),
        ((b"\1\x13", b"\0\2", carried(258, announced=2)), None),
        ((b"\1\x13", b"\0\2", carried(257, announced=2)), True),
        ((b"\1\x13", b"\0\2", carried()), None),
        ((b"\1\x12",), None),
        ((b"\2\x10\x12",), None),
        ((b"\2\x10\2",), False),
    ],
)
def test_a_screen_is_open_where_what_its_encryption_carries_wants_no_login(
    answers: tuple[bytes, ...], open_: bool | None
) -> None:
    facts = asked(screens.vnc, b"RFB 003.008\n", in_turn(*answers))
    assert facts.get("open") is open_
    assert facts.get("undecided", []) == ([] if open_ is not None else ["open"])


@pytest.mark.parametrize(
    ("answers", "open_"),
    [((b"\4" + b"\xff" * 4,), None), ((b"\2\xff\2",), False), ((b"\2\xff\1",), True), ((b"\1\x13", b"\0\2", carried(9999)), None)],
)  # fmt: skip
def test_kinds_of_login_that_nobody_knows_prove_none(answers: tuple[bytes, ...], open_: bool | None) -> None:
    assert asked(screens.vnc, b"RFB 003.008\n", in_turn(*answers)).get("open") is open_


def framed(message: bytes) -> bytes:
    framed: bytes = smb_session.framed(message)
    return framed


def first_answer(status: int, index: int) -> bytes:
    return framed(
        b"\xffSMB\x72" + struct.pack("<IB", status, 0x80) + bytes(22) + b"\1" + struct.pack("<H", index) + bytes(9)
    )


NEGOTIATED = framed(b"\xfeSMB" + bytes(12) + b"\1" + bytes(47) + struct.pack("<HHH", 65, 3, 0x0302) + bytes(60))


def file_server(first: bytes | None, setup: list[int], reply: bytes = bytes(80)) -> Answer:
    """A server that says *first* to SMB 1, speaks SMB 2, and meets each further request with the next status; then it is silent."""
    left = iter(setup)

    def answer(heard: bytes) -> bytes | None:
        if heard[4:8] == b"\xffSMB":
            return first
        if heard[16:18] == b"\0\0":
            return NEGOTIATED
        status = next(left, None)
        if status is None:
            return b""
        return framed(heard[4:12] + struct.pack("<I", status) + heard[16:68] + reply)

    return answer


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smb_session, "_PATIENCE", 0.05)


REFUSED = [0xC0000022]


@pytest.mark.parametrize(
    ("first", "smb1"),
    [
        (first_answer(0, 0), True),
        (first_answer(0, 0xFFFF), False),
        (first_answer(0xC00000BB, 0), False),
        (None, False),
        (b"", None),
        (first_answer(0xC0000205, 0), None),
        (first_answer(0, 0)[:9], None),
    ],
)
def test_smb_1_is_refused_by_an_answer_or_the_end_of_the_connection(first: bytes | None, smb1: bool | None) -> None:
    facts = asked(smb.smb, b"", file_server(first, REFUSED))
    assert facts.get("smb1") is smb1
    assert facts["shares"] == facts["listed"] == []
    assert facts.get("undecided", []) == ([] if smb1 is not None else ["smb1"])


@pytest.mark.parametrize(
    ("setup", "refused"),
    [
        (REFUSED, True),
        ([0xC000006D], True),
        ([], False),
        ([0xC0000205], False),
        ([0xC0000016, 0xC0000022], True),
        ([0xC0000016], False),
        ([0xC0000016, 0, 0xC0000022], True),
        ([0xC0000016, 0], False),
        ([0xC0000016, 0, 0, 0xC0000034], True),
        ([0xC0000016, 0, 0], False),
        ([0xC0000016, 0, 0, 0], False),
        ([0xC0000016, 0, 0, 0, 0], False),
    ],
)
def test_a_file_server_that_falls_silent_has_refused_no_stranger(setup: list[int], refused: bool) -> None:
    facts = asked(smb.smb, b"", file_server(None, setup))
    assert facts["signing_required"] is True
    assert [name for name in ("shares", "listed") if name in facts] == (["shares", "listed"] if refused else [])
    assert facts.get("undecided", []) == ([] if refused else ["shares", "listed"])


@pytest.mark.parametrize(("rule", "fact"), [("share_of_strangers", "shares"), ("shares_are_listed", "listed")])
def test_what_a_file_server_left_open_is_unknown(rule: str, fact: str) -> None:
    judge = getattr(shares, rule)
    assert judged(judge, "smb", {fact: []}) == [("holds", None)]
    assert judged(judge, "smb", {fact: ["x"]}) == [("broken", None)]
    assert judged(judge, "smb", {"undecided": [fact]}) == [("unknown", "undecided")]
    assert judged(judge, "smb", {"smb1": False}) == []


@pytest.mark.parametrize(
    ("data", "outcome"),
    [
        ({"transfers": []}, ("holds", None)),
        ({"transfers": ["x.test"]}, ("broken", None)),
        ({"undecided": ["transfers"]}, ("unknown", "undecided")),
        ({"zones": [], "undecided": ["transfers"]}, ("unknown", "no-zone")),
    ],
)
def test_a_name_server_that_could_be_asked_for_no_zone_is_unknown_for_that_reason(
    data: dict[str, Any], outcome: tuple[str, str | None]
) -> None:
    assert judged(zones.zone_transfer, "dns", {"recursion": True, **data}) == [outcome]


class Shaker:
    """A server of TLS 1.2 that answers each hello, by its version or the family of its one suite, after so many seconds; None closes."""

    def __init__(self, timeout: float, **after: float | bytes | None) -> None:
        self.pace, self.after, self.waited, self.hellos = SimpleNamespace(timeout=timeout), after, 0.0, 0

    @asynccontextmanager
    async def tcp(self, _ip: str, _port: int, tls: Any = None) -> AsyncIterator[Any]:
        if tls:
            raise ConnectionResetError
        yield Shaking(self)


class Shaking:
    """One connection to it."""

    def __init__(self, server: Shaker) -> None:
        self.server, self.ended, self._left, self._after = server, False, b"", 0.0

    async def say(self, hello: bytes) -> None:
        self.server.hellos += 1
        version = max(int.from_bytes(hello[9:11], "big"), 0x0304 if b"\0\x2b\0\3\2\3\4" in hello else 0)
        count = int.from_bytes(hello[76:78], "big")
        offered = struct.unpack(f"!{count // 2}H", hello[78 : 78 + count])
        family = next((name for name, weak in tls.WEAK.items() if {*offered} - {0x00FF} == {*weak}), "")
        name = family or next(name for name, number in tls.VERSIONS.items() if number == version)
        usual: float | bytes = 0.0 if name == "TLSv1.2" else b"\x15\3\3\0\2\2\x28"
        after = self.server.after.get(name.replace(".", "_"), usual)
        if after is None:
            self.ended = True
        elif isinstance(after, bytes):
            self._left = after
        else:
            chosen = tls.WEAK[family][0] if family else offered[0]
            body = struct.pack("!H", version) + bytes(32) + b"\0" + struct.pack("!HB", chosen, 0)
            body += b"\0\6\0\x2b\0\2\3\4" if version == 0x0304 else b""
            message = b"\2" + struct.pack("!I", len(body))[1:] + body
            self._left, self._after = b"\x16\3\3" + struct.pack("!H", len(message)) + message, after

    async def hear(self, limit: int = 8192, seconds: float | None = None) -> bytes:
        patience = seconds or self.server.pace.timeout
        if self._after > patience:
            self.server.waited += patience
            return b""
        heard, self._left = self._left[:limit], self._left[limit:]
        self.server.waited += patience if not heard and not self.ended else 0.0
        return heard

    async def hear_until(self, ending: Callable[[bytes], bool], limit: int = 65536) -> bytes:
        heard = b""
        while not ending(heard) and (more := await self.hear(limit)):
            heard += more
        return heard


NEVER = 99.0
OTHER_VERSION = b"\x16\3\3\0\x2c\2\0\0\x28\3\3" + bytes(32) + b"\0\xc0\x2f\0" + bytes(2)


@pytest.mark.parametrize("answer", [None, b"\x15\3\3\0\2\2\x46", OTHER_VERSION])
def test_tls_is_refused_by_an_alert_a_close_or_another_version(answer: bytes | None) -> None:
    facts = asyncio.run(tls.look(Shaker(1.5, TLSv1_0=answer, RC4=answer), IP, 443))
    assert facts == {"versions": ["TLSv1.2"], "weak": [], "certificate": None}
    assert judged(crypto.old_tls, "tls", facts) == judged(suites.weak_suites, "tls", facts) == [("holds", None)]


@pytest.mark.parametrize("answer", [NEVER, 3.1, b"\x15\3\3\0", b"HTTP/1.1 400 no\r\n\r\n"])
def test_silence_to_an_old_hello_refuses_nothing(answer: float | bytes) -> None:
    facts = asyncio.run(tls.look(Shaker(1.5, TLSv1_0=answer, RC4=answer), IP, 443))
    assert (facts["silent_versions"], facts["silent_suites"]) == (["TLSv1.0"], ["RC4"])
    assert judged(crypto.old_tls, "tls", facts) == [("unknown", "undecided")]
    assert judged(suites.weak_suites, "tls", facts) == [("unknown", "undecided")]


@pytest.mark.parametrize("late", ["TLSv1_0", "TLSv1_1", "SSLv3"])
def test_a_server_that_answers_after_two_seconds_is_found_at_the_polite_pace(late: str) -> None:
    facts = asyncio.run(tls.look(Shaker(1.5, RC4=2.0, **{late: 2.0}), IP, 443))
    assert (facts["versions"][0], facts["weak"]) == (late.replace("_", "."), ["RC4"])
    assert judged(crypto.old_tls, "tls", facts) == judged(suites.weak_suites, "tls", facts) == [("broken", None)]


def test_a_server_whose_every_hello_is_answered_late_is_one_of_tls() -> None:
    every = dict.fromkeys(("TLSv1_2", "TLSv1_1", "TLSv1_0", "RC4"), 2.0)
    facts = asyncio.run(tls.look(Shaker(1.5, **every), IP, 443))
    assert (facts["versions"], facts["weak"]) == (["TLSv1.0", "TLSv1.1", "TLSv1.2"], ["RC4"])


def test_where_only_the_newest_version_is_known_to_be_spoken_its_old_suites_are_not_known() -> None:
    facts = asyncio.run(tls.look(Shaker(1.5, TLSv1_3=0.0, TLSv1_2=NEVER), IP, 443))
    assert judged(suites.weak_suites, "tls", facts) == [("unknown", "undecided")]
    facts = asyncio.run(tls.look(Shaker(1.5, TLSv1_3=0.0, TLSv1_2=None), IP, 443))
    assert judged(suites.weak_suites, "tls", facts) == [("holds", None)]


def test_a_port_that_is_silent_to_every_hello_costs_six_time_outs() -> None:
    server = Shaker(1.5, **dict.fromkeys(("SSLv3", "TLSv1_0", "TLSv1_1", "TLSv1_2", "TLSv1_3"), NEVER))
    assert asyncio.run(tls.look(server, IP, 443)) == {"answer": False}
    assert (server.hellos, server.waited) == (5, 6 * 1.5)


def test_a_connection_that_was_reset_has_ended() -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    async def ask() -> bool:
        server = await asyncio.start_server(script, IP, 0)
        async with server, a_door().tcp(IP, server.sockets[0].getsockname()[1]) as talk:
            await talk.say(b"x")
            assert await talk.hear() == b""
            return bool(talk.ended)

    assert asyncio.run(ask())


def refusal(code: int) -> bytes:
    body = b"\xff" + struct.pack("<H", code) + b"#08004no"
    return len(body).to_bytes(3, "little") + b"\2" + body


GREETING = b"\x0a10.11.6-MariaDB\0" + b"\1\0\0\0" + b"saltsalt" + bytes(40)


@pytest.mark.parametrize(
    ("code", "open_"), [(1045, False), (1698, False), (1130, False), (3159, None), (1040, None), (1129, None), (1251, None), (1862, None)]
)  # fmt: skip
def test_a_database_that_wants_tls_first_or_has_another_fault_has_refused_nobody(code: int, open_: bool | None) -> None:
    greeting = len(GREETING).to_bytes(3, "little") + b"\0" + GREETING
    facts = asked(databases.mysql, greeting, in_turn(refusal(code)))
    assert facts.get("open") is open_
    assert asked(databases.mysql, refusal(code), in_turn()).get("open") is open_


@pytest.mark.parametrize(("code", "open_"), [(13, False), (18, False), (13435, None), (11600, None), (59, None)])
def test_a_database_that_is_a_secondary_has_refused_nobody(code: int, open_: bool | None) -> None:
    told = b"\x01ok\0" + struct.pack("<d", 0) + b"\x10code\0" + struct.pack("<i", code) + b"\0"
    document = struct.pack("<i", len(told) + 4) + told
    reply = struct.pack("<4i", 21 + len(document), 1, 7, 2013) + bytes(5) + document
    facts = asked(databases.mongodb, b"", in_turn(reply))
    assert facts.get("open") is open_
    assert facts.get("undecided", []) == ([] if open_ is not None else ["open"])
