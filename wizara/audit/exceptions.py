"""Accepted risks: ``exceptions.yaml`` beside the inventory, each with an owner, a reason and a last day."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, RootModel, ValidationInfo, field_validator

from wizara.audit.baseline import Baseline, Looked, past
from wizara.audit.verdict import Finding, Verdict, Verdicts
from wizara.errors import InventoryFaults, UsageFault
from wizara.inventory.document import Document, parse
from wizara.inventory.file import fitted
from wizara.inventory.reading import read, shown
from wizara.inventory.types import Line, Model
from wizara.text import N_, _

LONGEST = timedelta(days=366)
_SHORTEST = 8
"""Digits of a fingerprint that are given at least."""


def _hex(value: str) -> str:
    if not re.fullmatch(r"[0-9a-f]{8,64}", value):
        raise ValueError(N_("should be 8 to 64 of 0-9 and a-f, as the finding's fingerprint begins"))
    return value


class Exemption(Model):
    """One accepted risk. ``fingerprint`` is that of the finding, whole or at least its first 8 hex digits."""

    fingerprint: Annotated[str, AfterValidator(_hex)]
    reason: Line
    owner: Line
    accepted: date
    expires: date

    @field_validator("expires")
    @classmethod
    def _ends(cls, value: date, info: ValidationInfo) -> date:
        accepted = info.data.get("accepted")
        if accepted and not timedelta(0) < value - accepted <= LONGEST:
            raise ValueError(N_("should be after 'accepted', by at most a year"))
        return value

    def covers(self, verdict: Verdict, day: date) -> bool:
        """Say whether *verdict* is accepted on *day*."""
        return verdict.fingerprint.startswith(self.fingerprint) and self.accepted <= day <= self.expires


class Exemptions(RootModel[tuple[Exemption, ...]]):
    """The whole file."""


def read_exemptions(path: Path) -> tuple[Exemption, ...]:
    """Return the accepted risks in *path*; none when it is not there, InventoryFaults with every fault of it."""
    if not os.path.lexists(path):
        return ()
    document = parse(read(path, path.parent), shown(path))
    exemptions = fitted(document, Exemptions).root
    faults = [*_twice(exemptions, document)]
    if faults:
        raise InventoryFaults(faults)
    return exemptions


def _twice(exemptions: tuple[Exemption, ...], document: Document) -> Iterator[UsageFault]:
    """Yield a fault for each finding that was accepted before: of two entries nobody could say which one holds."""
    before: dict[str, list[int]] = {}
    for number, one in enumerate(exemptions):
        alike = before.setdefault(one.fingerprint[:_SHORTEST], [])
        first = next((other for other in alike if _same(exemptions[other].fingerprint, one.fingerprint)), None)
        if first is None:
            alike.append(number)
            continue
        words = _("the finding '{fingerprint}' is accepted here a second time, first in line {line}")
        line = document.at((first, "fingerprint")).line
        yield UsageFault(
            words.format(fingerprint=one.fingerprint, line=line),
            place=document.at((number, "fingerprint"), f"[{number}].fingerprint"),
            hint=_("keep one of the two, and write the later day into it"),
        )


def _same(one: str, other: str) -> bool:
    """Say whether two fingerprints may be of one finding: the shorter is the beginning of the longer."""
    return one.startswith(other) or other.startswith(one)


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
