"""The report of a verification for other programs: as JSON, and as a table for a spreadsheet; keys are never translated."""

from __future__ import annotations

from typing import Literal

from wizara.audit.observation import Observation
from wizara.audit.promises import Verification
from wizara.audit.verdict import Outcome, Subject, Verdict
from wizara.record.run import Record, Run
from wizara.report.case import Proofs
from wizara.report.findings import details
from wizara.report.proofs import SUBJECTS, topics
from wizara.report.tables import sheet
from wizara.report.words import Catalogue, Words

HEADERS = ("outcome", "topic", "rule", "promise", "asset", "name", "service", "seen", "reason", "remedy", "id")


class PromiseData(Record):
    """One promise about one subject."""

    id: str
    rule: str
    topic: str
    """The audit subject the rule belongs to: node, names, intranet, mail."""
    outcome: Outcome
    subject: Subject
    promise: str
    seen: str | None = None
    """What was seen instead, when it is broken."""
    reason: str | None = None
    """Why it is unknown."""
    remedy: str | None = None
    proves: str
    does_not_prove: str
    evidence: tuple[str, ...]


class ProofData(Record):
    """The whole report."""

    format: Literal["wizara-verification/1"] = "wizara-verification/1"
    language: str
    run: Run
    verification: Verification
    evidence_hash: str
    counts: dict[Outcome, int]
    promises: tuple[PromiseData, ...]
    observations: tuple[Observation, ...]


def promise(verdict: Verdict, topic: str, texts: Catalogue, words: Words) -> PromiseData:
    """Return *verdict* with its texts."""
    text = texts.rules[verdict.rule]
    is_broken = verdict.outcome == "broken"
    seen = "".join(span.text for span in words.fill(text.found(verdict.details), details(verdict, words)))
    return PromiseData(
        id=verdict.id, rule=verdict.rule, topic=topic, outcome=verdict.outcome, subject=verdict.subject,
        promise=text.promise, seen=seen if is_broken else None,
        reason=texts.reasons[verdict.reason] if verdict.reason else None, remedy=text.remedy if is_broken else None,
        proves=text.proves, does_not_prove=text.limits, evidence=verdict.evidence,
    )  # fmt: skip


def count(promises: tuple[PromiseData, ...]) -> dict[Outcome, int]:
    """Return how many of *promises* came out how; none is a number too."""
    counts: dict[Outcome, int] = {"holds": 0, "broken": 0, "unknown": 0}
    for one in promises:
        counts[one.outcome] += 1
    return counts


def data(case: Proofs, language: str) -> ProofData:
    """Return the report of *case* with its texts in *language*."""
    promises = _promises(case, language)
    return ProofData(
        language=language, run=case.run, verification=case.verification, evidence_hash=case.evidence_hash,
        counts=count(promises), promises=promises, observations=case.observations,
    )  # fmt: skip


def table(case: Proofs, language: str) -> bytes:
    """Return the promises, a row each."""
    rows = (
        (one.outcome, one.topic, one.rule, one.promise, one.subject.asset, one.subject.name, one.subject.service or "",
         one.seen or "", one.reason or "", one.remedy or "", one.id)
        for one in _promises(case, language)
    )  # fmt: skip
    return sheet(HEADERS, rows)


def _promises(case: Proofs, language: str) -> tuple[PromiseData, ...]:
    texts, words, topic = Catalogue(language, SUBJECTS), Words(language, case.verification.country), topics(language)
    return tuple(promise(one, topic[one.rule], texts, words) for one in case.verdicts.verdicts)
