"""Certificates, suites and ways of login that protect less than they seem to."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta

from audits.lan.subjects import services, untold
from wizara.audit.facts import LanFacts
from wizara.audit.observation import Observation, Seen
from wizara.audit.rule import Judgement, broken, holds, rule, unknown

#: Days before its end at which a certificate should have been renewed.
_NOTICE = timedelta(days=21)
#: Where the page that was asked for, the front page, is to be asked for under another name; a page beside it may be another service's.
_PLACE = re.compile(r"https://([a-z0-9.-]{1,253})(?::(\d{1,5}))?/?")


def certificate(one: Observation) -> dict[str, object]:
    """Return what is known of the certificate that was shown."""
    found = one.data.get("certificate")
    return dict(found) if isinstance(found, dict) else {}


@rule("TLS-004", kinds=("tls",), cvss="CVSS:3.1/AV:A/AC:H/PR:N/UI:N/S:U/C:H/I:L/A:N", fix="manual")
def weak_suites(seen: Seen, facts: LanFacts) -> Iterator[Judgement]:
    """A service takes suites without encryption, without a certificate, or with broken ciphers."""
    for about, one in services(seen, facts, "tls"):
        if "weak" in one.data:
            weak = one.texts("weak")
            if not weak and one.texts("silent_suites"):
                yield unknown(about, "undecided", [one])
            else:
                yield broken(about, [one], suites=", ".join(weak)) if weak else holds(about, [one])


@rule("TLS-005", kinds=("tls",), cvss="CVSS:3.1/AV:A/AC:H/PR:N/UI:R/S:U/C:L/I:L/A:N", fix="manual")
def self_signed(seen: Seen, facts: LanFacts) -> Iterator[Judgement]:
    """A certificate vouches for itself."""
    for about, one in services(seen, facts, "tls"):
        told = certificate(one)
        if "self_signed" in told:
            subject = str(told.get("subject", ""))
            yield broken(about, [one], holder=subject) if told["self_signed"] is True else holds(about, [one])


@rule("TLS-006", kinds=("tls", "http"), cvss="CVSS:3.1/AV:A/AC:H/PR:N/UI:R/S:U/C:L/I:L/A:N", fix="manual")
def other_name(seen: Seen, facts: LanFacts) -> Iterator[Judgement]:
    """The certificate is not for the name that the service itself sends its visitors to."""
    for about, one in services(seen, facts, "tls"):
        names = certificate(one).get("names")
        web = [page for page in seen.answered("http", ip=one.target.ip) if page.target.port == one.target.port]
        announced = [name for page in web if (name := _host(page.text("location"), one.target.port))]
        if not isinstance(names, list) or not names:
            continue
        if not announced:
            unheard = any(
                seen.of("service", ip=one.target.ip, port=one.target.port)
            )  # nothing inside its TLS was understood
            if unheard or any("location" in page.texts("undecided") for page in web):
                yield unknown(about, "undecided", [one])
            continue
        wrong = [name for name in announced if not any(_covers(str(pattern), name) for pattern in names)]
        shown = ", ".join(map(str, names[:5]))
        yield broken(about, [one], name=wrong[0], names=shown) if wrong else holds(about, [one])


def _host(location: str, port: int | None) -> str:
    """Return the name that an https *location* gives this service; none for an address, or a page (of a login, say) elsewhere."""
    found = _PLACE.fullmatch(location.lower())
    name = found[1] if found and int(found[2] or 443) == port else ""
    return name if "." in name and not name.replace(".", "").isdigit() else ""


def _covers(pattern: str, name: str) -> bool:
    """Say whether a name of a certificate covers *name* (RFC 9525 §6.3)."""
    first, _dot, rest = pattern.lower().partition(".")
    return pattern.lower() == name or (first == "*" and rest == name.partition(".")[2])


@rule("TLS-007", kinds=("tls",), cvss="CVSS:3.1/AV:A/AC:H/PR:L/UI:N/S:U/C:H/I:L/A:N", fix="manual")
def shared_key(seen: Seen, facts: LanFacts) -> Iterator[Judgement]:
    """One private key serves several machines."""
    holders: defaultdict[str, list[str]] = defaultdict(list)
    for _about, one in services(seen, facts, "tls"):
        holders[str(certificate(one).get("public_key", ""))].append(one.target.ip or "")
    for about, one in services(seen, facts, "tls"):
        others = sorted({*holders[str(certificate(one).get("public_key", ""))]} - {one.target.ip or ""})
        if certificate(one).get("public_key"):
            yield broken(about, [one], others=", ".join(others[:5])) if others else holds(about, [one])


@rule("TLS-008", kinds=("tls",), cvss="CVSS:3.1/AV:A/AC:H/PR:N/UI:R/S:U/C:N/I:N/A:L", fix="manual")
def soon_over(seen: Seen, facts: LanFacts) -> Iterator[Judgement]:
    """A certificate ends within three weeks: nobody seems to renew it."""
    moment = datetime.fromisoformat(facts.moment)
    for about, one in services(seen, facts, "tls"):
        ends = certificate(one).get("not_after")
        if isinstance(ends, str) and (end := _moment(ends)):
            soon = moment <= end < moment + _NOTICE
            yield broken(about, [one], ends=ends[:10]) if soon else holds(about, [one])


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


@rule("SSH-005", kinds=("login",), cvss="CVSS:3.1/AV:A/AC:H/PR:N/UI:N/S:U/C:H/I:H/A:N", fix="manual")
def passwords(seen: Seen, facts: LanFacts) -> Iterator[Judgement]:
    """An SSH server lets root try passwords."""
    for about, one in services(seen, facts, "login"):
        if "methods" in one.data:
            methods = one.texts("methods")
            weak = {"password", "keyboard-interactive"} & {*methods}
            yield broken(about, [one], methods=", ".join(methods)) if weak else holds(about, [one])
    yield from untold(seen, facts, "login", "methods")
    asked = {(one.target.ip, one.target.port) for one in seen.of("login") if one.collector == "methods"}
    for about, one in services(seen, facts, "ssh"):
        if (one.target.ip, one.target.port) not in asked:
            yield unknown(about, "login-passed-over", [one])
