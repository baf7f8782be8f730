"""Which ways of login an SSH server offers; where that cannot be asked, the reason is kept and judged as unknown."""

from __future__ import annotations

import socket
import struct
import threading
from datetime import UTC, datetime
from typing import Any

import paramiko
import pytest

from wizara.audit.facts import LanFacts
from wizara.audit.observation import Observation, Target
from wizara.audit.rule import judge
from wizara.report.words import Catalogue
from wizara.tree import load

methods, ssh, tries = (load(f"audits.lan.{name}") for name in ("methods", "ssh", "tries"))
RULES = {one.id: one for one in load("audits.lan.rules").RULES}
OURS = {
    "kex": b"ecdh-sha2-nistp256",
    "key": b"ssh-ed25519",
    "cipher": b"aes256-ctr",
    "mac": b"hmac-sha2-256",
}


def kexinit(**others: bytes) -> bytes:
    """Return the packet of a server that offers one algorithm of each kind."""
    told = OURS | others
    lists = [told["kex"], told["key"], *[told["cipher"]] * 2, *[told["mac"]] * 2, b"none", b"none", b"", b""]
    payload = b"\x14" + bytes(16) + b"".join(struct.pack("!I", len(one)) + one for one in lists) + bytes(5)
    padding = 8 - (len(payload) + 5) % 8 + 8
    return struct.pack("!IB", len(payload) + padding + 1, padding) + payload + bytes(padding)


def asked(answer: bytes) -> dict[str, Any]:
    """Return what the look makes of a server that says *answer*, hears one message and hangs up."""

    def serve() -> None:
        channel, _peer = server.accept()
        with channel:
            channel.sendall(answer)
            channel.settimeout(2)
            heard = b""
            while heard.count(b"\n") < 1 or len(heard) < 200:
                more = channel.recv(4096)
                if not more:
                    return
                heard += more

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve)
        thread.start()
        facts: dict[str, Any] = methods.look(
            lambda ip, port, seconds: socket.create_connection((ip, port), seconds),
            "127.0.0.1",
            server.getsockname()[1],
            tries.Tries(wanted=False),
        )
        thread.join()
    return facts


@pytest.mark.parametrize(
    ("offer", "reason"),
    [
        ({"kex": b"kex-of-another-world@example.org"}, "no-shared-algorithm"),
        ({"cipher": b"chacha20-poly1305@openssh.com"}, "no-shared-algorithm"),
        ({"key": b"ssh-dss"}, "no-shared-algorithm"),
        ({}, "login-not-asked"),
    ],
    ids=["key-exchange", "cipher", "host-key", "hangs-up"],
)
def test_a_server_that_cannot_be_asked_is_told_with_the_reason(offer: dict[str, bytes], reason: str) -> None:
    answer = b"SSH-2.0-exotic\r\n" + kexinit(**offer)
    assert asked(answer) == {"answer": False, "reason": reason}
    _banner, payload = ssh.split(answer)  # its offer itself is known, and judged
    assert ssh.algorithms(payload)["kex"] == [(OURS | offer)["kex"].decode()]


def test_a_server_that_can_be_asked_tells_its_ways() -> None:
    class Server(paramiko.ServerInterface):
        def get_allowed_auths(self, username: str) -> str:
            return "publickey,password"

    def serve() -> None:
        channel, _peer = server.accept()
        transport = paramiko.Transport(channel)
        transport.add_server_key(paramiko.ECDSAKey.generate())
        transport.start_server(server=Server())
        done.wait(5)
        transport.close()

    done = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve)
        thread.start()
        told = methods.look(
            lambda ip, port, seconds: socket.create_connection((ip, port), seconds),
            "127.0.0.1",
            server.getsockname()[1],
            tries.Tries(wanted=False),
        )
        done.set()
        thread.join()
    assert told == {"methods": ["publickey", "password"]}


def saw(kind: str, data: dict[str, Any], collector: str) -> Observation:
    return Observation.model_validate(
        {"run": "r", "time": datetime(2026, 11, 21, tzinfo=UTC), "collector": collector, "vantage": "v", "kind": kind, "data": data,
         "target": Target(site="hq", ip="10.20.20.11", port=22, proto="tcp")}
    )  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "kind", "collector", "reason", "judged"),
    [
        ("SSH-005", "login", "methods", "no-shared-algorithm", "no-shared-algorithm"),
        ("SSH-005", "login", "methods", "login-not-asked", "login-not-asked"),
        ("SSH-005", "login", "methods", "device-spared", "device-spared"),
        ("SSH-001", "ssh", "ssh", "no-algorithms", "no-algorithms"),
        ("SSH-004", "ssh", "ssh", "breaker", "left-alone"),
    ],
)
def test_what_could_not_be_asked_is_unknown_and_not_silent(
    rule: str, kind: str, collector: str, reason: str, judged: str
) -> None:
    (verdict,) = judge([RULES[rule]], [saw(kind, {"answer": False, "reason": reason}, collector)], LanFacts(site="hq"))
    assert (verdict.outcome, verdict.reason, verdict.subject.service) == ("unknown", judged, "tcp/22")
    for language in ("en", "fr", "ar"):
        assert Catalogue(language).reasons[judged]


LISTS = {"SSH-001": "kex", "SSH-002": "cipher", "SSH-003": "mac", "SSH-004": "host_key"}
LISTED = kexinit()[5:-8]


@pytest.mark.parametrize(
    "payload",
    [
        b"\x14" + b"z" * 34_000,
        b"\x14" + bytes(60),
        b"\x14" + bytes(16) + LISTED[17:19],
        b"\x14" + bytes(16) + b"".join(b"\0\0\0\3\x01\xff " for _list in range(10)),
        b"\x14" + bytes(16) + (b"\0\0\x02\x58" + b"a," * 300) * 10,
    ],
    ids=["junk", "empty", "cut", "no-names", "endless"],
)
def test_lists_of_algorithms_that_cannot_be_read_hold_nothing(payload: bytes) -> None:
    seen = [saw("ssh", {"banner": "SSH-2.0-x"} | ssh.algorithms(payload), "ssh")]
    told = judge([RULES[name] for name in LISTS], seen, LanFacts(site="hq"))
    assert [(one.outcome, one.reason) for one in told] == [("unknown", "undecided")] * 4


@pytest.mark.parametrize("rule", LISTS)
def test_one_list_that_is_empty_costs_no_other_its_verdict(rule: str) -> None:
    names = {"kex": "kex", "cipher": "cipher", "mac": "mac", "host_key": "key"}
    _banner, payload = ssh.split(b"SSH-2.0-x\r\n" + kexinit(**{names[LISTS[rule]]: b""}))
    told = judge([RULES[name] for name in LISTS], [saw("ssh", ssh.algorithms(payload), "ssh")], LanFacts(site="hq"))
    assert {one.rule: one.outcome for one in told} == dict.fromkeys(LISTS, "holds") | {rule: "unknown"}


def test_a_weak_algorithm_beside_what_is_no_name_and_behind_a_hundred_is_seen() -> None:
    for kex in (b"\xff,diffie-hellman-group1-sha1", b"a," * 100 + b"diffie-hellman-group1-sha1"):
        _banner, payload = ssh.split(b"SSH-2.0-x\r\n" + kexinit(kex=kex))
        (told,) = judge([RULES["SSH-001"]], [saw("ssh", ssh.algorithms(payload), "ssh")], LanFacts(site="hq"))
        assert told.outcome == "broken"


def test_what_is_no_ssh_server_is_no_unknown() -> None:
    silent = [saw("ssh", {"answer": False}, "ssh"), saw("login", {"answer": False, "reason": "breaker"}, "login")]
    assert judge([RULES["SSH-001"], RULES["SSH-005"]], silent, LanFacts(site="hq")) == ()
