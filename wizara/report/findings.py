"""The block of one finding: what, where, why it matters, what to do, and the observations it rests on."""

from __future__ import annotations

import json
import re
from datetime import date

from wizara.audit.cvss import base_score
from wizara.audit.observation import Observation
from wizara.audit.verdict import Finding, Subject, Verdict
from wizara.report.case import Judged
from wizara.report.document import Evidence, FindingBlock, Inline
from wizara.report.words import Catalogue, Words, latin
from wizara.text import N_

STATUS = {"new": N_("new"), "open": N_("already known"), "regressed": N_("back again"), "accepted": N_("accepted risk")}
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
MOST_EVIDENCE = 3
MOST_CHARACTERS = 700
"""Of one observation on paper; the JSON report holds it whole."""


def where(subject: Subject) -> Inline:
    """Return name, address and service of *subject*."""
    parts = (subject.name, subject.ip or "", subject.service or "")
    return latin(" · ".join(part for part in parts if part) or subject.asset)


def block(case: Judged, finding: Finding, words: Words, catalogue: Catalogue, severity_word: str) -> FindingBlock:
    """Return *finding* in the language of *words*."""
    verdict, text = finding.verdict, catalogue.rules[finding.verdict.rule]
    status = words.say(STATUS[finding.status])
    fields = (
        (words.say("Where"), where(verdict.subject)),
        (words.say("Seen"), words.fill(text.found(verdict.details), details(verdict, words))),
        (words.say("Risk"), words.prose(text.risk)),
        (words.say("Remedy"), words.prose(text.remedy)),
    )
    seen = [case.by_id[one] for one in verdict.evidence if one in case.by_id][:MOST_EVIDENCE]
    return FindingBlock(
        id=finding.id,
        severity=verdict.severity,
        word=severity_word,
        score=f"{base_score(verdict.cvss):.1f}",
        cvss=verdict.cvss,
        status=f"{status} ({finding.accepted_until})" if finding.accepted_until else status,
        title=text.title,
        fields=fields,
        commands_word=words.say("Commands for the device"),
        commands=verdict.details.get("commands", ""),
        evidence_word=words.say("Evidence"),
        evidence=tuple(_evidence(one) for one in seen),
    )


def details(verdict: Verdict, words: Words) -> dict[str, str | Inline]:
    """Return the details of *verdict*; days are written as they are in the language."""
    return {
        name: words.day(date.fromisoformat(value)) if _DAY.fullmatch(value) else value
        for name, value in verdict.details.items()
    }


def _evidence(one: Observation) -> Evidence:
    target = " ".join(part for part in (one.target.ip or "", one.target.service or "") if part)
    content = json.dumps(one.data, ensure_ascii=False, sort_keys=True)
    cut = content if len(content) <= MOST_CHARACTERS else content[:MOST_CHARACTERS] + " …"
    return Evidence(
        id=one.id[:12],
        head=latin(f"{one.id[:12]} · {one.collector} · {target} · {one.time:%Y-%m-%d %H:%M:%S} UTC"),
        content=cut,
    )
