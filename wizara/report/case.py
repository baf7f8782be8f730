"""Everything an audit or a verification left in its run folder, read back and put in order for a report."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from wizara.audit.cvss import SEVERITIES, Severity, base_score
from wizara.audit.job import AuditRecord
from wizara.audit.observation import Observation, Seen
from wizara.audit.promises import Verification
from wizara.audit.verdict import Finding, Verdict, Verdicts
from wizara.record.folder import RunFolder
from wizara.record.run import Run
from wizara.tree import load

OBSERVATIONS, VERDICTS, AUDIT, VERIFICATION = "observations.jsonl", "verdicts.json", "audit.json", "verification.json"


@dataclass(frozen=True)
class Judged:
    """A run that came to its verdicts."""

    run: Run
    verdicts: Verdicts
    observations: tuple[Observation, ...]

    @cached_property
    def seen(self) -> Seen:
        """The observations, searchable."""
        return Seen(self.observations)

    @cached_property
    def by_id(self) -> dict[str, Observation]:
        """Observation id → observation."""
        return {one.id: one for one in self.observations}

    @cached_property
    def findings(self) -> tuple[Finding, ...]:
        """Findings, worst first; accepted ones last."""
        return tuple(sorted(self.verdicts.findings, key=_order))

    @property
    def pending(self) -> tuple[Finding, ...]:
        """Findings that nobody accepted."""
        return tuple(one for one in self.findings if one.status != "accepted")

    @property
    def counts(self) -> dict[Severity, int]:
        """Pending findings by severity, worst first."""
        found = Counter(one.verdict.severity for one in self.pending)
        return {name: found[name] for name in SEVERITIES}

    @property
    def unknown(self) -> tuple[Verdict, ...]:
        """What could not be judged."""
        return self.verdicts.unknown

    @cached_property
    def evidence_hash(self) -> str:
        """SHA-256 over the ids of all observations, in order: one flipped byte changes it."""
        return hashlib.sha256("".join(one.id for one in self.observations).encode()).hexdigest()


@dataclass(frozen=True)
class Case(Judged):
    """A finished audit."""

    audit: AuditRecord

    @cached_property
    def topology(self) -> Any:
        """The cables, as the devices told of them (``audits.devices.topology.Topology``)."""
        return load("audits.devices.topology").topology(self.seen, self.audit.facts)


@dataclass(frozen=True)
class Proofs(Judged):
    """A finished verification."""

    verification: Verification


def _order(finding: Finding) -> tuple[bool, int, float, str]:
    verdict = finding.verdict
    return finding.status == "accepted", SEVERITIES.index(verdict.severity), -base_score(verdict.cvss), finding.id


def read_case(folder: RunFolder) -> Case:
    """Read the audit in *folder*; UsageFault when it holds none or is damaged."""
    return Case(
        folder.run,
        folder.read(VERDICTS, Verdicts),
        tuple(folder.read_lines(OBSERVATIONS, Observation)),
        folder.read(AUDIT, AuditRecord),
    )


def read_proofs(folder: RunFolder) -> Proofs:
    """Read the verification in *folder*; UsageFault when it holds none or is damaged."""
    return Proofs(
        folder.run,
        folder.read(VERDICTS, Verdicts),
        tuple(folder.read_lines(OBSERVATIONS, Observation)),
        folder.read(VERIFICATION, Verification),
    )
