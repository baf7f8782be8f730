"""The findings as SARIF 2.1.0 (OASIS), for programs that follow findings: lines of configurations, or machines and services."""

from __future__ import annotations

import json
import re
from urllib.parse import quote

from pydantic import JsonValue

from wizara import __version__
from wizara.audit.cvss import base_score
from wizara.audit.verdict import Finding, Past, Verdict
from wizara.report.case import Case
from wizara.report.data import finding as told
from wizara.report.words import Catalogue, Words

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
Object = dict[str, JsonValue]
_LEVELS = {"critical": "error", "high": "error", "medium": "warning", "low": "note", "info": "note"}
_STATES = {"new": "new", "open": "unchanged", "regressed": "updated", "accepted": "unchanged"}
_LINE = re.compile(r"(?:^|; )(\d{1,6}): ")


def sarif(case: Case, language: str) -> bytes:
    """Return one run with a result for each finding (§3.27), and one that is ``absent`` for each that was mended."""
    catalogue, words = Catalogue(language), Words(language, case.audit.country)
    results: list[JsonValue] = [_result(case, one, catalogue, words) for one in case.findings]
    results += [_absent(one, catalogue) for one in case.verdicts.past if one.status == "fixed" and not one.earlier]
    vectors = {one.verdict.rule: one.verdict.cvss for one in case.verdicts.past}
    vectors |= {one.verdict.rule: one.verdict.cvss for one in case.findings}
    driver: Object = {
        "name": "wizara", "version": __version__, "semanticVersion": __version__, "language": language,
        "rules": [_rule(name, vectors[name], catalogue) for name in sorted(vectors) if name in catalogue.rules],
    }  # fmt: skip
    run: Object = {
        "tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "language": language,
        "automationDetails": {"id": f"{case.run.ministry}/{case.run.id}"},
        "invocations": [_invocation(case)], "results": results,
    }  # fmt: skip
    log: Object = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(log, ensure_ascii=False, indent=2).encode() + b"\n"


def _rule(name: str, vector: str, catalogue: Catalogue) -> Object:
    text = catalogue.rules[name]
    return {
        "id": name, "shortDescription": {"text": text.title}, "fullDescription": {"text": text.risk},
        "help": {"text": text.remedy},
        "properties": {"security-severity": f"{base_score(vector):.1f}", "cvss": vector},
    }  # fmt: skip


def _invocation(case: Case) -> Object:
    told: Object = {"executionSuccessful": True, "startTimeUtc": f"{case.run.started:%Y-%m-%dT%H:%M:%SZ}"}
    return told | ({"endTimeUtc": f"{case.run.ended:%Y-%m-%dT%H:%M:%SZ}"} if case.run.ended else {})


def _result(case: Case, one: Finding, catalogue: Catalogue, words: Words) -> Object:
    texts = told(one, catalogue, words)
    result: Object = {
        "ruleId": one.verdict.rule, "level": _LEVELS[one.verdict.severity], "kind": "fail",
        "message": {"text": f"{texts.title}. {texts.seen}"}, "baselineState": _STATES[one.status],
        "partialFingerprints": {"wizara/v1": one.fingerprint}, "locations": _locations(case, one.verdict),
        "properties": {"id": one.id, "severity": one.verdict.severity, "status": one.status, "commands": texts.commands},
    }  # fmt: skip
    if one.status == "accepted":
        result["suppressions"] = [{"kind": "external", "status": "accepted"}]
    return result


def _absent(one: Past, catalogue: Catalogue) -> Object:
    title = catalogue.rules[one.verdict.rule].title if one.verdict.rule in catalogue.rules else one.verdict.rule
    return {
        "ruleId": one.verdict.rule, "level": "none", "kind": "pass", "message": {"text": title},
        "baselineState": "absent", "partialFingerprints": {"wizara/v1": one.fingerprint},
    }  # fmt: skip


def _locations(case: Case, verdict: Verdict) -> list[JsonValue]:
    """Return the lines of an exported file, or the machine and service as a logical location (§3.33)."""
    file = next((case.by_id[one].text("file") for one in verdict.evidence if one in case.by_id), "")
    if file:
        numbers = [int(number) for number in _LINE.findall(verdict.details.get("line", ""))] or [1]
        artifact: Object = {"uri": quote(file, safe="/")}
        return [{"physicalLocation": {"artifactLocation": artifact, "region": {"startLine": at}}} for at in numbers]
    subject = verdict.subject
    parts = [part for part in (subject.asset, subject.ip, subject.service) if part]
    return [
        {
            "logicalLocations": [
                {
                    "name": subject.name or subject.ip or subject.asset,
                    "fullyQualifiedName": " ".join(parts),
                    "kind": "resource",
                }
            ]
        }
    ]
