"""Severities as a person reads them on a terminal; records and programs keep their English names."""

from __future__ import annotations

from collections.abc import Mapping

from wizara.audit.cvss import SEVERITIES, Severity
from wizara.text import _, ngettext


def word(severity: Severity) -> str:
    """Return the one word for *severity*."""
    words = {"critical": _("critical"), "high": _("high"), "medium": _("medium"), "low": _("low"), "info": _("info")}
    return words[severity]


def counted(severity: Severity, count: int) -> str:
    """Return *count* findings of *severity*, as ``3 high``."""
    words: dict[Severity, str] = {
        "critical": ngettext("{count} critical", "{count} critical", count),
        "high": ngettext("{count} high", "{count} high", count),
        "medium": ngettext("{count} medium", "{count} medium", count),
        "low": ngettext("{count} low", "{count} low", count),
        "info": ngettext("{count} info", "{count} info", count),
    }
    return words[severity].format(count=count)


def summed(counts: Mapping[Severity, int]) -> str:
    """Return all *counts* that are some, worst first, in one line."""
    return ", ".join(counted(one, counts[one]) for one in SEVERITIES if counts.get(one)) or "0"
