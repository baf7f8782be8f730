"""Web servers that give away more than their pages, or take passwords in clear."""

from __future__ import annotations

from collections.abc import Iterator

from audits.lan.authentication import offers_basic
from audits.lan.flags import flagged
from audits.lan.subjects import services
from wizara.audit.facts import LanFacts
from wizara.audit.observation import Seen
from wizara.audit.rule import Judgement, broken, holds, rule, unknown

HISTORY = flagged("WEB-004", "http", "git", "AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N")
LISTING = flagged("WEB-005", "http", "listing", "AC:L/PR:N/UI:N/S:U/C:L/I:N/A:N")


@rule("WEB-001", kinds=("http",), cvss="CVSS:3.1/AV:A/AC:H/PR:N/UI:R/S:U/C:H/I:H/A:N", fix="manual")
def password_form_in_clear(seen: Seen, facts: LanFacts) -> Iterator[Judgement]:
    """A web page without TLS asks for a password."""
    for about, one in services(seen, facts, "http"):
        if one.collector == "http" and one.flag("password_form"):
            yield broken(about, [one], title=one.text("title"))
        elif one.collector == "http" and "password_form" in one.texts("undecided"):
            yield unknown(about, "undecided", [one])


@rule("WEB-002", kinds=("http",), cvss="CVSS:3.1/AV:A/AC:H/PR:N/UI:R/S:U/C:H/I:H/A:N", fix="manual")
def basic_authentication_in_clear(seen: Seen, facts: LanFacts) -> Iterator[Judgement]:
    """HTTP without TLS asks for Basic authentication: the password travels as good as in clear (RFC 7617 §4)."""
    for about, one in services(seen, facts, "http"):
        if one.collector == "http" and offers_basic(one.text("authenticate")):
            yield broken(about, [one], realm=one.text("authenticate"))
        elif one.collector == "http" and "authenticate" in one.texts("undecided"):
            yield unknown(about, "undecided", [one])


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
