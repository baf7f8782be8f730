"""The applied ministry keeps what it declares, and verify says so only while it does."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import dns.message
import dns.query
import dns.reversename
import pytest

sys.path.insert(0, str(Path(__file__).parent))
import wire
from applied import Applied

from wizara.blueprint import derive
from wizara.inventory import load
from wizara.lab import namespace
from wizara.operations.render import render
from wizara.tree import shipped_inventories

pytestmark = pytest.mark.lab

ARABIC = "برهان البريد: الرسالة وصلت سالمة"
DKIM = """
import dkim, sys
record = sys.argv[1].encode()
print(dkim.verify(sys.stdin.buffer.read(), dnsfunc=lambda name, timeout=5: record if name == sys.argv[2].encode() else None))
"""


@contextlib.contextmanager
def captured(applied: Applied) -> Iterator[dict[str, Path]]:
    with contextlib.ExitStack() as stack:
        yield {link: stack.enter_context(applied.lab.capture(link)) for link in applied.lab.kept.links}


def verified(applied: Applied) -> tuple[int, dict[str, Any]]:
    done = applied.wizara("verify", "--json", timeout=180)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def broken(result: dict[str, Any]) -> set[tuple[str, str]]:
    return {(one["rule"], one["subject"]["name"]) for one in result["promises"] if one["outcome"] == "broken"}


@pytest.fixture(scope="module")
def proof(applied_ministry: Applied) -> tuple[int, dict[str, Any], dict[str, list[bytes]], float]:
    """One verification of the ministry as it stands, and what crossed every uplink meanwhile."""
    began = time.monotonic()
    with captured(applied_ministry) as files:
        code, result = verified(applied_ministry)
    return code, result, {link: wire.frames(path) for link, path in files.items()}, time.monotonic() - began


def test_every_promise_holds_but_the_clock_which_a_lab_cannot_prove(proof: Any) -> None:
    code, result, _frames, seconds = proof
    assert broken(result) == set()
    assert code == 0
    assert {one["rule"] for one in result["promises"] if one["outcome"] == "unknown"} == {"NOD-006"}
    assert result["counts"]["holds"] > 100
    assert seconds < 60


def observations(result: dict[str, Any]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (Path(result["folder"]) / "observations.jsonl").read_text().splitlines()]


def test_a_message_of_one_institution_is_read_at_the_other(proof: Any) -> None:
    _code, result, _frames, _seconds = proof
    seen = {one["collector"]: one["data"] for one in observations(result)}
    assert seen["submission"]["from"] == "pc-ons"
    assert seen["imap"]["from"] == "pc-cneap"
    message = message_from_bytes((Path(result["folder"]) / "probe.eml").read_bytes(), policy=policy.default)
    assert message["Subject"] == ARABIC


def test_an_independent_program_accepts_the_signature_and_refuses_a_changed_message(
    proof: Any, applied_ministry: Applied
) -> None:
    raw = (Path(proof[1]["folder"]) / "probe.eml").read_bytes()
    name = "wz2026._domainkey.mps.gov.test."
    question = dns.message.make_query(name, "TXT")
    place = namespace.path(applied_ministry.lab.name, "pc-cneap")
    answer = namespace.within(place, lambda: dns.query.tcp(question, "10.20.10.10", timeout=10))
    record = b"".join(answer.answer[0][0].strings).decode()

    def judged(message: bytes) -> str:
        line = ["/usr/bin/python3", "-c", DKIM, record, name]
        done = subprocess.run(line, input=message, capture_output=True, check=False)
        assert done.returncode == 0, f"Debian's python3-dkim is needed: {done.stderr.decode()[-300:]}"
        return done.stdout.decode().strip()

    assert judged(raw) == "True"
    assert judged(raw.replace(b"\nSubject: ", b"\nSubject: x", 1)) == "False"


def test_uplinks_carry_nothing_in_clear_and_nothing_undeclared(proof: Any) -> None:
    _code, result, frames, _seconds = proof
    canary = re.search(rb"wizara-canary-[0-9a-f]+", (Path(result["folder"]) / "probe.eml").read_bytes())
    assert canary
    for link, found in frames.items():
        assert len(found) > 50, link
        assert [frame for frame in found if wire.is_inside(frame)] == [], link
        assert [frame for frame in found if not wire.is_expected(frame)] == [], link
        assert not any(canary[0] in frame for frame in found), link


def test_ipv6_is_carried_named_and_refused_as_ipv4_is(applied_ministry: Applied) -> None:
    """From ons through the tunnel: names both ways, the mail server's door, and nothing that no flow permits."""
    place = namespace.path(applied_ministry.lab.name, "pc-ons")
    server = "fd6d:7073:6774:10::10"
    backwards = dns.reversename.from_address("fd6d:7073:6774:20::11")

    def asked(name: Any, kind: str) -> list[str]:
        answer = namespace.within(place, lambda: dns.query.udp(dns.message.make_query(name, kind), server, timeout=10))
        return [str(record) for found in answer.answer for record in found]

    with captured(applied_ministry) as files:
        assert asked("pc-hq-1.hq.mps.gov.test.", "AAAA") == ["fd6d:7073:6774:20::11"]
        assert asked(backwards, "PTR") == ["pc-hq-1.hq.mps.gov.test."]
        assert knocked(place, "fd6d:7073:6774:10::20", 993) == "open"
        assert knocked(place, "fd6d:7073:6774:10::20", 22) == "silent"
        assert knocked(place, "fd6d:7073:6774:20::11", 22) == "silent"
    for link, path in files.items():
        assert [frame for frame in wire.frames(path) if wire.is_inside(frame)] == [], link


def knocked(place: Path, address: str, port: int) -> str:
    def knock() -> str:
        try:
            socket.create_connection((address, port), timeout=4).close()
        except TimeoutError:
            return "silent"
        except OSError as fault:
            return str(fault)
        return "open"

    return namespace.within(place, knock)


def test_one_institution_cannot_reach_the_other_but_by_the_declared_flow(proof: Any) -> None:
    outcomes = {
        (one["rule"], one["subject"]["name"], one["subject"]["service"]): one["outcome"] for one in proof[1]["promises"]
    }
    assert outcomes["INT-004", "ons → pc-cneap", None] == "holds"
    assert outcomes["INT-004", "cneap → pc-ons", None] == "holds"
    assert outcomes["INT-003", "cneap → pc-ons", "tcp/8080"] == "holds"


def test_no_secret_is_kept_of_a_verification(proof: Any, applied_ministry: Applied) -> None:
    from wizara.inventory.secrets import open_secrets, read_identity

    state = applied_ministry.lab.folder
    kept = open_secrets(state / "secrets", ["hq/mailbox-probe"], read_identity(state / "identity.age"))
    password = json.loads(kept["hq/mailbox-probe"].reveal())["password"].encode()
    files = [path for path in applied_ministry.runs.rglob("*") if path.is_file()]
    assert len(files) > 3
    assert [path for path in files if password in path.read_bytes()] == []


def test_a_stopped_name_server_is_a_named_broken_promise(applied_ministry: Applied) -> None:
    applied_ministry.lab.exec("dc1", ["systemctl", "stop", "unbound"])
    try:
        code, result = verified(applied_ministry)
    finally:
        applied_ministry.lab.exec("dc1", ["systemctl", "start", "unbound"])
    assert code == 4
    assert {("NOD-002", "dc1"), ("DNS-001", "gw-ons"), ("DNS-004", "dc1"), ("INT-003", "ons → dc1")} <= broken(result)
    assert not any(rule == "INT-001" for rule, _name in broken(result))


def test_a_stopped_tunnel_is_a_broken_link_and_still_nothing_leaves_in_clear(applied_ministry: Applied) -> None:
    applied_ministry.lab.exec("gw-ons", ["systemctl", "stop", "wg-quick@wg0"])
    try:
        with captured(applied_ministry) as files:
            code, result = verified(applied_ministry)
    finally:
        applied_ministry.lab.exec("gw-ons", ["systemctl", "start", "wg-quick@wg0"])
    assert code == 4
    assert {
        ("INT-001", "gw-ons → gw-hq"),
        ("NOD-002", "gw-ons"),
        ("INT-003", "ons → mail1"),
        ("MAI-001", "mail1"),
    } <= broken(result)
    frames = {link: wire.frames(path) for link, path in files.items()}
    assert all(found for found in frames.values())
    assert {link: [frame for frame in found if wire.is_inside(frame)] for link, found in frames.items()} == {
        link: [] for link in frames
    }


def test_a_filter_opened_by_hand_is_a_broken_promise_and_shown_by_a_connection(applied_ministry: Applied) -> None:
    gateways = ("gw-hq", "gw-ons", "gw-cneap")
    for node in gateways:
        for chain in ("input", "forward"):
            applied_ministry.lab.exec(node, ["nft", "insert", "rule", "inet", "wizara", chain, "counter", "accept"])
    try:
        code, result = verified(applied_ministry)
    finally:
        for node in gateways:
            applied_ministry.lab.exec(node, ["systemctl", "reload", "nftables"])
    assert code == 4
    assert {("NOD-003", "gw-ons"), ("INT-004", "cneap → gw-ons"), ("INT-005", "hq → gw-hq")} <= broken(result)
    assert ("NOD-003", "dc1") not in broken(result)


def test_a_name_server_without_forwarders_is_accepted_before_its_first_start(applied_ministry: Applied) -> None:
    plan = derive(load(shipped_inventories() / "mps")).nodes["dc1"]
    assert plan.names
    text = render("names/unbound.conf.j2", {"node": plan, "names": replace(plan.names, forward=())})
    assert "trust-anchor" in text
    check = (
        "mv /var/lib/unbound/root.key /root/ 2>/dev/null; cat > /run/alone.conf <<'END'\n" + text + "END\n"
        "unbound-checkconf /run/alone.conf; code=$?; mv /root/root.key /var/lib/unbound/ 2>/dev/null; exit $code"
    )
    done = applied_ministry.lab.exec("dc1", ["sh", "-c", check])
    assert done.returncode == 0, done.stdout + done.stderr
