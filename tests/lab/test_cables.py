"""A site's cables are found by SSH and SNMP, each once, and none is invented; agents are only read, and keep no secret of ours."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import replay
from corpus.ground import AUDITOR, NETWORK, Ground
from corpus.root import RECIPES
from yard import AGENT, AUTHENTICATION, COMMUNITY, PCS, PLANTED, PRIVACY, SSH, Yard

from wizara.cli import auditing, reporting
from wizara.lab.roots import ensure_recipe
from wizara.record.world import World
from wizara.report.cables import cable_data, port_data

pytestmark = pytest.mark.lab

#: Who is asked with another's community or passphrase in the second audit, and what is said of it.
WRONG = {"fw": "snmp-silent", "idc": "snmp-refused"}


@dataclass
class Place:
    yard: Yard
    runs: Path
    done: auditing.Audited
    seconds: float


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    if os.geteuid() != 0:
        pytest.fail("needs root")
    folder = tmp_path_factory.mktemp("yard")
    tree = ensure_recipe(RECIPES["first"], lambda _who, _what: None)
    with Ground() as ground, pytest.MonkeyPatch.context() as patch:
        yard = Yard(ground, folder, tree)
        yard.raise_()
        ground.wait(dict.fromkeys(SSH, 22))
        yard.wait_for_lldp()
        patch.setattr(auditing, "_world", lambda _order, _ministry: (World("bench"), ground.namespace(AUDITOR)))
        yard.inventory()
        began = time.monotonic()
        done = audit(yard, folder / "runs", yard.credentials())
        yield Place(yard, folder / "runs", done, time.monotonic() - began)


def audit(yard: Yard, runs: Path, credentials: Path) -> auditing.Audited:
    order = auditing.Order(
        ministry=str(yard.folder / "mps"), site="hq", lans=("office",), networks=(), interface=None, mandate=None,
        credentials=credentials, lab="bench", runs=runs, profile="fast", ports=(22,),
    )  # fmt: skip
    return auditing.run(auditing.prepare(order), "high", lambda _seen: None)


def test_all_planted_cables_are_found_with_their_bundles_and_none_is_invented(place: Place) -> None:
    found = {
        (one.ends[0].device, one.ends[0].port, one.ends[1].device, one.ends[1].port, one.both, _bundles(one.ends))
        for one in cable_data(place.done.case)
    }
    either_way = {(b, bp, a, ap, both, bundle) for a, ap, b, bp, both, bundle in PLANTED}
    assert found - PLANTED - either_way == set()
    assert {one for one in PLANTED if one not in found and (*one[2:4], *one[:2], *one[4:]) not in found} == set()
    assert len(found) == len(PLANTED) == len(cable_data(place.done.case))
    assert len(SSH) + len(AGENT) >= 12
    assert place.seconds < 60


def _bundles(ends: tuple[object, object]) -> str:
    return " ".join(sorted({end.bundle for end in ends if end.bundle}))  # type: ignore[attr-defined]


def test_machines_stand_at_their_ports_and_not_at_uplinks(place: Place) -> None:
    found = {
        (one.device, one.port, one.name, one.machines) for one in port_data(place.done.case) if one.device == "desktop"
    }
    assert found == {
        ("desktop", "GigabitEthernet0/2", "pc-1", 1),
        ("desktop", "GigabitEthernet0/3", "pc-2", 1),
        ("desktop", "GigabitEthernet0/4", "", 3),
    }
    assert {one.mac for one in port_data(place.done.case) if one.name} == set(PCS.values())


def test_agents_hear_questions_only(place: Place) -> None:
    """GETBULK (RFC 3416: 0xA5), and the audit's GET by well-known communities (0xA0), at our own agents; no write at snmpd's."""
    for last, one in AGENT.items():
        if one.security == "2c":
            assert set(place.yard.heard(last)) == {"0xa0", "0xa5"}, one.name
    for last in (37, 40, 41):
        assert place.yard.said(last) == {"PING", "getnext"}


def test_what_is_read_in_clear_is_told(place: Place) -> None:
    names = {one.subject.name for one in place.done.findings if one.rule == "SWI-057"}
    assert names == {one.name for one in AGENT.values() if one.security != "authPriv"}
    held = {
        one.subject.name for one in place.done.case.verdicts.verdicts if one.rule == "SWI-057" and one.outcome == "holds"
    }  # fmt: skip
    assert held == {"sw-hp", "real-1"}


def test_no_secret_is_in_anything_that_is_kept_or_reported(place: Place, tmp_path: Path) -> None:
    run = place.done.folder.name
    written = [*reporting.write(place.runs, run, ("en", "fr", "ar"), ("html", "pdf", "json", "csv", "sarif"), tmp_path)]
    kept = [path for path in (*place.done.folder.rglob("*"), *written) if path.is_file()]
    for path in kept:
        for secret in (COMMUNITY, AUTHENTICATION, PRIVACY, replay.LOGIN[1], replay.ENABLE):
            assert secret.encode() not in path.read_bytes(), path
    assert {path.name.partition(".")[2] for path in written} >= {"en.cables.csv", "fr.ports.csv", "ar.html"}
    told = json.loads(next(path for path in written if path.name.endswith("en.json")).read_text())
    assert len(told["cables"]) == len(PLANTED)


def test_a_switch_that_does_not_take_the_secret_is_unknown_and_its_cables_have_one_end(place: Place) -> None:
    done = audit(place.yard, place.runs, place.yard.credentials(wrong=tuple(WRONG)))
    unread = {one.subject.name: one.reason for one in done.case.unknown if one.rule == "SWI-057"}
    assert unread == WRONG
    cables = [one for one in cable_data(done.case) if "fw" in {end.device for end in one.ends}]
    assert {one.both for one in cables} == {False}
    assert len(cables) == 3


def test_the_addresses_of_the_yard_are_its_own(place: Place) -> None:
    """Nothing left the LAN that the test made."""
    asked = {one.target.ip for one in place.done.case.observations if one.kind in {"config", "tables"}}
    assert asked == {f"{NETWORK}.{last}" for last in (*SSH, *AGENT)}
