"""Finds the audit that another is compared with."""

from __future__ import annotations

from collections.abc import Iterator

from wizara.audit.baseline import Baseline
from wizara.audit.job import AuditRecord
from wizara.audit.verdict import Verdicts
from wizara.errors import UsageFault
from wizara.record.folder import RunFolder
from wizara.report.case import AUDIT, VERDICTS


def baseline(folder: RunFolder, record: AuditRecord | None, named: str | None) -> Baseline | None:
    """Return what the audit that was *named* found, or else the last one of the same networks that came to its end."""
    if named:
        return Baseline.of(RunFolder.open(folder.path.parent, named).read(VERDICTS, Verdicts))
    for earlier in earlier_audits(folder):
        if record and earlier.read(AUDIT, AuditRecord).facts.networks == record.facts.networks:
            return Baseline.of(earlier.read(VERDICTS, Verdicts))
    return None


def earlier_audits(own: RunFolder) -> Iterator[RunFolder]:
    """Yield the audits of the same ministry that came to their verdicts before *own* began, the newest first."""
    found = []
    for path in own.path.parent.glob(f"*-audit-{own.run.ministry}-*"):
        if path != own.path and (path / VERDICTS).is_file() and (path / AUDIT).is_file():
            try:
                earlier = RunFolder.open(own.path.parent, path.name)
                earlier.read(AUDIT, AuditRecord)
                earlier.read(VERDICTS, Verdicts)
            except UsageFault:
                continue  # damaged, or of another version of wizara: it must not cost this audit
            found += [earlier] if earlier.run.started < own.run.started else []
    yield from sorted(found, key=lambda one: one.run.started, reverse=True)
