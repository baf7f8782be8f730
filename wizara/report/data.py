"""The report as JSON for other programs: everything that was seen and said; keys are never translated."""

from __future__ import annotations

from typing import Literal

from wizara.audit.cvss import Severity, base_score
from wizara.audit.job import AuditRecord
from wizara.audit.observation import Observation
from wizara.audit.verdict import Finding, Past, Subject, Verdict
from wizara.record.run import Record, Run
from wizara.report.cables import CableData, PortData, cable_data, port_data
from wizara.report.case import Case
from wizara.report.comparison import lists
from wizara.report.findings import details
from wizara.report.words import Catalogue, Words


class FindingData(Record):
    """One finding."""

    id: str
    fingerprint: str
    rule: str
    severity: Severity
    score: float
    cvss: str
    status: Literal["new", "open", "regressed", "accepted"]
    accepted_until: str | None
    subject: Subject
    title: str
    seen: str
    risk: str
    remedy: str
    commands: str = ""
    """What mends it, in the device's own syntax; a line each."""
    evidence: tuple[str, ...]


class ReportData(Record):
    """The whole report."""

    format: Literal["wizara-report/1"] = "wizara-report/1"
    language: str
    run: Run
    audit: AuditRecord
    evidence_hash: str
    counts: dict[Severity, int]
    findings: tuple[FindingData, ...]
    past: tuple[Past, ...] = ()
    """What an earlier audit found and this one did not: mended, or not seen."""
    declared_found: dict[str, tuple[str, ...]]
    """Ids of the findings that are ``undeclared``, ``missing`` and ``different`` machines."""
    cables: tuple[CableData, ...] = ()
    """The cables between devices, each once."""
    ports: tuple[PortData, ...] = ()
    """The machines at the ports of switches."""
    proofs: tuple[Verdict, ...]
    unknown: tuple[Verdict, ...]
    observations: tuple[Observation, ...]


def data(case: Case, language: str) -> ReportData:
    """Return the report of *case* with its texts in *language*."""
    catalogue, words = Catalogue(language), Words(language, case.audit.country)
    return ReportData(
        language=language,
        run=case.run,
        audit=case.audit,
        evidence_hash=case.evidence_hash,
        counts=case.counts,
        findings=tuple(finding(one, catalogue, words) for one in case.findings),
        past=case.verdicts.past,
        declared_found={name: tuple(one.id for one in found) for name, found in lists(case).items()},
        cables=cable_data(case),
        ports=port_data(case),
        proofs=tuple(one.verdict for one in case.verdicts.proofs),
        unknown=case.unknown,
        observations=case.observations,
    )


def finding(one: Finding, catalogue: Catalogue, words: Words) -> FindingData:
    """Return *one* with its texts."""
    verdict, text = one.verdict, catalogue.rules[one.verdict.rule]
    return FindingData(
        id=one.id,
        fingerprint=one.fingerprint,
        rule=verdict.rule,
        severity=verdict.severity,
        score=base_score(verdict.cvss),
        cvss=verdict.cvss,
        status=one.status,
        accepted_until=one.accepted_until,
        subject=verdict.subject,
        title=text.title,
        seen="".join(span.text for span in words.fill(text.found(verdict.details), details(verdict, words))),
        risk=text.risk,
        remedy=text.remedy,
        commands=verdict.details.get("commands", ""),
        evidence=verdict.evidence,
    )
