"""What a web server says of itself is read in bounded time, followed nowhere else, and taken for no more than it is."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from wizara.audit.facts import LanFacts
from wizara.audit.job import Job, Pace
from wizara.audit.mandate import Mandate
from wizara.tree import load

web, pages, door = load("audits.lan.looks.web"), load("audits.lan.looks.pages"), load("audits.lan.door")
MANDATE = Mandate.model_validate(
    {"commissioner": "t", "reference": "t", "date": "2026-01-01", "perimeter": ["127.0.0.0/8"], "from": "2020-01-01", "to": "2099-01-01",
     "hours": ["00:00-24:00"], "operators": ["t"], "contact": "t", "default_logins": True}
)  # fmt: skip
MANY = load("audits.lan.looks.answers").LIMIT


def asked(look: Any, answers: dict[bytes, bytes], *, tls: bool = False) -> tuple[dict[str, Any], list[bytes]]:
    """Return what *look* makes of a server with those *answers* by path (%d: its port), and the paths it was asked for."""
    heard: list[bytes] = []

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        said = await reader.read(4096)
        port = writer.get_extra_info("sockname")[1]
        if said.startswith(b"\x16"):
            writer.write(b"\x15\x03\x03\x00\x02\x02\x28" if tls else b"")
        elif said:
            heard.append(said)
            writer.write(answers.get(said.split()[1], b"HTTP/1.1 404 no\r\n\r\n").replace(b"%d", b"%d" % port))
        await writer.drain()
        writer.close()

    async def ask() -> dict[str, Any]:
        orders = Job(run="r", facts=LanFacts(), mandate=MANDATE, pace=Pace(timeout=0.3), logins=True).orders()
        async with await asyncio.start_server(script, "127.0.0.1", 0) as server:
            return dict(await look(door.Door(orders), "127.0.0.1", server.sockets[0].getsockname()[1]))

    return asyncio.run(ask()), heard


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 302 x\r\nlocation:" + b" " * MANY + b"\0" * 2000 + b"\r\n\r\n",
        b"HTTP/1.1 302 x\r\n" + b"location:\r\n" * (MANY // 11),
        b"HTTP/1.1 200 x\r\n\r\n" + b"<title" * (MANY // 6),
        b"HTTP/1.1 200 x\r\n\r\n" + b"<title>" * (MANY // 7),
        b"HTTP/1.1 200 x\r\n\r\n" + b'"cluster_name":' * (MANY // 15),
        b"HTTP/1.1 200 x\r\n\r\n" + b"<input " * (MANY // 7),
        b"HTTP/1.1 200 x\r\n\r\n<input " + b"a" * MANY,
        b"HTTP/1.1 200 x\r\n\r\n" + b"<input '\"" * (MANY // 9),
        b"HTTP/1.1 200 x\r\n\r\n" + b"<!--" * (MANY // 4),
        b"HTTP/1.1 200 x\r\n\r\n" + b"<!-- -->" * (MANY // 8),
        b"HTTP/1.1 200 x\r\n\r\n" + b"<script ></script " * (MANY // 18),
        b"HTTP/1.1 200 x\r\n\r\n" + b"<meta " * (MANY // 6),
        b"HTTP/1.1 200 x\r\n\r\n" + b"<template " * (MANY // 10),
        b"HTTP/1.1 200 x\r\n\r\n" + b"<template></template>" * (MANY // 21),
        b"HTTP/1.1 200 x\r\n\r\n" + b'<meta http-equiv=refresh content="%s">' % (b"0 " * MANY),
        b"HTTP/1.1 200 x\r\nrefresh:" + b"0 ;" * 300 + b"\r\n\r\n<title>" + b" - /" * MANY,
        b"HTTP/1.1 200 x\r\n\r\n<pre>" + b"\n<a href='x'>x</a>" * (MANY // 17),
    ],
    ids=[
        "spaces",
        "locations",
        "titles",
        "whole-titles",
        "clusters",
        "fields",
        "long-field",
        "quotes",
        "comments",
        "closed-comments",
        "scripts",
        "metas",
        "templates",
        "closed-templates",
        "refresh",
        "title-of-lists",
        "links",
    ],
)
def test_no_answer_holds_the_scan_up(answer: bytes) -> None:
    began = time.process_time()
    web.http_facts(answer)
    web._here(answer, "127.0.0.1", 80, "/", encrypted=False)
    body = answer.partition(b"\r\n\r\n")[2]
    web._searches(body)
    pages.lists_files(body)
    for pattern in (web._HEAD, web._DEVICE):
        pattern.search(answer)
    assert time.process_time() - began < 0.1


@pytest.mark.parametrize(
    "location",
    [b"http://other.name:%d/admin/reboot?confirm=1", b"/admin/reboot?confirm=1", b"//other.name:%d/admin/reboot"],
)
def test_no_other_name_is_followed_and_no_query_is_sent(location: bytes) -> None:
    answers = {b"/": b"HTTP/1.1 302 x\r\nLocation: " + location + b"\r\n\r\n"}
    paths = [one.split()[1] for one in asked(web.http, answers)[1]]
    assert not any(b"?" in one for one in paths)
    assert (b"/admin/reboot" in paths) == (location[:2] == b"/a")


def test_a_second_step_starts_from_the_page_of_the_first() -> None:
    form = b"HTTP/1.1 200 x\r\n\r\n<input type=password>"
    answers = {
        b"/": b"HTTP/1.1 302 x\r\nLocation: /app/\r\n\r\n",
        b"/app/": b"HTTP/1.1 302 x\r\nLocation: login\r\n\r\n",
        b"/app/login": form,
    }
    assert asked(web.http, answers)[0]["password_form"] is True


@pytest.mark.parametrize(
    ("scheme", "tried", "facts"),
    [
        (b"Basic realm=x", 1, {"open": False, "account": "admin"}),
        (b"Digest realm=x, qop=auth, Basic realm=y", 1, {"open": False, "account": "admin"}),
        (b"Digest realm=x", 0, {"untried": "no-basic"}),
        (b'Digest realm="x, Basic y"', 0, {"untried": "no-basic"}),
    ],
)
def test_a_login_is_tried_only_where_basic_is_offered(scheme: bytes, tried: int, facts: dict[str, Any]) -> None:
    told, heard = asked(web.factory_login, {b"/": b"HTTP/1.1 401 no\r\nWWW-Authenticate: " + scheme + b"\r\n\r\n"})
    assert told == facts
    assert sum(b"Authorization:" in one for one in heard) == tried


@pytest.mark.parametrize(
    ("body", "form"),
    [
        (b"<input type=password>", True),
        (b'<INPUT name="a" onkeyup="a>b"\n TYPE = "Password"/>', True),
        (b"<script>document.write('<input type=\\\"password\\\">')</script>", True),
        (b'<a href="/oauth?grant_type=password&type=password">x</a>', False),
        (b'<pre>&lt;input type="password"&gt;</pre>', False),
        (b"<p>Choisir type = password dans le menu</p>", False),
        (b'<!-- <input type="password"> --><input type="text">', False),
        (b'<input type="text" data-type="password" value="type=password">', False),
        (b"<script><!--\ndocument.write('<input type=\"password\" name=p>');\n//--></script>", True),
        (b"<SCRIPT type=x><!-- x</SCRIPT><input type=password>", True),
        (b"<!-- <script>document.write('<input type=password>')</script> --><p>x", False),
        (b"<!--[if gt IE 8]><!--><form><input type=password></form><!--<![endif]-->", True),
        (b"<!--[if IE]><input type=password><![endif]--><p>x", False),
        (b"<!--><input type=password>", True),
        (b"<!-- a <!-- b --><input type=password>", True),
        (b"<!-- a --!><input type=password>", True),
        (b"<!-- a -- > <input type=password>", False),
        (b"<textarea><input type=password></textarea>", False),
        (b"<scripted><!-- <input type=password> --></scripted>", False),
        (b"<template id=a><input type=password></template><p>x", False),
        (b"<TEMPLATE><template></template><input type=password></TEMPLATE>", False),
        (b"<template></template><input type=password>", True),
        (b"<template><input type=text></template></template><input type=password>", True),
        (b"<template shadowrootmode=open><input type=password></template>", True),
        (b"<template><template shadowrootmode=open></template><input type=password></template>", False),
        (b"<template><input type=password>", True),
        (b"<script>x = '<template>'</script><input type=password><p></template>", True),
        (b"<templates><input type=password></templates>", True),
    ],
)
def test_a_field_for_a_password_is_told_from_words_about_one(body: bytes, *, form: bool) -> None:
    assert web.http_facts(b"HTTP/1.1 200 OK\r\n\r\n" + body)["password_form"] is form


@pytest.mark.parametrize(("tls", "silent"), [(True, True), (False, False)])
def test_a_server_of_tls_that_sends_to_itself_in_clear_is_looked_at_as_one(*, tls: bool, silent: bool) -> None:
    answers = {b"/": b"HTTP/1.1 301 x\r\nLocation: https://printer.example:%d/\r\n\r\n"}
    told, _heard = asked(web.http, answers, tls=tls)
    assert (told == {"answer": False}) is silent


FORM = b"HTTP/1.1 200 x\r\n\r\n<input type=password>"


@pytest.mark.parametrize(
    ("front", "path"),
    [
        (b'<meta http-equiv="refresh" content="0; url=/login">', b"/login"),
        (b"<META HTTP-EQUIV=Refresh CONTENT='0;URL=login'>", b"/login"),
        (b"<meta content=\"5 , url = '/ui/login'\" http-equiv=refresh />", b"/ui/login"),
        (b'<meta http-equiv="refresh" content="0;/login">', b"/login"),
        (b'<meta http-equiv="refresh" content="0; url=http://127.0.0.1:%d/login">', b"/login"),
        (b'<meta http-equiv="refresh" content="0; url=/log&#105;n?from=front">', b"/login"),
    ],
)
def test_a_password_form_behind_a_page_that_sends_on_is_seen(front: bytes, path: bytes) -> None:
    answers = {b"/": b"HTTP/1.1 200 x\r\n\r\n<title>x</title>" + front, path: FORM}
    assert asked(web.http, answers)[0]["password_form"] is True


def test_a_page_that_sends_on_by_a_header_is_followed_like_one_that_does_so_in_its_text() -> None:
    answers = {b"/": b"HTTP/1.1 200 x\r\nRefresh: 0; url=/login\r\n\r\n", b"/login": FORM}
    assert asked(web.http, answers)[0]["password_form"] is True


@pytest.mark.parametrize(
    "front",
    [
        b'<meta http-equiv="refresh" content="30">',
        b'<meta http-equiv="refresh" content="0; url=http://other.name:%d/login">',
        b'<meta http-equiv="refresh" content="0; url=https://127.0.0.1:%d/login">',
        b'<meta http-equiv="refresh" content="0; url=javascript:location=\'/login\'">',
        b'<!-- <meta http-equiv="refresh" content="0; url=/login"> -->',
        b'<meta name="refresh" content="0; url=/login">',
        b'<meta http-equiv="refresh" content="0; url=/">',
    ],
)
def test_a_page_sends_nowhere_that_a_redirect_may_not(front: bytes) -> None:
    _told, heard = asked(web.http, {b"/": b"HTTP/1.1 200 x\r\n\r\n" + front, b"/login": FORM})
    assert [one.split()[1] for one in heard] == [b"/", b"/.git/HEAD"]


def test_pages_that_send_on_and_redirects_are_followed_twice_in_all() -> None:
    def on(path: bytes) -> bytes:
        return b'HTTP/1.1 200 x\r\n\r\n<meta http-equiv="refresh" content="0; url=%s">' % path

    answers = {b"/": on(b"/1"), b"/1": b"HTTP/1.1 302 x\r\nLocation: /2\r\n\r\n", b"/2": on(b"/3"), b"/3": FORM}
    told, heard = asked(web.http, answers)
    assert [one.split()[1] for one in heard] == [b"/", b"/1", b"/2", b"/.git/HEAD"]
    assert told["password_form"] is False


def test_what_the_first_page_shows_is_seen_though_it_sends_on() -> None:
    front = b'<title>Index of /</title><meta http-equiv="refresh" content="60; url=/later">'
    answers = {b"/": b"HTTP/1.1 200 x\r\n\r\n" + front, b"/later": b"HTTP/1.1 200 x\r\n\r\n<title>y</title>"}
    told = asked(web.http, answers)[0]
    assert (told["listing"], told["title"]) == (True, "Index of /")


def test_basic_authentication_behind_a_redirect_is_seen() -> None:
    answers = {
        b"/": b"HTTP/1.1 302 x\r\nLocation: /admin\r\n\r\n",
        b"/admin": b"HTTP/1.1 401 x\r\nWWW-Authenticate: Basic realm=x\r\n\r\n",
    }
    assert asked(web.http, answers)[0]["authenticate"] == "Basic realm=x"


@pytest.mark.parametrize(
    ("page", "listing"),
    [
        (b"<title>Index of /</title>", True),
        (b"<title>Index of ./</title>", True),
        (b"<title>Directory listing for /</title>", True),
        (b"<title>Directory Listing For [/]</title>", True),
        (b"<TITLE>Directory: /</TITLE>", True),
        (b"<title>listing directory /</title>", True),
        (b'<a href="?C=N;O=D">Name</a>', True),
        (b'<td class="size" data-size="12">\n<div class="sizebar">', True),
        (b'<pre>\n<a href="a.txt">a.txt</a>\n</pre>\n', True),
        (b'<!doctype html>\n<meta name="viewport" content="width=device-width">\n<pre>\n<a href="a/">a/</a>\n</pre>\n', True),
        (b"<html><head><title>10.0.0.9 - /</title></head><body><H1>10.0.0.9 - /</H1><hr>\r\n\r\n<pre>1/2/2026", True),
        (b"<title>Index of /files/2026</title>", True),
        (b"<title>Index of /\n</title>", True),
        (b"<title>Index of / topics: a wiki</title>", False),
        (b"<title>Index of /, a wiki</title>", False),
        (b"<title>Index of all measures</title>", False),
        (b"<title>Directory: people</title>", False),
        (b"<title>Directory listing for members</title>", False),
        (b"<html><head><title>Ministry - /</title></head><body><h1>Welcome</h1><hr><pre>", False),
        (b'<p>so:</p><pre>\n<a href="a.txt">a.txt</a>\n</pre>', False),
    ],
)  # fmt: skip
def test_a_list_of_files_is_told_from_a_page_that_is_called_so(page: bytes, *, listing: bool) -> None:
    assert pages.lists_files(page) is listing
