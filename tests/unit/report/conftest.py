"""A small finished audit to report on, with texts as hostile as wished."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from wizara.audit.exceptions import conclude
from wizara.audit.facts import DeclaredHost, LanFacts
from wizara.audit.job import AuditRecord, View
from wizara.audit.mandate import read_mandate
from wizara.audit.observation import Observation, Target
from wizara.audit.rule import judge
from wizara.audit.untrusted import untrusted
from wizara.record.run import Run
from wizara.report.case import Case
from wizara.tree import load, shipped_inventories

MOMENT = datetime(2026, 11, 21, 12, tzinfo=UTC)
RUN = "20261121T120000Z-audit-mps-1f3a"
TITLES = {"fr": "Ministère de la Prospective", "ar": "وزارة الاستشراف", "en": "Ministry of Forecasting"}


def observed(
    kind: str, ip: str | None, data: dict[str, object], port: int | None = None, mac: str | None = None
) -> Observation:
    target = Target(site="hq", ip=ip, port=port, mac=mac, proto=("udp" if port == 161 else "tcp") if port else None)
    return Observation.model_validate(
        {
            "run": RUN,
            "time": MOMENT,
            "collector": kind,
            "vantage": "this computer",
            "target": target,
            "kind": kind,
            "data": data,
        }
    )


def _tables(shown: str, index: int) -> dict[str, object]:
    """A switch whose neighbours, ports and bundles all call themselves *shown*."""
    row = {
        "source": "lldp",
        "port": shown,
        "neighbour": shown,
        "chassis": "",
        "far_port": shown,
        "far_description": shown,
    }
    return {
        "version": "2c", "security": "community", "name": shown, "neighbours": [row], "cut": [],
        "bundles": [{"port": shown, "bundle": shown}],
        "macs": [{"mac": f"02:00:00:00:09:{index:02x}", "port": f"{shown}/2", "vlan": shown}],
        "arp": [{"ip": shown, "mac": f"02:00:00:00:09:{index:02x}"}],
    }  # fmt: skip


def make(texts: list[str]) -> Case:
    """An audit in which a stranger says *texts* wherever a machine can say something."""
    facts = LanFacts(
        site="hq", networks=(IPv4Network("10.20.20.0/24"),), moment=MOMENT.isoformat(),
        hosts=(
            DeclaredHost(name="pc-hq-1", site="hq", lan="office", address="10.20.20.11", mac="52:54:00:20:00:11", role="workstation", services=("tcp/22",)),
            DeclaredHost(name="pc-hq-2", site="hq", lan="office", address="10.20.20.12", role="workstation", services=("tcp/515",)),
        ),
    )  # fmt: skip
    seen = [
        observed(
            "vantage", "10.20.20.250", {"interface": "eth0", "address": "10.20.20.250/24"}, mac="02:00:00:00:02:50"
        ),
        observed("sweep", None, {"network": "10.20.20.0/24", "on_link": True, "asked": 500, "living": 2}),
        observed("host", "10.20.20.11", {"alive": True, "macs": ["52:54:00:20:00:11"]}, mac="52:54:00:20:00:11"),
        observed("ports", "10.20.20.11", {"open": [22], "closed": []}),
        observed("host", "10.20.20.12", {"alive": False, "answer": False}),
    ]
    for index, text in enumerate(texts):
        ip, shown = f"10.20.20.{100 + index}", untrusted(text)
        seen += [
            observed(
                "host", ip, {"alive": True, "macs": [f"02:00:00:00:01:{index:02x}"]}, mac=f"02:00:00:00:01:{index:02x}"
            ),
            observed("telnet", ip, {"negotiates": True, "text": shown}, 23),
            observed("tables", ip, _tables(shown, index), 161),
            observed("snmp", ip, {"community": "public", "description": shown}, 161),
            observed(
                "http", ip, {"status": 401, "title": shown, "password_form": True, "authenticate": f"Basic {shown}"}, 80
            ),
            observed(
                "tls",
                ip,
                {"versions": ["TLSv1.0"], "certificate": {"subject": shown, "not_after": "2025-01-01T00:00:00+00:00"}},
                443,
            ),
        ]
    rules = load("audits.lan.rules").RULES
    verdicts = conclude(judge(rules, seen, facts), (), MOMENT.date())
    record = AuditRecord(
        ministry="mps", title=TITLES, country="DZ", site="hq", site_title={"fr": "Siège", "ar": "المقر", "en": "Headquarters"},
        mandate=read_mandate(shipped_inventories() / "mps" / "mandate.yaml"), mandate_hash="0" * 64, facts=facts, views=(View(vantage="this computer", networks=facts.networks),),
        versions={"wizara": "0.1.0"},
    )  # fmt: skip
    run = Run(
        id=RUN, verb="audit", world="field", ministry="mps", operator="awa", started=MOMENT, ended=MOMENT, exit_code=4
    )
    return Case(run, verdicts, tuple(seen), record)


@pytest.fixture(scope="session")
def hostile() -> list[str]:
    texts: list[str] = json.loads((Path(__file__).parents[2] / "hostile.json").read_text())
    return texts


@pytest.fixture(scope="session")
def case() -> Case:
    return make(["Plain router"])


@pytest.fixture(scope="session")
def hostile_case(hostile: list[str]) -> Case:
    return make(hostile)


@pytest.fixture(scope="session")
def making() -> Callable[[list[str]], Case]:
    return make
