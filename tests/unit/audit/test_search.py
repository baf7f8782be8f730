"""A service is known by its language, whatever the number of its port; what stays unknown is told, and nobody is asked for long."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from wizara.audit.facts import LanFacts
from wizara.audit.job import Job, Pace
from wizara.audit.mandate import Mandate
from wizara.audit.orders import Done, Sighting
from wizara.tree import load

dispatch, door, ports, progress, visit = (
    load(f"audits.lan.{name}") for name in ("dispatch", "door", "ports", "progress", "visit")
)
MANDATE = Mandate.model_validate(
    {"commissioner": "t", "reference": "t", "date": "2026-01-01", "perimeter": ["127.0.0.0/8"], "from": "2020-01-01", "to": "2099-01-01",
     "hours": ["00:00-24:00"], "operators": ["t"], "contact": "t"}
)  # fmt: skip
Serve = Callable[[bytes], bytes | None]
PAGE = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n"
FORM = PAGE + b"<title>Portail</title><input type=password>"


def once(serve: Serve, greeting: bytes = b"") -> Callable[..., Awaitable[None]]:
    """Say a *greeting*, then what *serve* answers to each thing heard; hang up at a language that it does not know."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(greeting)
        while heard := await reader.read(4096):
            said = serve(heard)
            if said is None:
                break
            writer.write(said)
            if said.startswith(b"HTTP/"):
                break
        await writer.drain()
        writer.close()

    return script


def redis(heard: bytes) -> bytes | None:
    return {b"PING\r\n": b"+PONG\r\n", b"INFO server\r\n": b"$19\r\nredis_version:7.0.1\r\n"}.get(heard)


def postgres(heard: bytes) -> bytes | None:
    if heard[4:] == b"\x04\xd2\x16\x2f":
        return b"N"
    return b"R\0\0\0\x08\0\0\0\0" if heard[4:8] == b"\0\3\0\0" else None


def mqtt(heard: bytes) -> bytes | None:
    return b"\x20\2\0\0" if heard.startswith(b"\x10") else None


def socks(heard: bytes) -> bytes | None:
    return b"\x05\x00" if heard == b"\x05\x01\x00" else None


def ftp_that_names_mail(heard: bytes) -> bytes | None:
    return b"230 in\r\n" if heard.startswith(b"USER") else b"500 unknown command\r\n"


def mail(heard: bytes) -> bytes | None:
    return b"250 ok\r\n" if heard[:4] in {b"EHLO", b"MAIL", b"RCPT", b"RSET", b"QUIT"} else b"502 unknown command\r\n"


def engine(heard: bytes) -> bytes | None:
    if heard.startswith(b"GET /version"):
        return PAGE + b'{"Platform":{},"ApiVersion":"1.43","MinAPIVersion":"1.12"}'
    return b'HTTP/1.1 404 Not Found\r\nApi-Version: 1.43\r\n\r\n{"message":"page not found"}'


def front(location: bytes) -> Serve:
    """A site whose front page sends on to *location*, and that asks for a password at /login."""

    def serve(heard: bytes) -> bytes | None:
        if heard.startswith(b"GET / "):
            return b"HTTP/1.1 302 Found\r\nLocation: " + location + b"\r\n\r\n"
        return FORM if heard.startswith(b"GET /login") else b"HTTP/1.1 404 no\r\n\r\n"

    return serve


async def looked_at(
    script: Callable[..., Awaitable[None]], tls: ssl.SSLContext | None = None, done: Done | None = None, **orders: Any
) -> tuple[list[Sighting], int]:
    """Return what a visit says of one open port that *script* serves, and how many connections it took."""
    said: list[Sighting] = []
    count = 0

    async def counted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal count
        count += 1
        await script(reader, writer)

    async with await asyncio.start_server(counted, "127.0.0.1", 0, ssl=tls) as server:
        port = server.sockets[0].getsockname()[1]
        await visits(said, **orders)._services("127.0.0.1", port, await greeting(port) if tls is None else b"")
        return said, count - (tls is None)


async def greeting(port: int) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        return await asyncio.wait_for(reader.read(512), 0.05)
    except TimeoutError:
        return b""
    finally:
        writer.close()


def visits(said: list[Sighting], timeout: float = 0.15, **orders: Any) -> Any:
    pace = Pace(timeout=timeout, host_per_second=5000)
    job = replace(Job(run="r", facts=LanFacts(), mandate=MANDATE, pace=pace).orders(), **orders)
    return visit.Visits(job, door.Door(job), said.append, progress.Progress(said.append))


def facts_of(said: list[Sighting], kind: str) -> dict[str, Any]:
    answered = [one.data for one in said if one.kind == kind and one.data.get("answer") is not False]
    assert len(answered) == 1, said
    return dict(answered[0])


@pytest.mark.parametrize(
    ("script", "kind", "fact"),
    [
        (once(redis), "redis", {"open": True}),
        (once(postgres), "postgres", {"open": True}),
        (once(mqtt), "mqtt", {"open": True}),
        (once(socks), "socks", {"open": True}),
        (once(ftp_that_names_mail, b"220 files beside smtp\r\n"), "ftp", {"anonymous": True}),
        (once(mail, b"220 ready\r\n"), "smtp", {"relay": True}),
        (once(lambda _heard: b"", b"\r\nPABX login: "), "telnet", {"text": "PABX login:"}),
        (once(engine), "http", {"container_engine": True}),
    ],
)
def test_a_service_is_known_at_any_port(script: Any, kind: str, fact: dict[str, Any]) -> None:
    said, _count = asyncio.run(looked_at(script))
    facts = facts_of(said, kind)
    assert {key: facts[key] for key in fact} == fact
    assert "service" not in {one.kind for one in said}


def test_who_speaks_first_is_heard_where_web_servers_usually_stand() -> None:
    async def seen() -> list[Sighting]:
        said: list[Sighting] = []
        script = once(ftp_that_names_mail, b"220 files\r\n")
        async with await asyncio.start_server(script, "127.77.9.1", 8086):
            await visits(said)._services("127.77.9.1", 8086, b"")
        return said

    assert facts_of(asyncio.run(seen()), "ftp")["anonymous"] is True


@pytest.mark.parametrize(
    ("location", "form"),
    [
        (b"/login", True), (b"login?next=/", True), (b"http://127.0.0.1:%d/login", True), (b"http://intranet.example:%d/login", False), (b"//127.0.0.1:%d/login", True), (b"login#top", True), (b"http:/login", False), (b"http://[/login", False),
        (b"https://127.0.0.1/login", False), (b"http://127.0.0.2:%d/login", False), (b"http://127.0.0.1:1/login", False), (b"//127.0.0.2/login", False),
        (b"http://[::1]/login", False), (b"/elsewhere", False),
    ],
)  # fmt: skip
def test_a_form_behind_the_front_page_is_seen_where_it_is_the_same_server(location: bytes, form: bool) -> None:
    async def seen() -> list[Sighting]:
        said: list[Sighting] = []

        async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            port = writer.get_extra_info("sockname")[1]
            await once(front(location.replace(b"%d", b"%d" % port)))(reader, writer)

        async with await asyncio.start_server(script, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            await visits(said)._services("127.0.0.1", port, b"")
        return said

    assert facts_of(asyncio.run(seen()), "http")["password_form"] is form


def context(folder: Path) -> ssl.SSLContext:
    """Return a server's TLS with a certificate of its own."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "x")])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(1)).sign(key, hashes.SHA256())
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ) + made.public_bytes(serialization.Encoding.PEM)
    (folder / "pem").write_bytes(pem)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(folder / "pem")
    return tls


def test_tls_is_known_at_any_port_and_what_it_carries(tmp_path: Path) -> None:
    said, _count = asyncio.run(looked_at(once(lambda _heard: FORM), context(tmp_path)))
    assert "TLSv1.3" in facts_of(said, "tls")["versions"]
    page = next(one for one in said if one.kind == "http" and one.data.get("answer") is not False)
    assert (page.collector, page.data["password_form"]) == ("https", True)


def test_who_answers_nothing_known_is_told_as_such() -> None:
    said, count = asyncio.run(looked_at(once(lambda _heard: b"what?")))
    assert [(one.kind, one.data) for one in said if one.kind == "service"] == [
        ("service", {"answer": False, "reason": "unrecognised"})
    ]
    assert count <= 12


def test_a_device_that_breaks_easily_is_not_asked_in_every_language() -> None:
    said, count = asyncio.run(looked_at(once(lambda _heard: b"what?"), roles={"127.0.0.1": "camera"}))
    assert [one.data["reason"] for one in said if one.kind == "service"] == ["unrecognised"]
    assert count <= 3


def test_a_trap_that_opens_all_its_ports_delays_nobody() -> None:
    counts: dict[int, int] = {}

    async def mute() -> float:
        said: list[Sighting] = []
        async with AsyncExitStack() as stack:
            numbers = []
            for _each in range(20):

                async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                    port = writer.get_extra_info("sockname")[1]
                    counts[port] = counts.get(port, 0) + 1
                    await reader.read(-1)
                    writer.close()

                server = await stack.enter_async_context(await asyncio.start_server(script, "127.0.0.1", 0))
                numbers.append(server.sockets[0].getsockname()[1])
            one, began = visits(said, 0.05), asyncio.get_running_loop().time()
            await asyncio.gather(*(one._services("127.0.0.1", port, b"") for port in numbers))
            assert sum(one.kind == "service" for one in said) == 20
            return asyncio.get_running_loop().time() - began

    seconds = asyncio.run(mute())
    assert sum(count > 3 for count in counts.values()) <= 6
    assert seconds < 3


def test_what_was_asked_before_a_kill_is_not_asked_again() -> None:
    async def again() -> tuple[list[str], list[Sighting]]:
        said: list[Sighting] = []
        heard: list[bytes] = []

        def serve(octets: bytes) -> bytes | None:
            heard.append(octets)
            return redis(octets)

        async with await asyncio.start_server(once(serve), "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            first = visits(said)
            await first._services("127.0.0.1", port, b"")
            first.progress.flush()
            looked = [str(what) for one in said if one.kind == "progress" for what in one.data.get("looked", [])]
            heard.clear()
            job = first.orders
            second = visit.Visits(
                replace(job, done=Done(looked=frozenset(looked))),
                first.door,
                said.append,
                progress.Progress(said.append),
            )
            await second._services("127.0.0.1", port, b"")
        return looked, [one for one in said if heard and one.kind == "redis"]

    looked, repeated = asyncio.run(again())
    assert any(what.startswith("named redis ") for what in looked)
    assert repeated == []


@pytest.mark.parametrize(
    ("port", "asked"), [(53, []), (88, []), (135, []), (5060, []), (22, []), (23, ["telnet"]), (3306, ["mysql"]), (2222, [])]
)  # fmt: skip
def test_who_greets_or_is_not_spoken_to_hears_no_other_language(port: int, asked: list[str]) -> None:
    likely = dispatch.candidates(port, b"")
    assert [group[0][0] for group in likely] == asked
    assert dispatch.searched(port, likely) == ()
