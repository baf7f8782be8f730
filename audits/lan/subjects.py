"""Which machine an observation is about, with a key that stays the same from one audit to the next."""

from __future__ import annotations

from collections.abc import Iterator

from wizara.audit.facts import DeclaredHost, LanFacts
from wizara.audit.observation import Kind, Observation, Seen
from wizara.audit.presence import card, others, twin
from wizara.audit.rule import Judgement, unknown
from wizara.audit.verdict import Subject


def declared_at(seen: Seen, facts: LanFacts, ip: str) -> DeclaredHost | None:
    """Return what is declared at *ip*, or at the IPv4 address of the card that uses this IPv6 address."""
    host = facts.at(ip)
    other = None if host or ":" not in ip else twin(seen, ip)
    return facts.at(other) if other else host


def addresses(seen: Seen, host: DeclaredHost) -> tuple[str, ...]:
    """Return the addresses of a declared *host*: the declared ones first, then what else its card was seen to use of IPv6."""
    declared = tuple(str(one) for one in (host.address, host.address6) if one)
    return tuple(dict.fromkeys((*declared, *others(seen, declared[0]))))


def subject(seen: Seen, facts: LanFacts, ip: str, service: str | None = None) -> Subject:
    """Return the machine at *ip*: keyed by its declared name, by address or card, else its MAC, else site and address."""
    mac = card(seen, ip)
    declared = declared_at(seen, facts, ip) or facts.with_mac(mac)
    key = f"{declared.site}/{declared.name}" if declared else mac or f"{facts.site or 'lan'}/{ip}"
    return Subject(asset=key, name=declared.name if declared else "", ip=ip, mac=mac, service=service)


def services(seen: Seen, facts: LanFacts, *kinds: Kind) -> Iterator[tuple[Subject, Observation]]:
    """Yield each answered observation of *kinds* with the service it is about."""
    for one in seen.answered(*kinds):
        if one.target.ip:
            yield subject(seen, facts, one.target.ip, one.target.service), one


def untold(seen: Seen, facts: LanFacts, kind: Kind, collector: str) -> Iterator[Judgement]:
    """Yield an unknown for each service that *collector* met and that told too little to be judged, with the reason."""
    for one in seen.of(kind):
        reason = one.text("reason")
        if one.collector == collector and one.data.get("answer") is False and reason and one.target.ip:
            about = subject(seen, facts, one.target.ip, one.target.service)
            yield unknown(about, "left-alone" if reason == "breaker" else reason, [one])
