"""The audit on a real LAN of namespaces with Debian's own daemons: everything planted is found, nothing else is accused."""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from lan_bench import Lan, plant

from wizara.cli import auditing
from wizara.cli.reporting import write
from wizara.errors import ExitCode, Refusal
from wizara.record.world import World
from wizara.tree import shipped_inventories

pytestmark = pytest.mark.lab

#: (rule, address) of every planted weakness, and of nothing else
PLANTED = {
    # Declared for the rehearsal, and not on this bench:
    ("LAN-002", "10.20.20.43"), ("LAN-002", "10.20.20.44"), ("LAN-005", "10.20.20.11"),
    ("RED-001", "10.20.20.42"), ("LAN-006", "10.20.20.42"), ("SMT-001", "10.20.20.77"), ("TEL-001", "10.20.20.77"),
    ("SNM-001", "10.20.20.77"), ("WEB-001", "10.20.20.77"), ("WEB-002", "10.20.20.77"), ("LAN-001", "10.20.20.77"),
    ("LAN-001", "10.20.20.78"), ("FTP-001", "10.20.20.41"), ("LAN-003", "10.20.20.13"), ("TLS-001", "10.20.20.40"),
    ("TLS-002", "10.20.20.40"), ("TLS-004", "10.20.20.40"), ("TLS-005", "10.20.20.40"), ("SMT-002", "10.20.20.77"),
    ("LAN-002", "10.20.20.14"),
    # The configuration of ``ios_stub``: Telnet and community public, passwords in clear (planted), and what its eight lines lack
    *((f"SWI-{number:03d}", "10.20.20.2") for number in (1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 24, 25, 30, 31, 37, 38, 49)),
    # paramiko, which the switch stub speaks with, really offers SHA-1 and CBC
    ("SSH-001", "10.20.20.2"), ("SSH-002", "10.20.20.2"), ("SSH-003", "10.20.20.2"),
}  # fmt: skip


@dataclass
class Bench:
    lan: Lan
    runs: Path
    done: auditing.Audited
    seconds: float


def order(runs: Path, **changes: object) -> auditing.Order:
    base = {
        "ministry": "mps",
        "site": "hq",
        "lans": ("office",),
        "networks": (),
        "interface": None,
        "mandate": None,
        "credentials": None,
        "lab": "bench",
    }
    return auditing.Order(**(base | {"runs": runs} | changes))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    if os.geteuid() != 0:
        pytest.fail("needs root")
    folder = tmp_path_factory.mktemp("audit")
    with Lan() as lan, pytest.MonkeyPatch.context() as patch:
        plant(lan)
        key = lan.folder / "switch_key"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
        lan.run(lan.host(2), sys.executable, str(Path(__file__).with_name("ios_stub.py")), str(key))
        public = " ".join(key.with_suffix(".pub").read_text().split()[:2])
        credentials = folder / "credentials.yaml"
        credentials.write_text(
            f"sw-hq:\n  username: audit\n  password: hunter2-login\n  enable: hunter2-enable\n  host_key: {public}\n"
        )
        patch.setattr(auditing, "_world", lambda _order, _ministry: (World("bench"), lan.namespace(250)))
        time.sleep(1)
        began = time.monotonic()
        done = auditing.run(
            auditing.prepare(order(folder / "runs", credentials=credentials)), "high", lambda _seen: None
        )
        yield Bench(lan, folder / "runs", done, time.monotonic() - began)


def test_everything_planted_is_found_and_nothing_else_is_accused(bench: Bench) -> None:
    found = {(one.rule, one.subject.ip) for one in bench.done.findings}
    assert found == PLANTED
    assert bench.done.code == ExitCode.PENDING
    assert bench.seconds < 30


def test_the_printer_heard_nothing(bench: Bench) -> None:
    log = bench.lan.folder / "printer.log"
    lines = [line.split() for line in log.read_text().splitlines()] if log.exists() else []
    assert {port for port, _bytes in lines} <= {"631"}
    assert sum(int(count) for _port, count in lines) == 0


def test_the_record_is_private_and_holds_no_password(bench: Bench) -> None:
    for path in bench.done.folder.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert "hunter2" not in path.read_text()
    assert "hunter2" not in json.dumps([one.model_dump(mode="json") for one in bench.done.findings])


def test_a_second_audit_knows_the_findings_again(bench: Bench) -> None:
    again = auditing.run(auditing.prepare(order(bench.runs)), "critical", lambda _seen: None)
    known = {one.fingerprint: one.status for one in again.findings}
    first = {one.fingerprint for one in bench.done.findings if not one.rule.startswith("SWI")}
    assert {known[fingerprint] for fingerprint in first} == {"open"}
    unread = [one for one in again.case.unknown if one.rule.startswith("SWI")]
    assert {one.reason for one in unread} == {"config-unread"}  # without a login the switch is unknown, never mended


def test_a_mandate_for_another_network_sends_nothing(bench: Bench, tmp_path: Path) -> None:
    other = tmp_path / "mandate.yaml"
    text = (shipped_inventories() / "mps" / "mandate.yaml").read_text()
    other.write_text(re.sub(r"perimeter: .*", "perimeter: [10.99.0.0/16]", text))
    with pytest.raises(Refusal, match="outside the perimeter"):
        auditing.prepare(order(tmp_path / "runs", mandate=other))
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("language", ["fr", "en", "ar"])
def test_the_report_of_a_real_audit_names_every_finding(bench: Bench, tmp_path: Path, language: str) -> None:
    for path in write(bench.runs, bench.done.case.run.id, (language,), ("html", "pdf", "csv", "json"), tmp_path):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        text = (
            subprocess.run(["pdftotext", path, "-"], check=True, capture_output=True, text=True).stdout
            if path.suffix == ".pdf"
            else path.read_text()
        )
        assert all(one.id in text for one in bench.done.findings)
