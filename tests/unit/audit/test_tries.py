"""Logins that everybody knows: an account is tried once at a machine's web pages and once at its SSH, and never after a lockout."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any

import paramiko
import pytest

from wizara.audit.facts import LanFacts
from wizara.audit.job import Job, Pace
from wizara.audit.mandate import Mandate, check_logins
from wizara.audit.observation import Observation
from wizara.audit.orders import Sighting
from wizara.audit.rule import judge
from wizara.errors import Refusal
from wizara.tree import load

collectors, door, methods, tries, web = (
    load(f"audits.lan.{name}") for name in ("collectors", "door", "methods", "tries", "looks.web")
)
RULES = {one.id: one for one in load("audits.lan.rules").RULES}
MANDATE = Mandate.model_validate(
    {"commissioner": "t", "reference": "t", "date": "2026-01-01", "perimeter": ["127.0.0.0/8"], "from": "2020-01-01", "to": "2099-01-01",
     "hours": ["00:00-24:00"], "operators": ["t"], "contact": "t", "default_logins": True}
)  # fmt: skip
CHALLENGE = b'HTTP/1.1 401 no\r\nWWW-Authenticate: Basic realm="x"\r\nConnection: close\r\n\r\n'
LOCKED = b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 900\r\n\r\n"


def a_door() -> Any:
    job = Job(run="r", facts=LanFacts(), mandate=MANDATE, pace=Pace(timeout=0.4), logins=True)
    return door.Door(job.orders())


def pages(*answers: bytes) -> tuple[list[dict[str, Any]], int]:
    """Return what is made of web pages of one machine, each at its port, that give *answers* to a login; and how many got one."""
    got: list[bytes] = []

    async def tried() -> list[dict[str, Any]]:
        one_door, told = a_door(), []
        async with AsyncExitStack() as stack:
            for answer in answers:

                async def script(
                    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answer: bytes = answer
                ) -> None:
                    asked = await reader.readuntil(b"\r\n\r\n")
                    got.extend([asked] if b"Authorization" in asked else [])
                    writer.write(answer if b"Authorization" in asked else CHALLENGE)
                    await writer.drain()
                    writer.close()

                server = await stack.enter_async_context(await asyncio.start_server(script, "127.0.0.1", 0))
                told.append(await web.factory_login(one_door, "127.0.0.1", server.sockets[0].getsockname()[1]))
        return told

    return asyncio.run(tried()), len(got)


def test_an_account_is_tried_once_at_the_pages_of_a_machine() -> None:
    told, count = pages(CHALLENGE, CHALLENGE)
    assert (told[0]["open"], told[1]) == (False, {"untried": "tried-once"})
    assert count == 1


@pytest.mark.parametrize("where", [b"/login?error=bad", b"/start"])
def test_who_sends_on_after_a_login_has_told_nothing(where: bytes) -> None:
    told, count = pages(b"HTTP/1.1 302 Found\r\nLocation: " + where + b"\r\n\r\n")
    assert (told[0], count) == ({"untried": "sent-on"}, 1)


@pytest.mark.parametrize(
    "sign",
    [
        LOCKED,
        b"HTTP/1.1 423 Locked\r\n\r\n",
        b"HTTP/1.1 401 no\r\n\r\nYour account has been locked.",
        b"HTTP/1.1 403 no\r\n\r\nToo many failed attempts",
        b"",
    ],
)
def test_after_a_sign_of_a_lockout_nothing_is_tried_anywhere(sign: bytes) -> None:
    told, count = pages(sign, CHALLENGE)
    assert told[0] == {"open": False, "account": "admin", "locked": True}
    assert told[1] == {"untried": "lockout"}
    assert count == 1


def test_who_answers_a_wrong_login_late_has_not_locked_it() -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if b"Authorization" in await reader.readuntil(b"\r\n\r\n"):
            await asyncio.sleep(0.7)  # longer than an answer is waited for elsewhere
        writer.write(CHALLENGE)
        await writer.drain()
        writer.close()

    async def tried() -> Any:
        async with await asyncio.start_server(script, "127.0.0.1", 0) as server:
            return await web.factory_login(a_door(), "127.0.0.1", server.sockets[0].getsockname()[1])

    assert asyncio.run(tried()) == {"open": False, "account": "admin"}


class Server(paramiko.ServerInterface):
    """An SSH server that refuses passwords, or hangs up at the first."""

    def __init__(self, heard: list[str], hang_up: Callable[[], None] | None) -> None:
        self.heard, self.hang_up = heard, hang_up

    def get_allowed_auths(self, username: str) -> str:
        return "password"

    def check_auth_password(self, username: str, password: str) -> int:
        self.heard.append(username)
        if self.hang_up:
            self.hang_up()
        return paramiko.AUTH_FAILED


def doors(count: int, *, hangs_up: bool = False) -> tuple[list[dict[str, Any]], list[str]]:
    """Return what is made of *count* SSH doors of one machine, and the accounts that were tried there."""
    heard: list[str] = []
    key = paramiko.ECDSAKey.generate()
    kept: list[paramiko.Transport] = []

    def connect(ip: str, port: int, seconds: float) -> socket.socket:
        mine, theirs = socket.socketpair()
        transport = paramiko.Transport(theirs)
        transport.add_server_key(key)
        kept.append(transport)
        threading.Thread(
            target=transport.start_server,
            kwargs={"server": Server(heard, transport.close if hangs_up else None), "event": threading.Event()},
        ).start()
        return mine

    ledger = tries.Tries(wanted=True)
    told = [methods.look(connect, "10.0.0.1", 22 + number, ledger) for number in range(count)]
    for one in kept:
        one.close()
    return told, heard


def test_ssh_accounts_are_tried_once_a_machine() -> None:
    told, heard = doors(2)
    assert heard == ["admin", "cisco"]
    assert told[0]["open"] is False
    assert told[1] == {"methods": ["password"], "untried": "tried-once"}


def test_a_server_that_hangs_up_on_a_login_gets_no_second() -> None:
    told, heard = doors(2, hangs_up=True)
    assert heard == ["admin"]
    assert told[0] == {"methods": ["password"], "locked": True}
    assert told[1] == {"methods": ["password"], "untried": "lockout"}


def test_without_the_mandate_nothing_is_tried() -> None:
    without = MANDATE.model_copy(update={"default_logins": False})
    with pytest.raises(Refusal, match="does not allow logins"):
        check_logins(without)
    assert not Job(run="r", facts=LanFacts(), mandate=without, logins=True).orders().logins
    assert check_logins(MANDATE) is None  # type: ignore[func-returns-value]


def test_what_was_not_tried_is_unknown_and_no_password_is_kept() -> None:
    job = Job(run="20260101T000000Z-audit-x-0000", facts=LanFacts(), mandate=MANDATE, logins=True)
    (first, second), _count = pages(CHALLENGE, CHALLENGE)
    seen: list[Observation] = [
        collectors.observation(job, Sighting("login", "login", facts, "127.0.0.1", port, "tcp"))
        for port, facts in ((80, first), (81, second))
    ]
    verdicts = judge([RULES["WEB-003"]], seen, LanFacts())
    assert [(one.outcome, one.reason) for one in verdicts] == [("holds", None), ("unknown", "tried-once")]
    kept = "".join(one.model_dump_json() for one in seen)
    assert "YWRtaW46YWRtaW4" not in kept
    assert "admin:admin" not in kept
