"""One audit beside another: mended needs evidence, and what was not seen is unknown."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any

import pytest

from wizara.audit.baseline import Baseline, Looked
from wizara.audit.exceptions import conclude
from wizara.audit.facts import DeclaredHost, LanFacts
from wizara.audit.observation import Observation, Target
from wizara.audit.rule import judge
from wizara.audit.verdict import Verdicts
from wizara.tree import load

RULES = load("audits.lan.rules").RULES
IP, MAC = "10.20.20.77", "02:00:5e:00:00:77"
FACTS = LanFacts(site="hq", networks=("10.20.20.0/24",))  # type: ignore[arg-type]
DAY = date(2026, 11, 21)


def seen(kind: str, data: dict[str, Any], port: int | None = None, ip: str = IP, mac: str | None = None) -> Observation:
    proto = ("udp" if port == 161 else "tcp") if port else None
    return Observation.model_validate(
        {"run": "r", "time": datetime(2026, 11, 21, tzinfo=UTC), "collector": kind, "vantage": "v", "kind": kind, "data": data,
         "target": Target(site="hq", ip=ip, port=port, mac=mac, proto=proto)}
    )  # fmt: skip


def alive(ip: str = IP, mac: str = MAC) -> Observation:
    return seen("host", {"alive": True, "macs": [mac]}, ip=ip, mac=mac)


def ports(opened: list[int], closed: list[int] = [], silent: list[int] = [], ip: str = IP) -> Observation:  # noqa: B006
    return seen("ports", {"open": opened, "closed": closed, "silent": silent}, ip=ip)


REDIS, GUARDED = seen("redis", {"open": True}, 6379), seen("redis", {"open": False}, 6379)
PUBLIC, SILENT = (
    seen("snmp", {"community": "public", "description": "x"}, 161),
    seen("snmp", {"community": "public", "answer": False}, 161),
)
REFUSED = seen("snmp", {"community": "public", "answer": False, "refused": True}, 161)
AGENT, NO_AGENT = seen("snmp3", {"open": False}, 161), seen("snmp3", {"answer": False}, 161)
OLD = [alive(), ports([6379]), REDIS, PUBLIC]


def audit(observations: Iterable[Observation], before: Verdicts | None = None, facts: LanFacts = FACTS) -> Verdicts:
    known = tuple(observations)
    verdicts = judge(RULES, known, facts)
    return conclude(verdicts, (), DAY, Baseline.of(before) if before else None, Looked(RULES, verdicts, known))


def status(of: Verdicts, rule: str) -> list[str]:
    return [one.status for one in of.findings if one.verdict.rule == rule] + [
        one.status for one in of.past if one.verdict.rule == rule
    ]


@pytest.mark.parametrize(
    ("now", "rule", "told"),
    [
        (OLD, "RED-001", "open"),
        ([alive(), ports([6379]), GUARDED], "RED-001", "fixed"),
        ([alive(), ports([], [6379])], "RED-001", "fixed"),
        ([alive(), ports([], [], [6379])], "RED-001", "unknown"),
        ([alive()], "RED-001", "unknown"),
        ([], "RED-001", "unknown"),
        ([ports([], [6379], ip="10.20.20.78"), alive("10.20.20.78", "02:00:5e:00:00:78")], "RED-001", "unknown"),
        ([alive(), ports([22]), SILENT], "SNM-001", "unknown"),
        ([alive(), ports([22], closed=[161]), SILENT], "SNM-001", "unknown"),
        ([alive(), SILENT, NO_AGENT], "SNM-001", "unknown"),
        ([alive(), REFUSED], "SNM-001", "fixed"),
        ([alive(), SILENT, AGENT], "SNM-001", "fixed"),
        ([SILENT], "SNM-001", "unknown"),
        ([seen("host", {"alive": False, "answer": False}), SILENT, ports([], [], [6379])], "SNM-001", "unknown"),
        ([], "LAN-001", "unknown"),
        (OLD, "LAN-001", "open"),
    ],
)  # fmt: skip
def test_what_an_audit_says_of_the_one_before(now: list[Observation], rule: str, told: str) -> None:
    assert status(audit(OLD), rule) == ["new"]
    assert status(audit(now, audit(OLD)), rule) == [told]


def test_a_stranger_that_is_declared_at_last_is_mended() -> None:
    host = DeclaredHost(name="kiosk", site="hq", lan="office", address=IP, mac=MAC, role="workstation")
    assert status(audit([alive()], audit([alive()]), FACTS.model_copy(update={"hosts": (host,)})), "LAN-001") == [
        "fixed"
    ]


def test_a_finding_that_was_not_seen_is_remembered_until_it_is() -> None:
    first = audit(OLD)
    hidden = audit([], audit([], first))
    assert status(hidden, "RED-001") == ["unknown"]
    assert status(audit(OLD, hidden), "RED-001") == ["open"]
    mended = audit([alive(), ports([6379]), GUARDED], hidden)
    assert status(mended, "RED-001") == ["fixed"]
    later = audit([], mended)
    assert [(one.status, one.earlier) for one in later.past if one.verdict.rule == "RED-001"] == [("fixed", True)]
    assert status(audit(OLD, later), "RED-001") == ["regressed"]


def test_a_new_address_is_the_same_machine() -> None:
    moved = [one.model_copy(update={"target": one.target.model_copy(update={"ip": "10.20.20.88"})}) for one in OLD]
    second = audit(moved, audit(OLD))
    assert {one.status for one in second.findings} == {"open"}
    assert second.past == ()


def test_a_declared_machine_at_another_address_is_neither_missing_nor_a_stranger() -> None:
    host = DeclaredHost(name="pc", site="hq", lan="office", address="10.20.20.12", mac=MAC, role="workstation")
    facts = FACTS.model_copy(update={"hosts": (host,)})
    gone = seen("host", {"alive": False, "answer": False}, ip="10.20.20.12")
    assert [one.verdict.rule for one in audit([alive(), gone], facts=facts).findings] == ["LAN-009"]
    both = audit([alive(), alive("10.20.20.12")], facts=facts)
    assert [one.verdict.rule for one in both.findings] == ["LAN-001"]  # a second address that nobody declared


def test_another_address_of_the_card_mends_nothing() -> None:
    """Proxy ARP, a shared address of two machines, or a second address of one: what is closed there says nothing of here."""
    before = audit(OLD)
    other = "10.20.20.78"
    both = [alive(), alive(other), ports([], closed=[6379], ip=other)]
    assert status(audit([*both, ports([], silent=[6379])], before), "RED-001") == ["unknown"]
    assert status(audit([*both, ports([], closed=[6379])], before), "RED-001") == ["fixed"]
    assert status(audit([alive(other), ports([], closed=[6379], ip=other)], before), "RED-001") == ["fixed"], "it moved"
