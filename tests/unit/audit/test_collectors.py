"""The collectors against small servers on loopback, and the door that guards every socket."""

from __future__ import annotations

import ast
import asyncio
import contextlib
import os
import socket
import struct
from collections.abc import Callable
from ipaddress import IPv4Interface, IPv4Network
from pathlib import Path

import pytest

from wizara.audit.facts import DeclaredHost, LanFacts
from wizara.audit.job import DeviceLogin, Job, Pace
from wizara.audit.mandate import Mandate
from wizara.audit.observation import Observation
from wizara.engine.collect import collect
from wizara.errors import Refusal, Unfinished
from wizara.tree import load

collectors, door, ports, progress, snmp, ssh, tls, visit = (
    load(f"audits.lan.{name}") for name in ("collectors", "door", "ports", "progress", "snmp", "ssh", "tls", "visit")
)
databases, files, legacy, mailboxes, web = (
    load(f"audits.lan.looks.{name}") for name in ("databases", "files", "legacy", "mailboxes", "web")
)
redaction, reader = load("audits.devices.redaction"), load("audits.devices.reader")
FOLDER = Path(__file__).parents[3] / "audits"
MANDATE = Mandate.model_validate(
    {"commissioner": "t", "reference": "t", "date": "2026-01-01", "perimeter": ["127.0.0.0/8"], "exclusions": ["127.9.9.0/24"], "from": "2020-01-01",
     "to": "2099-01-01", "hours": ["00:00-24:00"], "operators": ["t"], "contact": "t"}
)  # fmt: skip
Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], object]


def a_door(timeout: float = 0.5) -> object:
    return door.Door(Job(run="r", facts=LanFacts(), mandate=MANDATE, pace=Pace(timeout=timeout)).orders())


async def served(script: Script, ask: Callable[[int], object]) -> object:
    """Serve *script* on loopback and return what *ask* makes of its port."""
    server = await asyncio.start_server(script, "127.0.0.1", 0)
    async with server:
        return await ask(server.sockets[0].getsockname()[1])


def dialogue(*answers: bytes, greeting: bytes = b"") -> Script:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(greeting)
        for answer in answers:
            await reader.readline()
            writer.write(answer)
        await writer.drain()

    return script


@pytest.mark.parametrize(
    ("look", "script", "expected"),
    [
        (files.ftp, dialogue(b"331 pass\r\n", b"230 in\r\n", b"221 bye\r\n", greeting=b"220 x\r\n"), {"anonymous": True}),
        (files.ftp, dialogue(b"331 pass\r\n", b"530 no\r\n", b"221 bye\r\n", greeting=b"220 x\r\n"), {"anonymous": False}),
        (files.ftp, dialogue(b"530 no\r\n", b"221 bye\r\n", greeting=b"220-a\r\n220 x\r\n"), {"anonymous": False}),
        (databases.redis, dialogue(b"+PONG\r\n", b"$9\r\nredis_version:7.0\r\n"), {"open": True, "version": "7.0"}),
        (databases.redis, dialogue(b"-NOAUTH Authentication required.\r\n"), {"open": False}),
        (databases.redis, dialogue(b"HTTP/1.1 400\r\n"), {"answer": False}),
        (mailboxes.smtp, dialogue(b"250-x\r\n250 STARTTLS\r\n", b"250 ok\r\n", b"250 ok\r\n", b"250 ok\r\n", greeting=b"220 x\r\n"), {"relay": True, "starttls": True}),
        (mailboxes.smtp, dialogue(b"250 x\r\n", b"250 ok\r\n", b"554 relay denied\r\n", b"250 ok\r\n", greeting=b"220 x\r\n"), {"relay": False, "starttls": False}),
        (legacy.telnet, dialogue(greeting=b"\xff\xfd\x18login: "), {"negotiates": True, "text": "login:"}),
        (databases.memcached, dialogue(b"VERSION 1.6\r\n"), {"open": True}),
        (databases.memcached, dialogue(b"ERROR\r\n"), {"answer": False}),
        (web.http, dialogue(b"HTTP/1.1 401 x\r\nWWW-Authenticate: Basic realm=r\r\n\r\n<title> a\n b </title>"), {"status": 401, "authenticate": "Basic realm=r", "title": "a b"}),
        (web.http, dialogue(b"garbage\x1b[0m\r\n"), {"answer": False, "heard": r"garbage\x1b[0m"}),
        (ssh.look, dialogue(greeting=b"SSH-2.0-x\r\n\xff\xff\xff\xff garbage"), {"answer": False}),
        (tls.look, dialogue(b"HTTP/1.1 400 no\r\n\r\n"), {"answer": False}),
    ],
)  # fmt: skip
def test_a_service_is_told_from_its_twin(
    look: Callable[..., object], script: Script, expected: dict[str, object]
) -> None:
    facts = asyncio.run(served(script, lambda port: look(a_door(), "127.0.0.1", port)))
    assert isinstance(facts, dict)
    assert {key: facts.get(key) for key in expected} == expected


def test_nobody_is_asked_to_take_mail() -> None:
    said: list[bytes] = []

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 x\r\n")
        while line := await reader.readline():
            said.append(line)
            writer.write(b"250 ok\r\n")

    asyncio.run(served(script, lambda port: mailboxes.smtp(a_door(), "127.0.0.1", port)))
    assert [line.split()[0] for line in said] == [b"EHLO", b"MAIL", b"RCPT", b"RSET", b"QUIT"]


def test_a_tarpit_costs_its_timeout_and_no_more() -> None:
    async def script(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(30)

    async def ask(port: int) -> object:
        return await asyncio.wait_for(databases.redis(a_door(0.2), "127.0.0.1", port), 2)

    assert asyncio.run(served(script, ask)) == {"answer": False}


@pytest.mark.parametrize("port", [515, *range(9100, 9108)])
@pytest.mark.parametrize("way", ["tcp", "udp", "blocking"])
def test_no_door_opens_to_a_printing_port(port: int, way: str) -> None:
    async def knock() -> None:
        guarded = a_door()
        if way == "tcp":
            async with guarded.tcp("127.0.0.1", port):
                pass
        elif way == "udp":
            await guarded.udp("127.0.0.1", port, b"x")
        else:
            guarded.blocking("127.0.0.1", port, 1)

    with pytest.raises(Refusal, match="never touched"):
        asyncio.run(knock())


@pytest.mark.parametrize("ip", ["8.8.8.8", "10.0.0.1", "127.9.9.1", "203.0.113.1"])
def test_no_door_opens_outside_the_mandate(ip: str) -> None:
    with pytest.raises(Refusal):
        a_door().check(ip, 80)


def test_printing_ports_are_not_tried_even_when_declared() -> None:
    tried = ports.to_try(["tcp/9100", "tcp/515", "tcp/8123"])
    assert not set(tried) & ports.FORBIDDEN
    assert 8123 in tried
    assert {6379, 1883, 11211, 502, 27017, 4786} <= set(tried)


def test_sockets_are_opened_at_the_door_only() -> None:
    opening = {
        "open_connection",
        "create_connection",
        "socket",
        "sock_connect",
        "open_unix_connection",
        "create_datagram_endpoint",
    }
    places = {}
    for path in FOLDER.rglob("*.py"):
        calls = {
            node.func.attr
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        }
        if calls & opening:
            places[path.name] = calls & opening
    assert set(places) == {"door.py", "channel.py", "ports.py"}
    raw = [path.name for path in FOLDER.rglob("*.py") if "SOCK_RAW" in path.read_text()]
    assert raw == ["channel.py"]
    assert ".connect(" not in (FOLDER / "lan/wire/channel.py").read_text()
    assert "SOCK_DGRAM" in (FOLDER / "lan/wire/ports.py").read_text()  # it asks the kernel for its own addresses


def test_a_whole_collection_on_loopback_touches_no_printing_port_and_sees_the_rest() -> None:
    address = "127.77.0.5"
    knocked: list[int] = []
    low = (515,) if os.geteuid() == 0 else ()  # nobody else may listen there
    canaries = [socket.create_server((address, port)) for port in (*low, 9100, 9107)]
    redis = socket.create_server((address, 6379))
    facts = LanFacts(
        networks=(IPv4Network("127.77.0.0/29"),), moment="2026-01-01T00:00:00+00:00",
        hosts=(DeclaredHost(name="printer", site="hq", lan="l", address=address, role="printer", services=("tcp/9100", "tcp/515", "tcp/6379")),),
    )  # fmt: skip
    job = Job(
        run="20260101T000000Z-audit-x-0000",
        facts=facts,
        mandate=MANDATE,
        pace=Pace("fast", 8000, 2000, 16, 512, gentle=100, timeout=0.3),
    )

    async def run() -> list[Observation]:
        return [one async for one in collectors.collect(job)]

    try:
        observations = asyncio.run(run())
        for canary in canaries:
            canary.settimeout(0)
            try:
                canary.accept()
                knocked.append(canary.getsockname()[1])
            except BlockingIOError:
                pass
    finally:
        for one in (*canaries, redis):
            one.close()
    assert knocked == []
    (listed,) = [one for one in observations if one.kind == "ports"]
    assert listed.data["open"] == [6379]
    assert listed.data["untested"] == [515, 9100]


def test_a_job_outside_its_mandate_is_refused_before_a_packet() -> None:
    job = Job(
        run="20260101T000000Z-audit-x-0000", facts=LanFacts(networks=(IPv4Network("10.0.0.0/24"),)), mandate=MANDATE
    )

    async def run() -> list[Observation]:
        return [one async for one in collectors.collect(job)]

    with pytest.raises(Refusal):
        asyncio.run(run())


def test_kexinit_lists_are_read() -> None:
    lists = [b"kexA,kexB", b"ssh-ed25519", b"c1", b"c2", b"m1", b"m2", b"none", b"none", b"", b""]
    payload = b"\x14" + bytes(16) + b"".join(struct.pack("!I", len(one)) + one for one in lists) + bytes(5)
    packet = struct.pack("!IB", len(payload) + 5, 4) + payload + bytes(4)
    banner, read = ssh.split(b"hello\r\nSSH-2.0-x\r\n" + packet)
    assert banner == b"SSH-2.0-x"
    assert ssh.algorithms(read) == {
        "kex": ["kexA", "kexB"],
        "host_key": ["ssh-ed25519"],
        "cipher": ["c1"],
        "mac": ["m1"],
    }


@pytest.mark.parametrize("cut", range(0, 60, 7))
def test_a_cut_ssh_answer_is_no_answer(cut: int) -> None:
    assert ssh.split((b"SSH-2.0-x\r\n" + b"\x00\x00\x01\x00" + b"\x04\x14" * 100)[:cut]) is None


def test_snmp_answers_are_read_and_others_are_not() -> None:
    request = 77
    binding = snmp.tlv(0x30, snmp.tlv(0x06, b"\x2b") + snmp.tlv(0x04, b"Router"))
    pdu = snmp.tlv(
        0xA2, snmp.tlv(2, (77).to_bytes(4, "big")) + snmp.tlv(2, b"\0") + snmp.tlv(2, b"\0") + snmp.tlv(0x30, binding)
    )
    answer = snmp.tlv(0x30, snmp.tlv(2, b"\1") + snmp.tlv(4, b"public") + pdu)
    assert snmp.description(answer, request) == b"Router"
    assert snmp.description(answer, 78) is None
    assert all(snmp.description(answer[:cut], request) is None for cut in range(len(answer)))
    assert snmp.description(b"\x30\x84\xff\xff\xff\xff", request) is None


@pytest.mark.parametrize("version", tls.VERSIONS.values())
def test_a_client_hello_is_well_formed(version: int) -> None:
    hello = tls.client_hello(version)
    assert hello[0] == 0x16
    assert int.from_bytes(hello[3:5], "big") == len(hello) - 5
    assert int.from_bytes(hello[6:9], "big") == len(hello) - 9
    assert int.from_bytes(hello[9:11], "big") == min(version, 0x0303)


def test_secrets_of_a_switch_stay_in_the_switch() -> None:
    lines = {
        "enable secret 5 $1$abc$hunter2": "enable secret 5 •••",
        "username audit privilege 15 password 7 0822hunter2": "username audit privilege 15 password 7 •••",
        "username audit secret hunter2 word": "username audit secret •••",
        " password hunter2": " password •••",
        "snmp-server community hunter2 RO": "snmp-server community ••• RO",
        "snmp-server community public RO": "snmp-server community public RO",
        "tacacs-server key 7 hunter2": "tacacs-server key 7 •••",
        "crypto isakmp key hunter2 address 1.2.3.4": "crypto isakmp key •••",
        " pre-shared-key address 1.2.3.4 key hunter2": " pre-shared-key address 1.2.3.4 key •••",
        "snmp-server user u g v3 auth sha hunter2 priv aes 128 hunter2": "snmp-server user u g v3 auth sha •••",
        "ntp authentication-key 1 md5 hunter2 7": "ntp authentication-key 1 md5 •••",
        "  key hunter2": "  key •••",
        " neighbor 10.0.0.1 password 7 hunter2": " neighbor 10.0.0.1 password 7 •••",
        "snmp-server host 10.0.0.1 traps version 2c hunter2": "snmp-server host 10.0.0.1 traps version 2c •••",
        "hostname sw-hq": "hostname sw-hq",
        "service password-encryption": "service password-encryption",
    }
    assert dict(zip(lines, redaction.redacted("cisco_ios", lines), strict=True)) == lines


@pytest.mark.parametrize(
    "answer",
    ["           ^\n% Invalid input detected at '^' marker.\n", "% Authorization failed.", "% Incomplete command."],
)
def test_a_refused_command_is_no_configuration(answer: str) -> None:
    assert [*reader.lines("cisco_ios", answer)] == []
    assert [*reader.lines("cisco_ios", "Building configuration...\n\nhostname sw\n% of a banner")] != []


@pytest.mark.parametrize(("missing", "reason"), [("password", "no-password"), ("host_key", "no-host-key")])
def test_no_password_is_sent_to_a_switch_that_is_not_pinned(missing: str, reason: str) -> None:
    login = {
        "name": "sw",
        "address": "127.0.0.1",
        "platform": "cisco_ios",
        "username": "audit",
        "password": "x",
        "host_key": "ssh-ed25519 AAAA",
    }
    assert reader.look(a_door().blocking, DeviceLogin.model_validate(login | {missing: None})) == {
        "platform": "cisco_ios",
        "access": "ssh",
        "answer": False,
        "reason": reason,
    }


def test_a_worker_brings_back_what_it_saw_and_the_fault_that_ended_it() -> None:
    good = Job(
        run="20260101T000000Z-audit-x-0000", facts=LanFacts(networks=(IPv4Network("127.77.2.0/30"),)), mandate=MANDATE
    )
    assert [one.kind for one in collect(good) if one.kind == "sweep"] == ["sweep"]
    outside = good.model_copy(update={"facts": LanFacts(networks=(IPv4Network("10.0.0.0/24"),))})
    with pytest.raises(Refusal, match="outside the perimeter"):
        list(collect(outside))
    with pytest.raises(Unfinished, match="collectors"):
        list(collect(good.model_copy(update={"subject": "nothing"})))


def test_passwords_travel_by_the_pipe_and_are_shown_nowhere_else() -> None:
    snmp = {"version": "3", "user": "audit", "authentication_key": "hunter2-a", "privacy_key": "hunter2-p"}
    login = DeviceLogin.model_validate(
        {"name": "sw", "address": "127.0.0.1", "platform": "cisco_ios", "username": "audit", "password": "hunter2",
         "snmp": snmp}
    )  # fmt: skip
    job = Job(run="20260101T000000Z-audit-x-0000", facts=LanFacts(), mandate=MANDATE, devices=(login,))
    assert "hunter2" not in repr(job) + job.model_dump_json() + job.orders().to_json()
    (device,) = Job.model_validate_json(job.secret_json()).devices
    assert (device.password.get_secret_value(), device.snmp) == ("hunter2", login.snmp)
    assert device.snmp.privacy_key.get_secret_value() == "hunter2-p"


@pytest.mark.parametrize(("reached", "reason"), [(True, "snmp-from-node"), (False, "silent")])
def test_tables_are_unknown_from_a_node_and_of_the_silent(*, reached: bool, reason: str) -> None:
    login = DeviceLogin.model_validate(
        {
            "name": "sw",
            "address": "127.0.0.1",
            "platform": "other",
            "username": "audit",
            "snmp": {"version": "2c", "community": "x"},
        }
    )
    told = asyncio.run(collectors._tables(login, None if reached else a_door(), {"127.0.0.1"} if reached else set()))
    assert (told.kind, told.data) == (
        "tables",
        {"answer": False, "version": "2c", "security": "community", "reason": reason},
    )


def test_a_network_that_is_not_attached_gets_no_packet_unless_that_was_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = load("audits.lan.wire.ports").Port("eth0", IPv4Interface("192.0.2.2/24"), b"\2\0\0\0\0\1")
    monkeypatch.setattr(load("audits.lan.scan"), "ports", lambda: (elsewhere,))
    opened: list[object] = []

    def shut(_door: object, *where: object) -> None:
        opened.append(where)
        raise OSError("nothing leaves a unit test")

    monkeypatch.setattr(door.Door, "check", shut)
    host = DeclaredHost(name="dc1", site="hq", lan="adm", address="10.20.99.10", role="node", services=("tcp/22",))
    facts = LanFacts(networks=(IPv4Network("10.20.99.0/24"),), hosts=(host,))
    mandate = MANDATE.model_copy(update={"perimeter": (IPv4Network("10.0.0.0/8"),)})
    job = Job(run="20260101T000000Z-audit-x-0000", facts=facts, mandate=mandate, pace=Pace(timeout=0.1))

    async def run(job: Job) -> list[Observation]:
        return [one async for one in collectors.collect(job)]

    (sweep,) = asyncio.run(run(job))
    assert sweep.data == {"network": "10.20.99.0/24", "profile": "polite", "on_link": False, "reason": "not-attached"}
    assert opened == []
    with contextlib.suppress(OSError):  # the first datagram that is not let out ends it
        asyncio.run(run(job.model_copy(update={"routed": True})))
    assert ("10.20.99.10", 22) in opened


@pytest.mark.parametrize("listening", [True, False])
def test_a_datagram_that_is_refused_is_told_from_silence(*, listening: bool) -> None:
    said: list[object] = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as service:
        service.bind(("127.0.0.1", 0))
        port = service.getsockname()[1]
        if not listening:
            service.close()
        gate = a_door(0.05)
        visits = visit.Visits(gate.orders, gate, said.append, progress.Progress(said.append))  # type: ignore[attr-defined]
        told = asyncio.run(visits._look("snmp-161", "snmp", snmp.look, "127.0.0.1", port, "udp"))
    expected = {"community": "public", "answer": False}
    assert told == (expected if listening else expected | {"refused": True})
