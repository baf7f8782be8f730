"""The pure half of an audit: text gate, scores, ids, verdicts, accepted risks."""

from __future__ import annotations

import json
import unicodedata
from datetime import UTC, date, datetime
from pathlib import Path
from types import ModuleType

import pytest
from pydantic import ValidationError

from wizara.audit.baseline import Baseline
from wizara.audit.cvss import base_score, severity
from wizara.audit.exceptions import Exemption, conclude
from wizara.audit.observation import Observation, Target
from wizara.audit.rule import broken, judge, rule, rules_of
from wizara.audit.untrusted import CAP, untrusted
from wizara.audit.verdict import Subject, Verdict

HOSTILE: list[str] = json.loads((Path(__file__).parents[2] / "hostile.json").read_text())
MOMENT = datetime(2026, 11, 21, 12, tzinfo=UTC)


def test_the_corpus_is_large_enough() -> None:
    assert len(set(HOSTILE)) >= 60


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_no_hidden_character_passes_the_gate(text: str) -> None:
    shown = untrusted(text)
    assert not [c for c in shown if unicodedata.category(c) in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}]
    assert shown == untrusted(shown) or len(text.encode("utf-8", "surrogatepass")) > CAP
    assert len(shown) <= 8 * CAP


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        (b"\x1b[31m", r"\x1b[31m"),
        (b"\xff\xfe", "\ufffd\ufffd"),
        ("\u202eabc", r"\u{202e}abc"),
        ("e\u0301", "é"),
        (b"SSH-2.0-x\r\n", "SSH-2.0-x"),
        ("مرحبا", "مرحبا"),
    ],
)
def test_hidden_characters_are_shown_and_readable_text_stays(raw: bytes | str, shown: str) -> None:
    assert untrusted(raw) == shown


def test_of_a_flood_the_length_and_hash_of_the_rest_are_kept() -> None:
    assert untrusted(b"A" * 5000).startswith("A" * CAP + " …[+904 bytes sha256:")
    assert untrusted(b"A" * 5000) != untrusted(b"A" * 4999 + b"B")


@pytest.mark.parametrize(
    ("vector", "score", "band"),
    [
        ("AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", 9.8, "critical"),
        ("AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N", 6.1, "medium"),
        ("AV:L/AC:L/PR:L/UI:N/S:C/C:H/I:H/A:H", 8.8, "high"),
        ("AV:N/AC:H/PR:N/UI:R/S:U/C:L/I:N/A:N", 3.1, "low"),
        ("AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N", 0.0, "info"),
        ("AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H", 10.0, "critical"),
        ("AV:P/AC:H/PR:H/UI:R/S:U/C:L/I:L/A:L", 3.5, "low"),
    ],
)
def test_scores_are_those_of_first_s_calculator(vector: str, score: float, band: str) -> None:
    assert base_score(f"CVSS:3.1/{vector}") == score
    assert severity(f"CVSS:3.1/{vector}") == band


@pytest.mark.parametrize("vector", ["", "CVSS:3.0/AV:N", "CVSS:3.1/AV:X/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"])
def test_what_is_no_vector_is_refused(vector: str) -> None:
    with pytest.raises(ValueError, match="CVSS"):
        base_score(vector)


def seen(**data: object) -> Observation:
    return Observation.model_validate(
        {
            "run": "r",
            "time": MOMENT,
            "collector": "c",
            "vantage": "v",
            "target": Target(ip="10.0.0.1"),
            "kind": "host",
            "data": data,
        }
    )


def test_an_observation_s_id_is_the_hash_of_its_content() -> None:
    one = seen(alive=True)
    assert one.id == seen(alive=True).id != seen(alive=False).id
    assert Observation.model_validate_json(one.model_dump_json()) == one


def test_a_flipped_byte_changes_the_id_on_reading() -> None:
    one = seen(mac="aa")
    assert Observation.model_validate_json(one.model_dump_json().replace('"aa"', '"ab"')).id != one.id


def verdict(**changes: object) -> Verdict:
    base = {
        "rule": "X-001",
        "scope": "found",
        "outcome": "broken",
        "subject": Subject(asset="hq/pc", ip="10.0.0.1"),
        "severity": "high",
        "cvss": "v",
    }
    return Verdict.model_validate(base | changes)


@pytest.mark.parametrize(
    "changes", [{"details": {"version": "2"}}, {"evidence": ("a",)}, {"subject": Subject(asset="hq/pc", ip="10.0.0.9")}]
)
def test_a_fingerprint_survives_versions_evidence_and_a_new_address(changes: dict[str, object]) -> None:
    assert verdict(**changes).fingerprint == verdict().fingerprint


@pytest.mark.parametrize(
    "changes",
    [
        {"rule": "X-002"},
        {"subject": Subject(asset="hq/other")},
        {"subject": Subject(asset="hq/pc", service="tcp/1")},
        {"discriminator": "d"},
    ],
)
def test_a_fingerprint_tells_findings_apart(changes: dict[str, object]) -> None:
    assert verdict(**changes).fingerprint != verdict().fingerprint


def exemption(**changes: object) -> Exemption:
    base = {
        "fingerprint": verdict().fingerprint[:8],
        "reason": "old",
        "owner": "dsi",
        "accepted": "2026-01-01",
        "expires": "2026-12-31",
    }
    return Exemption.model_validate(base | changes)


@pytest.mark.parametrize(
    ("day", "baseline", "status"),
    [
        (date(2026, 6, 1), None, "accepted"),
        (date(2027, 1, 1), None, "new"),
        (date(2027, 1, 1), Baseline({verdict().fingerprint: verdict()}, {}), "open"),
    ],
)
def test_an_accepted_risk_opens_again_when_it_expires(day: date, baseline: Baseline | None, status: str) -> None:
    assert conclude((verdict(),), [exemption()], day, baseline).findings[0].status == status


def test_a_far_day_of_acceptance_is_no_fault_of_the_calendar() -> None:
    far = {"fingerprint": "a" * 8, "reason": "x", "owner": "y", "accepted": "9999-01-01", "expires": "9999-12-31"}
    assert Exemption.model_validate(far).expires.year == 9999


@pytest.mark.parametrize(
    "changes",
    [{"expires": None}, {"expires": "2028-01-01"}, {"expires": "2025-01-01"}, {"owner": ""}, {"fingerprint": "ab"}],
)
def test_an_exception_without_end_owner_or_aim_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        exemption(**changes)


def test_rules_of_one_scope_can_be_judged_alone() -> None:
    vector = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"
    found = rule("A-1", kinds=("host",), cvss=vector)(lambda _seen, facts: [broken(Subject(asset=facts), [])])
    declared = rule("A-2", kinds=("host",), cvss=vector, scope="declared")(
        lambda _seen, facts: [broken(Subject(asset=facts), [])]
    )
    verdicts = judge([found, declared], [], "pc", scope="declared")
    assert [(one.rule, one.severity, one.scope) for one in verdicts] == [("A-2", "critical", "declared")]


def test_two_rules_with_one_id_are_refused() -> None:
    module = ModuleType("m")
    vector = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"
    module.a = rule("A-1", kinds=(), cvss=vector)(lambda _seen, _facts: [])
    module.b = rule("A-1", kinds=(), cvss=vector)(lambda _seen, _facts: [])
    with pytest.raises(ValueError, match="share an id"):
        rules_of(module)
