"""The findings as CSV that a spreadsheet opens and never computes."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator

from wizara.audit.cvss import base_score
from wizara.report.case import Case
from wizara.report.words import Catalogue

HEADERS = (
    "id",
    "severity",
    "score",
    "status",
    "rule",
    "title",
    "asset",
    "name",
    "ip",
    "mac",
    "service",
    "seen",
    "risk",
    "remedy",
    "cvss",
    "fingerprint",
    "commands",
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%", "＝", "＋", "－", "＠")


def inert(value: str) -> str:
    """Return *value* so that no spreadsheet reads it as a formula: an apostrophe before what could begin one."""
    return f"'{value}" if value.lstrip(" \u00a0\u3000'\"").startswith(_FORMULA) or value.startswith(_FORMULA) else value


def table(case: Case, language: str) -> bytes:
    """Return the findings, a row each."""
    return sheet(HEADERS, _rows(case, Catalogue(language)))


def sheet(headers: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> bytes:
    """Return *rows* under *headers*, every cell quoted and inert; UTF-8 with the mark that Excel needs to see it is."""
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow(headers)
    for row in rows:
        writer.writerow([inert(cell) for cell in row])
    return out.getvalue().encode("utf-8-sig")


def _rows(case: Case, catalogue: Catalogue) -> Iterator[tuple[str, ...]]:
    for one in case.findings:
        verdict, text = one.verdict, catalogue.rules[one.verdict.rule]
        subject = verdict.subject
        seen = text.found(verdict.details).format_map(_Details(verdict.details))
        yield (
            one.id,
            verdict.severity,
            f"{base_score(verdict.cvss):.1f}",
            one.status,
            verdict.rule,
            text.title,
            subject.asset,
            subject.name,
            subject.ip or "",
            subject.mac or "",
            subject.service or "",
            seen,
            text.risk,
            text.remedy,
            verdict.cvss,
            one.fingerprint,
            verdict.details.get("commands", ""),
        )


class _Details(dict[str, str]):
    """Details of a verdict; one that is absent shows as an ellipsis."""

    def __missing__(self, key: str) -> str:
        return "…"
