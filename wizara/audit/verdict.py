"""What a rule says of a subject: it holds, it is broken, or it is unknown; and the finding or proof that follows."""

from __future__ import annotations

import hashlib
from typing import Literal

from pydantic import Field

from wizara.audit.cvss import Severity
from wizara.record.run import Record

Outcome = Literal["holds", "broken", "unknown"]
Scope = Literal["declared", "found"]


class Subject(Record):
    """What a verdict is about: a machine and, where it applies, a service of it."""

    asset: str
    """Stable key: the declared name, else the MAC, else ``site/address``; survives a change of address where it can."""
    name: str = ""
    """What a person calls it."""
    ip: str | None = None
    mac: str | None = None
    service: str | None = None
    """``tcp/23``."""


class Verdict(Record):
    """One rule's word on one subject, with the observations it rests on."""

    rule: str
    scope: Scope
    outcome: Outcome
    subject: Subject
    severity: Severity
    cvss: str
    evidence: tuple[str, ...] = ()
    """Ids of observations."""
    details: dict[str, str] = Field(default_factory=dict)
    """Named values for the rule's text."""
    reason: str | None = None
    """Why it is unknown: a key of the catalogue's ``[reasons]``."""
    discriminator: str = ""
    """Tells two findings of one rule on one service apart (a community, an algorithm class)."""

    @property
    def fingerprint(self) -> str:
        """Identity across runs: no text, version, address of a named asset, or time is in it."""
        key = "\0".join((self.rule, self.subject.asset, self.subject.service or "", self.discriminator))
        return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()

    @property
    def id(self) -> str:
        """The short name a person uses: rule and the head of the fingerprint."""
        return f"{self.rule}-{self.fingerprint[:8]}"


class Finding(Record):
    """A broken verdict, and whether somebody answers for it."""

    id: str
    fingerprint: str
    verdict: Verdict
    status: Literal["new", "open", "regressed", "accepted"] = "new"
    """``open`` was found before, ``regressed`` was mended in between."""
    accepted_until: str | None = None


class Past(Record):
    """A finding of an earlier audit that is none of this one."""

    id: str
    fingerprint: str
    verdict: Verdict
    """As it was then."""
    status: Literal["fixed", "unknown"]
    """``fixed`` rests on evidence of this audit; what could not be seen is ``unknown``, and never mended."""
    earlier: bool = False
    """True when it was mended before this audit already; kept to notice its return."""


class Proof(Record):
    """A declared promise that holds."""

    verdict: Verdict


class Verdicts(Record):
    """``verdicts.json``: everything the rules said in one run."""

    verdicts: tuple[Verdict, ...]
    findings: tuple[Finding, ...]
    past: tuple[Past, ...] = ()
    """What the audit before found and this one did not."""

    @property
    def proofs(self) -> tuple[Proof, ...]:
        """The declared promises that hold."""
        return tuple(Proof(verdict=one) for one in self.verdicts if one.outcome == "holds" and one.scope == "declared")

    @property
    def unknown(self) -> tuple[Verdict, ...]:
        """What could not be judged."""
        return tuple(one for one in self.verdicts if one.outcome == "unknown")
