"""Accepted risks: ``exceptions.yaml`` beside the inventory, each with an owner, a reason and a last day."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path

from pydantic import Field, RootModel, model_validator

from wizara.audit.baseline import Baseline, Looked, past
from wizara.audit.verdict import Finding, Verdict, Verdicts
from wizara.audit.yaml_text import read_text, validated
from wizara.inventory.types import Line, Model

LONGEST = timedelta(days=366)


class Exemption(Model):
    """One accepted risk. ``fingerprint`` is that of the finding, whole or at least its first 8 hex digits."""

    fingerprint: str = Field(pattern=r"^[0-9a-f]{8,64}$")
    reason: Line
    owner: Line
    accepted: date
    expires: date

    @model_validator(mode="after")
    def _ends(self) -> Exemption:
        if not self.accepted < self.expires <= self.accepted + LONGEST:
            raise ValueError("'expires' should be after 'accepted', by at most a year")
        return self

    def covers(self, verdict: Verdict, day: date) -> bool:
        """Say whether *verdict* is accepted on *day*."""
        return verdict.fingerprint.startswith(self.fingerprint) and self.accepted <= day <= self.expires


class Exemptions(RootModel[tuple[Exemption, ...]]):
    """The whole file."""


def read_exemptions(path: Path) -> tuple[Exemption, ...]:
    """Return the accepted risks in *path*; none when it is not there."""
    return validated(read_text(path), Exemptions, path).root if path.is_file() else ()


def conclude(
    verdicts: tuple[Verdict, ...], exemptions: Iterable[Exemption], day: date, baseline: Baseline | None = None,
    looked: Looked | None = None,
) -> Verdicts:  # fmt: skip
    """Make findings of the broken *verdicts*: accepted, or what they are beside *baseline*, of which the rest is past."""
    known, beside = tuple(exemptions), baseline or Baseline({}, {})
    findings = tuple(_finding(one, known, day, beside) for one in verdicts if one.outcome == "broken")
    here = frozenset(one.fingerprint for one in findings)
    gone = past(beside, looked or Looked((), verdicts, ()), here)
    return Verdicts(verdicts=verdicts, findings=findings, past=tuple(gone))


def _finding(verdict: Verdict, exemptions: tuple[Exemption, ...], day: date, baseline: Baseline) -> Finding:
    accepted = next((one for one in exemptions if one.covers(verdict, day)), None)
    until = accepted.expires.isoformat() if accepted else None
    return Finding.model_validate(
        {
            "id": verdict.id,
            "fingerprint": verdict.fingerprint,
            "verdict": verdict,
            "status": "accepted" if accepted else baseline.status(verdict),
            "accepted_until": until,
        }
    )
