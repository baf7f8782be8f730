"""An answer of a web server is read whole, chunks and all, and what decides nothing is no proof that something is not there."""

from __future__ import annotations

import asyncio
import time
from typing import Any, Self

import pytest

from wizara.audit.baseline import Looked
from wizara.audit.facts import LanFacts
from wizara.audit.job import Job
from wizara.audit.mandate import Mandate
from wizara.audit.observation import Observation, Target, now
from wizara.audit.orders import Pace
from wizara.audit.rule import judge
from wizara.tree import load

answers, web, door = (load(f"audits.lan.{name}") for name in ("looks.answers", "looks.web", "door"))
RULES = {one.id: one for one in load("audits.lan.rules").RULES}
MANDATE = Mandate.model_validate(
    {"commissioner": "t", "reference": "t", "date": "2026-01-01", "perimeter": ["127.0.0.0/8"], "from": "2020-01-01", "to": "2099-01-01",
     "hours": ["00:00-24:00"], "operators": ["t"], "contact": "t", "default_logins": True}
)  # fmt: skip
OK = b"HTTP/1.1 200 OK\r\n\r\n<title>site</title>"
BASIC = b'HTTP/1.1 401 no\r\nWWW-Authenticate: Basic realm="adm"\r\n\r\n'
HEAD = b"ref: refs/heads/main\n"
LIST = b"<title>Index of /</title>"
ENGINE = b"HTTP/1.1 404 x\r\nApi-Version: 1.43\r\n\r\n"
VERSION = b'HTTP/1.1 200 OK\r\n\r\n{"ApiVersion":"1.43","MinAPIVersion":"1.12"}'
LATER = [
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 9\r\n\r\nlater",
    b"HTTP/1.1 500 Internal Server Error\r\n\r\n",
    b"HTTP/1.1 429 Too Many Requests\r\n\r\nlater",
    b"HTTP/1.1 200 OK\r\nContent-Length: 400\r\n\r\npart",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n\x1f\x8b\x08",
    b"HTTP/1.1 404 Not Fou",
]


def chunked(body: bytes, *sizes: int, ends: bytes = b"0\r\n\r\n") -> bytes:
    """Return *body* as a server sends it in chunks of these sizes, and the rest in one."""
    told, rest = b"", body
    for size in (*sizes, len(body)):
        part, rest = rest[:size], rest[size:]
        told += b"%x\r\n%s\r\n" % (len(part), part) if part else b""
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + told + ends


def asked(
    look: Any, pages: dict[bytes, bytes], otherwise: bytes = b"HTTP/1.1 404 no\r\n\r\n"
) -> tuple[Any, list[bytes]]:
    """Return what *look* makes of a server with those *pages* (silent where a page is empty; %s: its Host), and what it was asked."""
    heard: list[bytes] = []

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        said = await reader.readuntil(b"\r\n\r\n")
        heard.append(said)
        host = said.partition(b"Host: ")[2].partition(b"\r\n")[0]
        writer.write(pages.get(said.split()[1], otherwise).replace(b"%s", host))
        await writer.drain()
        writer.close()

    async def ask() -> Any:
        orders = Job(run="r", facts=LanFacts(), mandate=MANDATE, pace=Pace(timeout=0.3), logins=True).orders()
        async with await asyncio.start_server(script, "127.0.0.1", 0) as server:
            return dict(await look(door.Door(orders), "127.0.0.1", server.sockets[0].getsockname()[1]))

    return asyncio.run(ask()), heard


@pytest.mark.parametrize("sizes", [(), (1,), (4, 1, 7), (20,)])
def test_what_is_handed_out_in_chunks_is_seen(sizes: tuple[int, ...]) -> None:
    told, _heard = asked(web.http, {b"/": chunked(LIST, *sizes), b"/.git/HEAD": chunked(HEAD, *sizes)})
    assert (told["listing"], told["git"], told["title"]) == (True, True, "Index of /")
    assert "undecided" not in told


def test_an_engine_that_tells_its_version_in_chunks_is_seen() -> None:
    told, _heard = asked(web.http, {b"/": ENGINE, b"/version": chunked(VERSION.partition(b"\r\n\r\n")[2], 9, 5)})
    assert told["container_engine"] is True


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"3\r\nabc\r\n0\r\n\r\n", (b"abc", True)),
        (b"3;x=1\r\nabc\r\n2\r\nde\r\n0\r\nTrailer: x\r\n\r\n", (b"abcde", True)),
        (b"3 \nabc\n0\n\n", (b"abc", True)),
        (b"3\r\nabc\r\n", (b"abc", False)),
        (b"3\r\nab", (b"ab", False)),
        (b"3\r\nabcd\r\n0\r\n\r\n", (b"abc", False)),
        (b"ffffffff\r\nabc\r\n0\r\n\r\n", (b"abc\r\n0\r\n\r\n", False)),
        (b"fffffffff\r\nabc\r\n0\r\n\r\n", (b"", False)),
        (b"-1\r\nabc", (b"", False)),
        (b"", (b"", False)),
    ],
)
def test_chunks_are_joined_as_far_as_they_are_chunks(body: bytes, expected: tuple[bytes, bool]) -> None:
    assert answers.joined(body) == expected


@pytest.mark.parametrize(
    "body", [b"1\r\na\r\n" * 40_000, b"1" * 200_000, b"1;" + b" " * 200_000, b"1\r\n" * 60_000, b"\n" * 200_000]
)
def test_no_chunks_hold_the_scan_up(body: bytes) -> None:
    began = time.process_time()
    answers.received("/", b"HTTP/1.1 200 x\nTransfer-Encoding: chunked\r\n\r\n" + body, closed=True)
    answers.received("/", b"HTTP/1.1 200 x\n" + body, closed=True)
    assert time.process_time() - began < 0.1


@pytest.mark.parametrize(
    ("octets", "closed", "decides"),
    [
        (b"HTTP/1.1 200 x\r\n\r\npage", True, True),
        (b"HTTP/1.1 200 x\r\n\r\npage", False, False),
        (b"HTTP/1.1 200 x\r\nContent-Length: 4\r\n\r\npage", False, True),
        (b"HTTP/1.1 200 x\nContent-Length: 4\n\npage", False, True),
        (b"HTTP/1.1 200 x\r\nContent-Length: 5\r\n\r\npage", True, False),
        (b"HTTP/1.1 200 x\r\n\r\n" + bytes(answers.LIMIT), False, False),
        (b"HTTP/1.1 200 x\r\n\r\n" + bytes(100_000), True, True),
        (b"HTTP/1.1 302 x\r\nLocation: /a\r\n\r\n", False, True),
        *((b"HTTP/1.1 %d x\r\n\r\n" % status, False, True) for status in (301, 400, 401, 403, 404, 405, 410)),
        *((b"HTTP/1.1 %d x\r\n\r\n" % status, True, False) for status in (100, 408, 421, 425, 426, 429, 500, 502, 503, 504)),
        (b"HTTP/1.1 404 x\r\nServer", True, False),
        (b"", True, False),
        (b"garbage\r\n\r\n", True, False),
    ],
)  # fmt: skip
def test_an_answer_decides_by_its_status_and_a_page_only_whole(octets: bytes, *, closed: bool, decides: bool) -> None:
    assert answers.received("/", octets, closed=closed).decides is decides


@pytest.mark.parametrize(
    ("before", "behind", "form", "undecided"),
    [(0, 300_000, True, False), (100_000, 0, True, False), (300_000, 0, None, True)],
)
def test_of_a_page_that_is_too_long_to_be_read_what_stands_behind_is_not_known(
    before: int, behind: int, form: bool | None, *, undecided: bool
) -> None:
    page = b"HTTP/1.1 200 x\r\n\r\n" + b" " * before + b"<input type=password>" + b" " * behind
    told, _heard = asked(web.http, {b"/": page})
    assert told.get("password_form") is form
    assert ("password_form" in told.get("undecided", [])) is undecided
    assert asked(web.http, {b"/": OK + b" " * 100_000})[0].get("undecided", []) == []


@pytest.mark.parametrize(
    ("head", "form"),
    [(b"302 x\r\nLocation: http://other.name/", False), (b"302 x", True), (b"300 x\r\nLocation: /b", True), (b"200 x", True)],
)  # fmt: skip
def test_a_form_in_an_answer_that_sends_on_is_shown_to_nobody(head: bytes, *, form: bool) -> None:
    told, _heard = asked(web.http, {b"/": b"HTTP/1.1 " + head + b"\r\n\r\n<input type=password>"})
    assert told["password_form"] is form


FRONT = ["authenticate", "location", "password_form", "listing", "device", "search_engine", "container_engine"]


@pytest.mark.parametrize(
    ("pages", "undecided"),
    [
        *(({b"/": OK, b"/.git/HEAD": one}, ["git"]) for one in (*LATER, b"")),
        *(({b"/": one}, FRONT) for one in LATER),
        *(({b"/": ENGINE, b"/version": one}, ["container_engine"]) for one in (*LATER, b"")),
        ({b"/": b"HTTP/1.1 302 x\r\nLocation: /a\r\n\r\n", b"/a": b""}, ["authenticate", *FRONT[2:6]]),
        ({b"/": b"HTTP/1.1 302 x\r\nLocation: /a\r\n\r\n", b"/a": OK}, []),
        ({b"/": OK}, []),
        ({b"/": BASIC}, []),
    ],
)
def test_what_decides_nothing_is_told_as_undecided(pages: dict[bytes, bytes], undecided: list[str]) -> None:
    told, _heard = asked(web.http, pages)
    assert told.get("answer") is not False
    assert told.get("undecided", []) == undecided
    assert not set(undecided) & set(told)


def observed(data: dict[str, Any], *, kind: Any = "http", port: int = 80) -> Observation:
    target = Target(site="hq", ip="10.0.0.1", port=port, proto="tcp")
    collector = "https" if port == 443 and kind == "http" else kind
    return Observation(run="r", time=now(), collector=collector, vantage="v", target=target, kind=kind, data=data)


@pytest.mark.parametrize(
    ("rule", "weak", "pages"),
    [
        ("WEB-001", {b"/": b"HTTP/1.1 200 x\r\n\r\n<input type=password>"}, {}),
        ("WEB-002", {b"/": BASIC}, {}),
        ("WEB-004", {b"/": OK, b"/.git/HEAD": b"HTTP/1.1 200 x\r\n\r\n" + HEAD}, {b"/": OK}),
        ("WEB-005", {b"/": b"HTTP/1.1 200 x\r\n\r\n" + LIST}, {}),
        ("ELA-001", {b"/": b'HTTP/1.1 200 x\r\n\r\n{"lucene_version":"9"}'}, {}),
        ("DOC-001", {b"/": ENGINE, b"/version": VERSION}, {b"/": ENGINE}),
    ],
)
@pytest.mark.parametrize("later", LATER, ids=["503", "500", "429", "short", "chunk", "gzip", "head"])
def test_an_audit_that_is_put_off_calls_nothing_mended(
    rule: str, weak: dict[bytes, bytes], pages: dict[bytes, bytes], later: bytes
) -> None:
    def seen(told: dict[str, Any]) -> tuple[Any, ...]:
        return judge([RULES[rule], RULES["PRI-001"]], [observed(told)], LanFacts())

    broken = next(one for one in seen(asked(web.http, weak)[0]) if one.rule == rule)
    again = asked(web.http, pages, later)[0]
    assert broken.outcome == "broken"
    assert [(one.outcome, one.reason) for one in seen(again) if one.rule == rule] == [("unknown", "undecided")]
    assert not Looked([RULES[rule]], seen(again), [observed(again)]).gone(broken)
    mended = asked(web.http, {b"/": OK})[0]
    assert Looked([RULES[rule]], seen(mended), [observed(mended)]).gone(broken)


def test_the_words_of_a_printer_and_the_name_of_a_site_are_not_gone_with_a_page_that_does_not_come() -> None:
    told, _heard = asked(web.http, {b"/": LATER[0]})
    (printer,) = judge([RULES["PRI-001"]], [observed(told)], LanFacts())
    assert (printer.outcome, printer.reason) == ("unknown", "undecided")
    shown = observed({"certificate": {"names": ["www.example"]}}, kind="tls", port=443)
    page = observed({"status": 302, "location": "https://other.example/"}, port=443)
    (wrong,) = judge([RULES["TLS-006"]], [shown, page], LanFacts())
    later = [shown, observed(told, port=443)]
    then = judge([RULES["TLS-006"]], later, LanFacts())
    assert [(one.outcome, one.reason) for one in then] == [("unknown", "undecided")]
    assert not Looked([RULES["TLS-006"]], then, later).gone(wrong)


def test_the_name_of_a_site_that_says_nothing_inside_its_tls_is_not_known() -> None:
    shown = observed({"certificate": {"names": ["www.example"]}}, kind="tls", port=443)
    silent = [shown, observed({"answer": False}, port=443)]
    within = observed({"answer": False, "reason": "within"}, kind="service", port=443)
    assert [one.outcome for one in judge([RULES["TLS-006"]], [*silent, within], LanFacts())] == ["unknown"]
    assert judge([RULES["TLS-006"]], silent, LanFacts()) == ()  # a service of mail, say: it has no pages


def test_the_well_known_login_is_tried_at_the_page_that_asks_for_it() -> None:
    pages = {b"/": b"HTTP/1.1 302 Found\r\nLocation: /admin/\r\n\r\n", b"/admin/": BASIC}
    told, heard = asked(web.factory_login, pages)
    assert told == {"open": False, "account": "admin"}
    assert [one.split()[1] for one in heard if b"Authorization: Basic" in one] == [b"/admin/"]


@pytest.mark.parametrize("front", [*LATER, b""])
def test_where_the_page_does_not_come_the_login_is_not_known(front: bytes) -> None:
    assert asked(web.factory_login, {b"/": front})[0] == {"untried": "undecided"}
    assert asked(web.factory_login, {b"/": OK})[0] == {"answer": False}


@pytest.mark.parametrize(
    ("answer", "facts"),
    [
        (b"HTTP/1.1 500 x\r\n\r\n", {"untried": "undecided"}),
        (b"HTTP/1.1 403 x\r\n\r\n", {"open": False, "account": "admin"}),
        (b"HTTP/1.1 200 x\r\n\r\nin", {"open": True, "account": "admin"}),
    ],
)
def test_a_fault_after_a_login_is_no_refusal(answer: bytes, facts: dict[str, Any]) -> None:
    def let(told: bytes) -> Any:
        return web._let_in(None, answers.received("/", told, closed=True))

    assert let(answer) == facts


def test_a_server_that_sends_on_by_the_name_it_was_called_is_followed_to_its_own_port() -> None:
    pages = {
        b"/": b"HTTP/1.1 302 x\r\nLocation: http://%s/login\r\n\r\n",
        b"/login": b"HTTP/1.1 200 x\r\n\r\n<input type=password>",
    }
    assert asked(web.http, pages)[0]["password_form"] is True


def test_the_port_of_the_scheme_is_not_said() -> None:
    said: list[bytes] = []

    class Talk:
        ended = True

        async def say(self, octets: bytes) -> None:
            said.append(octets)

        async def hear(self, *_limits: object, **_seconds: object) -> bytes:
            return b""

        async def __aenter__(self) -> Self:
            return self

        async def __aexit__(self, *_fault: object) -> None:
            return None

    class Gate:
        def tcp(self, *_where: object, **_how: object) -> Talk:
            return Talk()

    async def ask() -> None:
        for ip, port, tls in (("10.0.0.1", 80, None), ("10.0.0.1", 443, object()), ("10.0.0.1", 443, None), ("fe80::1%eth0", 8443, object())):  # fmt: skip
            await web._get(Gate(), ip, port, tls, "/")

    asyncio.run(ask())
    hosts = [one.partition(b"Host: ")[2].partition(b"\r\n")[0] for one in said]
    assert hosts == [b"10.0.0.1", b"10.0.0.1", b"10.0.0.1:443", b"[fe80::1]:8443"]
