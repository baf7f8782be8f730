"""The looks against servers that speak the protocol, its twin, or nonsense; and which look is taken at which port."""

from __future__ import annotations

import asyncio
import random
import struct
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from wizara.audit.facts import LanFacts
from wizara.audit.job import Job, Pace
from wizara.audit.mandate import Mandate
from wizara.tree import load

dispatch, door, ports, tls = (load(f"audits.lan.{name}") for name in ("dispatch", "door", "ports", "tls"))
legacy, ldap, names, rpc, screens, mailboxes, databases, appliances, smb, smb_session, clocks, proxies = (
    load(f"audits.lan.looks.{name}")
    for name in ("legacy", "ldap", "names", "rpc", "screens", "mailboxes", "databases", "appliances", "smb", "smb_session", "clocks", "proxies")
)  # fmt: skip
MANDATE = Mandate.model_validate(
    {"commissioner": "t", "reference": "t", "date": "2026-01-01", "perimeter": ["127.0.0.0/8"], "from": "2020-01-01", "to": "2099-01-01",
     "hours": ["00:00-24:00"], "operators": ["t"], "contact": "t", "default_logins": True}
)  # fmt: skip


def a_door(**orders: Any) -> Any:
    return door.Door(Job(run="r", facts=LanFacts(), mandate=MANDATE, pace=Pace(timeout=0.4), **orders).orders())


async def answered(look: Callable[..., Any], *answers: bytes, first: bytes = b"", **orders: Any) -> dict[str, Any]:
    """Return what *look* makes of a server that says *first*, then one of *answers* after each thing it hears."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(first)
        for answer in answers:
            if not await reader.read(4096):
                break
            writer.write(answer)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(script, "127.0.0.1", 0) as server:
        facts: dict[str, Any] = await look(a_door(**orders), "127.0.0.1", server.sockets[0].getsockname()[1])
        return facts


def asked(look: Callable[..., Any], *answers: bytes, first: bytes = b"", **orders: Any) -> dict[str, Any]:
    return asyncio.run(answered(look, *answers, first=first, **orders))


def packet(number: int, body: bytes) -> bytes:
    return len(body).to_bytes(3, "little") + bytes([number]) + body


GREETING = packet(0, b"\x0a10.11.1-MariaDB\0" + bytes(40))
PRELOGIN = b"\4\1\0\x1a\0\0\1\0" + b"\0\0\x0b\0\6" + b"\1\0\x11\0\1" + b"\xff" + bytes(6)
MONGO = struct.pack("<4i", 16 + 5 + 17, 1, 7, 2013) + bytes(5)


def mongo_error(code: int) -> bytes:
    """An answer of MongoDB that is not ok."""
    told = b"\x01ok\0" + struct.pack("<d", 0) + b"\x10code\0" + struct.pack("<i", code) + b"\0"
    document = struct.pack("<i", len(told) + 4) + told
    return struct.pack("<4i", 16 + 5 + len(document), 1, 7, 2013) + bytes(5) + document


@pytest.mark.parametrize(
    ("look", "first", "answers", "expected"),
    [
        (legacy.finger, b"", (b"No one logged on.\r\n",), {"open": True}),
        (legacy.finger, b"", (b"HTTP/1.1 400 no\r\n",), {"answer": False}),
        (legacy.rlogin, b"", (b"\x01rlogind: Permission denied.\r\n",), {"open": True}),
        (legacy.rlogin, b"", (b"220 ftp\r\n",), {"answer": False}),
        (legacy.echo, b"", (b"something else\r\n",), {"answer": False}),
        (screens.vnc, b"RFB 003.008\n", (b"\x01\x01",), {"open": True}),
        (screens.vnc, b"RFB 003.008\n", (b"\x01\x02",), {"open": False}),
        (screens.vnc, b"RFB 003.003\n", (b"\0\0\0\x01",), {"open": True}),
        (screens.vnc, b"RFB 003.003\n", (b"\0\0\0\x02",), {"open": False}),
        (screens.x11, b"", (b"\x01\0\x0b\0\0\0\0\0",), {"open": True}),
        (screens.x11, b"", (b"\0\x16\x0b\0\0\0\x06\0No protocol specified\n\0\0",), {"open": False}),
        (mailboxes.pop3, b"+OK\r\n", (b"+OK\r\nTOP\r\nUSER\r\n.\r\n",), {"plaintext": True}),
        (mailboxes.pop3, b"+OK\r\n", (b"+OK\r\nTOP\r\nSTLS\r\n.\r\n",), {"plaintext": False}),
        (mailboxes.pop3, b"+OK\r\n", (b"-ERR\r\n", b"+OK\r\n"), {"plaintext": True}),
        (mailboxes.pop3, b"+OK\r\n", (b"-ERR\r\n", b"-ERR TLS first\r\n"), {"plaintext": False}),
        (mailboxes.imap, b"* OK\r\n", (b"* CAPABILITY IMAP4rev1 STARTTLS\r\na OK\r\n",), {"plaintext": True}),
        (mailboxes.imap, b"* OK\r\n", (b"* CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED\r\na OK\r\n",), {"plaintext": False}),
        (databases.postgres, b"", (b"N", b"R\0\0\0\x08\0\0\0\0"), {"open": True}),
        (databases.postgres, b"", (b"N", b"R\0\0\0\x17\0\0\0\x0aSCRAM-SHA-256\0\0"), {"open": False}),
        (databases.mongodb, b"", (MONGO + b"\x01ok\0" + struct.pack("<d", 1) + bytes(5),), {"open": True}),
        (databases.mongodb, b"", (mongo_error(13),), {"open": False}),
        (databases.mongodb, b"", (mongo_error(13435),), {"open": None, "undecided": ["open"]}),
        (appliances.smart_install, b"", (struct.pack("!6I", 4, 0, 3, 8, 1, 0),), {"open": True}),
        (appliances.smart_install, b"", (b"HTTP/1.1 400 Bad Request\r\n\r\n",), {"answer": False}),
        (appliances.winbox, b"", (bytes([49, 6]) + bytes(49),), {"open": True}),
        (appliances.winbox, b"", (bytes([49, 6]) + bytes(9),), {"answer": False}),
        (appliances.routeros, b"", (b"\x05!trap\0",), {"open": True}),
        (databases.tds, b"", (PRELOGIN + b"\2",), {"encrypts": False}),
        (databases.tds, b"", (PRELOGIN + b"\0",), {"encrypts": True}),
        (databases.tds, b"", (b"HTTP/1.1 400 no\r\n\r\n",), {"answer": False}),
        (proxies.socks, b"", (b"\x05\x00",), {"open": True}),
        (proxies.socks, b"", (b"\x05\xff",), {"open": False}),
        (proxies.socks, b"", (b"HTTP/1.1 400 no\r\n\r\n",), {"answer": False}),
        (screens.rtsp, b"", (b"RTSP/1.0 200 OK\r\nPublic: DESCRIBE\r\n\r\n", b"RTSP/1.0 200 OK\r\n\r\nv=0\r\n"), {"open": True}),
        (screens.rtsp, b"", (b"RTSP/1.0 200 OK\r\n\r\n", b"RTSP/1.0 401 no\r\n\r\n"), {"open": False}),
        (screens.rtsp, b"", (b"RTSP/1.0 200 OK\r\n\r\n", b"RTSP/1.0 404 no\r\n\r\n"), {"open": None, "answer": None, "undecided": ["open"]}),
    ],
)  # fmt: skip
def test_a_service_is_told_from_its_twin(
    look: Callable[..., Any], first: bytes, answers: tuple[bytes, ...], expected: dict[str, object]
) -> None:
    facts = asked(look, *answers, first=first)
    assert {key: facts.get(key) for key in expected} == expected


def test_an_empty_password_is_tried_only_where_that_is_asked_for() -> None:
    accepted = packet(2, b"\0\0\0\2\0\0\0")
    assert "open" not in asked(databases.mysql, accepted, first=GREETING)
    assert asked(databases.mysql, accepted, first=GREETING, logins=True)["open"] is True
    assert asked(databases.mysql, packet(2, b"\xff\x15\x04denied"), first=GREETING, logins=True)["open"] is False


def test_the_login_of_a_device_is_tried_only_where_that_is_asked_for() -> None:
    web = load("audits.lan.looks.web")
    heard: list[bytes] = []

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.read(4096))
        writer.write(b"HTTP/1.1 401 no\r\nWWW-Authenticate: Basic realm=x\r\n\r\n")
        await writer.drain()
        writer.close()

    async def ask(*, logins: bool) -> Any:
        async with await asyncio.start_server(script, "127.0.0.1", 0) as server:
            return await web.factory_login(a_door(logins=logins), "127.0.0.1", server.sockets[0].getsockname()[1])

    assert asyncio.run(ask(logins=False)) == {"answer": False}
    assert heard == []
    assert asyncio.run(ask(logins=True))["open"] is False
    assert sum(b"Authorization" in one for one in heard) == 1


def every_look() -> list[tuple[str, Any]]:
    groups = [group for port in ports.COMMON for group in dispatch.candidates(port, b"")]
    named = {name: look for group in (*groups, *dispatch.searched(0, ())) for name, look in group}
    return sorted(named.items())


@pytest.mark.parametrize("seed", range(4))
def test_no_look_is_upset_by_nonsense(seed: int) -> None:
    chance = random.Random(seed)
    looks = every_look()

    async def every() -> list[dict[str, Any] | BaseException]:
        noises = [chance.randbytes(chance.randrange(1, 600)) for _look in looks]
        firsts = [noise if seed % 2 else b"" for noise in noises]
        talks = [
            answered(look, noise, noise, noise, first=first)
            for (_name, look), noise, first in zip(looks, noises, firsts, strict=True)
        ]
        return await asyncio.gather(*talks, return_exceptions=True)

    for (name, _look), facts in zip(looks, asyncio.run(every()), strict=True):
        assert isinstance(facts, dict), (name, facts)


@pytest.mark.parametrize("seed", range(40))
def test_no_reader_is_upset_by_nonsense(seed: int) -> None:
    noise = random.Random(seed).randbytes(300)
    assert names.records(b"\0\1\x84\0\0\1\0\5" + noise) is not None
    assert isinstance(names.expanded(noise, b"\xc0\x00" + noise), str)
    assert ldap.answers(b"\x30\x20" + noise) is not None
    assert rpc.exported(noise) is not None
    assert rpc.mappings(b"\0\0\0\1" + noise) is not None
    assert smb_session.shares(b"\5\0\2" + noise) is not None
    assert smb.negotiated(b"\xfeSMB" + noise) is not None


def test_a_name_that_points_to_itself_ends() -> None:
    assert names.expanded(b"\xc0\x00", b"\xc0\x00") == ""


@pytest.mark.parametrize(
    ("port", "heard", "expected"),
    [
        (2222, b"SSH-2.0-x\r\n", ["ssh"]), (2323, b"\xff\xfd\x18", ["telnet"]), (5999, b"RFB 003.008\n", ["vnc"]),
        (2121, b"220 files\r\n", ["ftp", "smtp"]), (2525, b"220 ready\r\n", ["smtp", "ftp"]), (26, b"220 x ESMTP\r\n", ["smtp", "ftp"]),
        (1100, b"+OK\r\n", ["pop3"]), (9000, b"sw login: ", ["telnet"]), (9000, b"Last login: today\r\n", []),
        (445, b"", ["smb", "http"]), (443, b"", ["tls", "http"]), (8090, b"", ["http"]), (53, b"", []), (49999, b"", ["http"]),
    ],
)  # fmt: skip
def test_words_go_before_numbers(port: int, heard: bytes, expected: list[str]) -> None:
    assert [group[0][0] for group in dispatch.candidates(port, heard)] == expected


def test_only_rotating_lines_are_chargen() -> None:
    line = bytes(range(33, 105))
    assert legacy.rotates(line + b"\r\n" + line[1:] + b"i\r\n")
    assert not legacy.rotates(line + b"\r\n" + line + b"\r\n")
    assert not legacy.rotates(b"220 hello\r\n")


def test_every_kind_of_weak_suite_is_offered_alone() -> None:
    for suites in tls.WEAK.values():
        hello = tls.client_hello(0x0303, suites)
        at = 44 + 32
        size = int.from_bytes(hello[at : at + 2], "big")
        offered = struct.unpack_from(f"!{size // 2}H", hello, at + 2)
        assert {*offered} == {*suites, 0x00FF}


@pytest.mark.parametrize(
    ("told", "listed", "control", "monitor"),
    [
        (b"\x16\x82\0\1" + bytes(8), b"", True, False),
        (b"\x16\xc2\0\1" + bytes(8), b"", False, False),
        (b"", b"\x97\0\3\x2a\0\1\0\x48" + bytes(72), False, True),
        (b"", b"\x97\0\3\x2a\x40\0\0\0", False, False),
    ],
)
def test_time_servers_are_told_by_what_they_answer(
    monkeypatch: pytest.MonkeyPatch, told: bytes, listed: bytes, control: bool, monitor: bool
) -> None:
    monkeypatch.setattr(clocks, "_HEADWAY", 0.0)

    async def udp(_ip: str, _port: int, question: bytes) -> bytes:
        return {0x23: b"\x24" + bytes(47), 0x16: told, 0x17: listed}[question[0]]

    facts = asyncio.run(clocks.ntp(SimpleNamespace(udp=udp), "127.0.0.1", 123))
    assert (facts["control"], facts["monitor"]) == (control, monitor)


@pytest.mark.parametrize(("code", "recursion"), [(0, True), (3, True), (2, None), (5, False)])
def test_only_who_resolved_the_question_is_a_resolver(code: int, recursion: bool | None) -> None:
    async def udp(_ip: str, _port: int, question: bytes) -> bytes:
        return question[:2] + bytes([0x81, 0x80 | code]) + question[4:]

    facts = asyncio.run(names.dns(SimpleNamespace(udp=udp), "127.0.0.1", 53))
    assert facts.get("recursion") is recursion


@pytest.mark.parametrize(
    ("ip", "port", "written"),
    [("10.0.0.1", None, "10.0.0.1"), ("fd00::1", None, "[fd00::1]"), ("fe80::1%lan0", 554, "[fe80::1]:554"), ("10.0.0.1", 554, "10.0.0.1:554")],
)  # fmt: skip
def test_an_address_of_version_6_is_bracketed_where_a_port_may_follow(ip: str, port: int | None, written: str) -> None:
    assert load("audits.lan.looks.conversation").authority(ip, port) == written


def test_standard_library_only() -> None:
    folder = Path(legacy.__file__).parent
    for path in folder.glob("*.py"):
        for line in path.read_text().splitlines():
            if line.startswith(("import ", "from ")):
                root = line.split()[1].partition(".")[0]
                assert root in sys.stdlib_module_names | {"audits", "wizara"}, (path.name, line)


def test_who_drips_a_byte_now_and_then_holds_nobody_up() -> None:
    async def drip(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while not writer.is_closing():
            writer.write(b"x")
            await asyncio.sleep(0.05)

    async def heard() -> tuple[bytes, bytes, float]:
        async with await asyncio.start_server(drip, "127.0.0.1", 0) as server:
            way = door.Door(Job(run="r", facts=LanFacts(), mandate=MANDATE, pace=Pace(timeout=0.1)).orders())
            began = asyncio.get_running_loop().time()
            async with way.tcp("127.0.0.1", server.sockets[0].getsockname()[1]) as talk:
                answer = await talk.hear_until(lambda _heard: False)
                while await talk.hear_until(lambda _heard: False):
                    pass
                return answer, await talk.hear(), asyncio.get_running_loop().time() - began

    answer, after, seconds = asyncio.run(heard())
    assert 3 <= len(answer) <= 12
    assert after == b""
    assert seconds < 3
