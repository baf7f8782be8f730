"""Web servers that give away more than their pages."""

from __future__ import annotations

from collections.abc import Iterator

from audits.lan.flags import flagged
from audits.lan.subjects import services
from wizara.audit.facts import LanFacts
from wizara.audit.observation import Seen
from wizara.audit.rule import Judgement, broken, holds, rule, unknown

HISTORY = flagged("WEB-004", "http", "git", "AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N")
LISTING = flagged("WEB-005", "http", "listing", "AC:L/PR:N/UI:N/S:U/C:L/I:N/A:N")


@rule("WEB-003", kinds=("login",), cvss="CVSS:3.1/AV:A/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", fix="manual")
def default_login(seen: Seen, facts: LanFacts) -> Iterator[Judgement]:
    """A login that everybody knows lets in; where trying was wanted and ended before its turn, that is not known."""
    for about, one in services(seen, facts, "login"):
        if one.flag("open"):
            yield broken(about, [one], reply=one.text("reply"))
        elif one.text("untried") or one.flag("locked"):
            yield unknown(about, one.text("untried") or "lockout", [one])
        elif one.data.get("open") is False:
            yield holds(about, [one])
