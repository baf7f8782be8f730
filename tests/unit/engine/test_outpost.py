"""The program that a node is given runs on the standard library alone, ends with its listener, and is not believed blindly."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from wizara.audit import leash
from wizara.audit.facts import LanFacts
from wizara.audit.job import Job, Station
from wizara.audit.mandate import Mandate
from wizara.audit.orders import Orders, Pace, Sighting
from wizara.engine import outpost
from wizara.errors import Refusal, Unfinished
from wizara.tree import load

collectors = load("audits.lan.collectors")
MANDATE = Mandate.model_validate(
    {"commissioner": "t", "reference": "t", "date": "2026-01-01", "perimeter": ["127.0.0.0/8"], "exclusions": ["127.9.9.0/24"],
     "from": "2020-01-01", "to": "2099-01-01", "hours": ["00:00-24:00"], "operators": ["t"], "contact": "t"}
)  # fmt: skip
JOB = Job(
    run="r", facts=LanFacts(site="ons", networks=(IPv4Network("127.77.3.0/30"),)), mandate=MANDATE, pace=Pace(timeout=0.2)
)  # fmt: skip
STATION = Station(name="gw-ons", address="198.51.100.2", host_key="ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKYcw0NvDafAMP9PFyQpZv3pLDDMxreqK3Ps7VtQvrFS", user="wizara")  # fmt: skip


def landed(folder: Path) -> subprocess.Popen[bytes]:
    """Run the program as a node does, without what pip installed."""
    folder.mkdir()
    program = folder / "program.pyz"
    program.write_bytes(outpost.archive(outpost.needed(collectors.ENTRY), collectors.START))
    return subprocess.Popen(
        [sys.executable, "-I", "-S", "-B", str(program), str(folder)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={"PATH": os.environ["PATH"]},
    )  # fmt: skip


def test_the_program_scans_on_the_standard_library_alone_and_takes_itself_away(tmp_path: Path) -> None:
    process = landed(tmp_path / "own")
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(JOB.orders().to_json().encode() + b"\n")
    process.stdin.flush()
    told = [json.loads(line) for line in process.stdout]
    assert process.wait(10) == 0, process.stderr
    assert told[-1] == {"kind": "done"}
    sweeps = [one["sighting"] for one in told if one["kind"] == "sighting"]
    assert [(one["kind"], one["data"]["network"]) for one in sweeps] == [("sweep", "127.77.3.0/30")]
    assert not (tmp_path / "own").exists()


def test_the_node_checks_the_mandate_again(tmp_path: Path) -> None:
    process = landed(tmp_path / "own")
    outside = json.loads(JOB.orders().to_json()) | {"networks": ["10.0.0.0/24"]}
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps(outside).encode() + b"\n")
    process.stdin.flush()
    assert json.loads([*process.stdout][-1])["fault"] == "Refusal"
    assert process.wait(10) == 0


@pytest.mark.parametrize("way", ["ended", "silent"])
def test_the_program_ends_when_nobody_listens_any_more(way: str, tmp_path: Path) -> None:
    code = f"from wizara.audit import leash; import time; leash.hold({0.5 if way == 'silent' else None}); print('held', flush=True); time.sleep(30)"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        began = time.monotonic()
        if way == "ended":
            process.stdin.close()
        assert process.wait(10) == 130
        assert time.monotonic() - began < 5


def test_signs_of_life_hold_it_for_as_long_as_they_come() -> None:
    assert leash.BEAT_SECONDS * 4 < leash.PATIENCE_SECONDS < 20
    code = "from wizara.audit import leash; import time; leash.hold(1.0); print('held', flush=True); time.sleep(2); print('on')"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdout.readline()
        for _beat in range(8):
            process.stdin.write(b"\n")
            time.sleep(0.2)
        assert process.stdout.readline() == b"on\n"


def test_the_same_modules_are_the_same_program() -> None:
    one, other = (outpost.archive(outpost.needed(collectors.ENTRY), collectors.START) for _each in range(2))
    assert one == other
    assert len(one) < 110_000  # it crosses a slow line


def test_a_node_is_given_what_the_scan_needs_and_no_more() -> None:
    modules = outpost.needed(collectors.ENTRY)
    assert {"audits.lan.station", "audits.lan.dispatch", "audits.lan.tls", "wizara.audit.limits", "wizara"} <= {
        *modules
    }
    assert not [name for name in modules if name.startswith(("wizara.engine", "wizara.inventory", "wizara.record"))]


def test_orders_arrive_as_they_were_given() -> None:
    orders = JOB.model_copy(update={"routed": True}).orders()
    arrived = Orders.from_json(orders.to_json())
    assert arrived.limits == orders.limits
    assert (arrived.networks, arrived.declared, arrived.routed, arrived.pace) == (
        orders.networks, orders.declared, True, orders.pace,
    )  # fmt: skip
    assert abs((arrived.now() - orders.now()).total_seconds()) < 1
    assert arrived.moment.utcoffset() == orders.moment.utcoffset()


class Line:
    """A connection on which a node says *said*."""

    def __init__(self, said: bytes) -> None:
        self.said = said

    def converse_as_root(self, _script: str, *_arguments: str) -> Line:
        return self

    def settimeout(self, _seconds: float) -> None: ...

    def sendall(self, _octets: bytes) -> None: ...

    def close(self) -> None: ...

    def recv(self, size: int) -> bytes:
        part, self.said = self.said[:size], self.said[size:]
        return part

    def get_transport(self) -> Line:
        return self

    def is_active(self) -> bool:
        return True

    def makefile_stderr(self, _mode: str) -> Line:
        return self

    def read(self, _size: int) -> bytes:
        return b"ModuleNotFoundError: No module named 'asyncio'\n"


@pytest.mark.parametrize(
    ("said", "fault", "words"),
    [
        (b'{"kind": "absent"}\n', Refusal, "no python3"),
        (b"", Unfinished, "No module named 'asyncio'"),
        (b"Welcome!\n", Unfinished, "nothing sensible"),
        (b'{"kind": "sighting", "sighting": {"more": 1}}\n', Unfinished, "nothing sensible"),
        (b"[]\n", Unfinished, "nothing sensible"),
        (b"x" * (3 << 20), Unfinished, "nothing sensible"),
        (b'{"kind": "fault", "fault": "Refusal", "message": "too late", "hint": null}\n', Refusal, "gw-ons: too late"),
    ],
)
def test_what_a_node_says_instead_of_sightings_is_a_fault_in_one_line(
    said: bytes, fault: type[Exception], words: str
) -> None:
    with pytest.raises(fault, match=words) as told:
        list(outpost.Outpost(Line(said), "gw-ons").sightings(b"program", "orders"))  # type: ignore[arg-type]
    assert "\n" not in str(told.value)


def test_a_node_in_other_hands_smuggles_nothing_into_the_record() -> None:
    hostile = Sighting(
        "http", "http", {"title": "a\x1b[31m\u202eb", "list": [{"x\x07": "\x00" * 9000}]}, "127.77.3.1", 80, "tcp"
    )
    kept = collectors.observation(JOB.model_copy(update={"station": STATION, "vantage": "gw-ons"}), hostile)
    text = kept.model_dump_json()
    assert "\\x1b" in kept.text("title")
    assert not any(character in text for character in ("\x1b", "\u202e", "\x07", "\x00", "\\u0007", "\\u0000"))
    assert len(text) < 100_000


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "nonsense"},
        {"port": 99999},
        {"proto": "icmp"},
        {"ip": "203.0.113.9"},
        {"ip": "=cmd()"},
        {"ip": 7},
        {"data": []},
        {"data": {"certificate": "no base64"}},
        {"kind": "sweep", "data": {"network": "10.0.0.0/8", "on_link": True}},
    ],
)
def test_what_no_scan_of_these_networks_can_have_seen_ends_it(wrong: dict[str, object]) -> None:
    base: dict[str, object] = {"collector": "x", "kind": "http", "data": {}, "ip": "127.77.3.1"}
    job = JOB.model_copy(update={"station": STATION, "vantage": "gw-ons"})
    assert collectors.observation(job, Sighting(**base))  # type: ignore[arg-type]
    with pytest.raises(Unfinished, match="gw-ons: the collectors say nothing sensible"):
        collectors.observation(job, Sighting(**(base | wrong)))  # type: ignore[arg-type]
