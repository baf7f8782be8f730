"""The matrix of what passes between LANs: what nobody tried says so, and why, in each language."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from wizara.audit.exceptions import conclude
from wizara.audit.facts import DeclaredHost, DeclaredLan
from wizara.audit.observation import Observation, Target
from wizara.audit.rule import judge
from wizara.report.case import Case
from wizara.report.data import data
from wizara.report.document import Table
from wizara.report.segmentation import segmentation
from wizara.report.words import Catalogue, Words
from wizara.tree import load

RULES = load("audits.segmentation.rules").RULES
LANS = ("adm", "office", "servers")


def saw(source: str, target: str, outcome: str, port: int | None = None, *, answer: bool = True) -> Observation:
    told: dict[str, Any] = {
        "purpose": "segmentation",
        "source": source,
        "target": target,
        "name": f"{target}1",
        "outcome": outcome,
    }
    ip = f"10.20.{LANS.index(target) + 1}.10" if port else None
    return Observation.model_validate(
        {"run": "r", "time": datetime(2026, 11, 21, tzinfo=UTC), "collector": "segmentation", "vantage": "v", "kind": "reachability",
         "data": told | ({} if answer else {"answer": False}), "target": Target(site="hq", ip=ip, port=port, proto="tcp" if port else None)}
    )  # fmt: skip


@pytest.fixture
def cells(case: Case) -> Case:
    """A gateway looked from two LANs; from the office something passes, and one machine was excluded."""
    lans = tuple(DeclaredLan(name=name, network=f"10.20.{at}.0/24") for at, name in enumerate(LANS, 1))  # type: ignore[arg-type]
    hosts = tuple(
        DeclaredHost(name=f"{name}1", site="hq", lan=name, address=f"10.20.{at}.10", role="server", services=("tcp/22",))  # type: ignore[arg-type]
        for at, name in enumerate(LANS, 1)
    )  # fmt: skip
    facts = case.audit.facts.model_copy(update={"lans": lans, "hosts": hosts, "segmentation": True})
    seen = (
        saw("adm", "servers", "stands-in-both", answer=False), saw("office", "servers", "open", 22),
        saw("office", "servers", "silent", 9), saw("office", "servers", "outside-perimeter", 80, answer=False),
    )  # fmt: skip
    verdicts = conclude(judge(RULES, seen, facts), (), case.run.started.date())
    return replace(case, verdicts=verdicts, observations=seen, audit=case.audit.model_copy(update={"facts": facts}))


@pytest.mark.parametrize(
    ("language", "both", "passes"),
    [
        ("en", "not tested (whoever looked stands in both networks: what it sends does not pass between them)", "1 passes undeclared"),
        ("fr", "non essayé (le point de vue se trouve dans les deux réseaux", "1 "),
        ("ar", "من نظر يقف في الشبكتين معا", ""),
    ],
)  # fmt: skip
def test_what_nobody_tried_says_why(cells: Case, language: str, both: str, passes: str) -> None:
    section = segmentation(cells, Words(language, "DZ"), Catalogue(language))
    (table,) = [one for one in section.blocks if isinstance(one, Table)]
    shown = {(LANS[row], LANS[column - 1]): "".join(span.text for span in cell)
             for row, line in enumerate(table.rows) for column, cell in enumerate(line) if column}  # fmt: skip
    assert both in shown["adm", "servers"]
    assert shown["adm", "adm"] == "–"
    assert passes in shown["office", "servers"]
    if language == "en":
        assert shown["office", "servers"] == "1 passes undeclared; 1 nothing listens; 1 not tested"
        assert shown["servers", "adm"] == "not tested (no connection was tried between these networks)"


def test_the_reasons_are_in_the_file_for_programs(cells: Case) -> None:
    told = {(one.subject.asset, one.subject.service): one.reason for one in data(cells, "en").unknown}
    assert told["hq/adm/servers", None] == "stands-in-both"
    assert told["hq/servers/adm", None] == "not-tested"
    assert told["hq/office/servers/servers1", "tcp/80"] == "outside-perimeter"
