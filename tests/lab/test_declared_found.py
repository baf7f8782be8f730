"""Declared against found on a real LAN, a draft of what was found, and what one audit says of another."""

from __future__ import annotations

import os
import re
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from lan_bench import Lan

from wizara.cli import auditing, proposing
from wizara.inventory import load as load_ministry
from wizara.record.world import World
from wizara.tree import shipped_inventories

pytestmark = pytest.mark.lab

CARD = "52:54:00:20:00:{:02d}"
WELL = range(11, 16)
MISSING, CHANGED, UNDECLARED = (21, 22, 23), (31, 32), (71, 72, 73, 74)
EXPECTED = {
    *(("LAN-002", f"10.20.20.{last}") for last in MISSING), *(("LAN-003", f"10.20.20.{last}") for last in CHANGED),
    *(("LAN-001", f"10.20.20.{last}") for last in UNDECLARED), ("LAN-007", "10.20.20.51"), ("LAN-008", "10.20.20.61"),
}  # fmt: skip


def inventory(folder: Path) -> Path:
    """A ministry like the shipped one, with other machines in the office of headquarters."""
    shutil.copytree(shipped_inventories() / "mps", folder / "mps")
    site = folder / "mps" / "sites" / "hq.yaml"
    text = re.sub(r"(?s)\ndevices:.*", "\n", site.read_text())
    hosts = [
        f'  pc-{last}: {{lan: office, address: 10.20.20.{last}, mac: "{CARD.format(last)}"}}'
        for last in (*WELL, *MISSING, *CHANGED)
    ]
    hosts.append(f'  strayed: {{lan: servers, address: 10.20.10.51, mac: "{CARD.format(51)}"}}')
    hosts.append(
        f'  other: {{lan: office, address: 10.20.20.61, mac: "{CARD.format(61)}", role: server, os: windows, services: [tcp/22]}}'
    )
    site.write_text(text + "hosts:\n" + "\n".join(hosts) + "\n")
    (folder / "mps" / "rehearsal.yaml").unlink()
    return folder / "mps"


def order(ministry: Path, runs: Path, **more: object) -> auditing.Order:
    told = {"ministry": str(ministry), "site": "hq", "lans": ("office",), "networks": (), "interface": None, "mandate": None, "credentials": None,
            "lab": "bench", "runs": runs, "profile": "fast"}  # fmt: skip
    return auditing.Order(**(told | more))  # type: ignore[arg-type]


class Place:
    """A LAN, an inventory, and audits one after the other."""

    def __init__(self, lan: Lan, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.lan, self.ministry, self.runs = lan, inventory(folder), folder / "runs"
        patch.setattr(auditing, "_world", lambda _order, _ministry: (World("bench"), lan.namespace(250)))

    def audit(self, **more: object) -> tuple[auditing.Prepared, auditing.Audited]:
        prepared = auditing.prepare(order(self.ministry, self.runs, **more))
        return prepared, auditing.run(prepared, "high", lambda _seen: None)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    if os.geteuid() != 0:
        pytest.fail("needs root")
    with Lan() as lan:
        lan.host(250, "52:54:00:20:02:50")
        lan.host(1, CARD.format(1))
        yield Place(lan, tmp_path, monkeypatch)


def found(done: auditing.Audited) -> set[tuple[str, str | None]]:
    return {
        (one.rule, one.subject.ip)
        for one in done.findings
        if one.rule in {"LAN-001", "LAN-002", "LAN-003", "LAN-007", "LAN-008", "LAN-009"}
    }


def test_exactly_what_differs_is_told_and_a_draft_declares_what_was_found(place: Place, tmp_path: Path) -> None:
    for last in (*WELL, *UNDECLARED, 51):
        place.lan.host(last)
    for last in CHANGED:
        place.lan.host(last, f"52:54:00:ff:00:{last}")
    place.lan.stub(place.lan.host(61), "says", "SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3", "22")
    place.lan.stub(f"{place.lan.prefix}-72", "says", "220 \u202e=cmd()\t\x1b[31m${x} ready # ]}", "21")
    time.sleep(1)
    prepared, done = place.audit()
    assert found(done) == EXPECTED
    assert len(EXPECTED) == 11
    draft = tmp_path / "draft.yaml"
    assert proposing.propose(prepared, done, draft) == len(UNDECLARED)
    text = draft.read_text()
    assert "found-10-20-20-72: {lan: office, address: 10.20.20.72" in text
    assert text.isprintable() or not [one for one in text if not one.isprintable() and one != "\n"]
    shutil.copy(draft, place.ministry / "sites" / "hq.yaml")
    declared = load_ministry(place.ministry).sites["hq"].hosts
    assert {"pc-11", "strayed", "found-10-20-20-71"} <= set(declared)
    _prepared, again = place.audit()
    assert not [one for one in again.findings if one.rule in {"LAN-001", "LAN-006"}]
    assert found(again) == {one for one in EXPECTED if one[0] != "LAN-001"}
    gone = {one.verdict.subject.ip for one in again.case.verdicts.past if one.status == "fixed"}
    assert gone >= {f"10.20.20.{last}" for last in UNDECLARED}


def statuses(done: auditing.Audited, rule: str, mac: str) -> list[str]:
    """What is said of a finding, now or of the past."""
    now = [one.status for one in done.findings if one.rule == rule and one.subject.mac == mac]
    return now + [
        one.status for one in done.case.verdicts.past if one.verdict.rule == rule and one.verdict.subject.mac == mac
    ]


def test_six_audits_tell_new_known_mended_back_and_not_seen(place: Place) -> None:
    """A stranger with an open database: found, moved by DHCP, switched off, back, given a password, and open again."""
    card = "02:00:5e:00:00:77"

    def stranger(last: int, *more: str) -> None:
        place.lan.run(
            place.lan.host(last, card), "redis-server", "--port", "6379", "--protected-mode", "no", "--save", "", *more
        )
        time.sleep(1.5)

    def said() -> tuple[list[str], list[str]]:
        _prepared, done = place.audit()
        return statuses(done, "RED-001", card), statuses(done, "LAN-001", card)

    stranger(77)
    assert said() == (["new"], ["new"])
    place.lan.unplug(77)
    stranger(88)
    assert said() == (["open"], ["open"])
    place.lan.unplug(88)
    assert said() == (["unknown"], ["unknown"])
    stranger(88, "--requirepass", "long-and-secret")
    assert said() == (["fixed"], ["open"])
    place.lan.unplug(88)
    stranger(77)
    assert said() == (["regressed"], ["open"])
    place.lan.host(78, "02:00:5e:00:00:78")
    _prepared, done = place.audit()
    assert (statuses(done, "RED-001", card), statuses(done, "LAN-001", "02:00:5e:00:00:78")) == (["open"], ["new"])
