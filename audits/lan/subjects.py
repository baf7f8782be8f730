"""Which machine an observation is about, with a key that stays the same from one audit to the next."""

from __future__ import annotations

from collections.abc import Iterator

from wizara.audit.facts import LanFacts
from wizara.audit.observation import Kind, Observation, Seen
from wizara.audit.verdict import Subject


def subject(seen: Seen, facts: LanFacts, ip: str, service: str | None = None) -> Subject:
    """Return the machine at *ip*: keyed by its declared name, else its MAC, else site and address."""
    declared = facts.at(ip)
    mac = next((one.target.mac for one in seen.of("host", ip=ip) if one.target.mac), None)
    key = f"{declared.site}/{declared.name}" if declared else mac or f"{facts.site or 'lan'}/{ip}"
    return Subject(asset=key, name=declared.name if declared else "", ip=ip, mac=mac, service=service)


def services(seen: Seen, facts: LanFacts, *kinds: Kind) -> Iterator[tuple[Subject, Observation]]:
    """Yield each answered observation of *kinds* with the service it is about."""
    for one in seen.answered(*kinds):
        if one.target.ip:
            yield subject(seen, facts, one.target.ip, one.target.service), one


def living(seen: Seen) -> tuple[str, ...]:
    """Return the addresses that answered ARP, or a TCP connection from afar, our own apart."""
    own = {one.target.ip for one in seen.of("vantage")}
    alive = {one.target.ip for one in seen.answered("host", "ports") if one.target.ip}
    return tuple(sorted(alive - own, key=lambda ip: tuple(map(int, ip.split(".")))))
