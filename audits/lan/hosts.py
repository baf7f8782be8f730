"""Declared against found: machines, their MAC addresses, and what they serve."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address, ip_network

from audits.lan.ports import FORBIDDEN
from audits.lan.strays import strays
from audits.lan.subjects import addresses, declared_at, subject
from wizara.audit.facts import LanFacts
from wizara.audit.observation import Seen
from wizara.audit.presence import living
from wizara.audit.rule import Judgement, broken, holds, rule, unknown
from wizara.audit.verdict import Subject


@rule("LAN-001", kinds=("host",), cvss="CVSS:3.1/AV:A/AC:L/PR:N/UI:N/S:U/C:L/I:L/A:N", fix="manual")
def undeclared_host(seen: Seen, facts: LanFacts) -> Iterator[Judgement]:
    """A machine lives on the LAN that nobody declared; only who is plugged into it can say that none does."""
    for one in seen.of("sweep"):
        if not one.flag("on_link"):
            network = one.text("network")
            about = Subject(asset=f"{facts.site or 'lan'}/{network}", name=network)
            yield unknown(about, one.text("reason") or "afar", [one])
    for ip in living(seen) if facts.inventory else ():
        evidence = [*seen.answered("host", ip=ip)]
        about = subject(seen, facts, ip)
        owner = facts.with_mac(about.mac)
        known = declared_at(seen, facts, ip) or (
            owner and any(one.target.ip == ip for one in strays(seen, facts, owner))
        )
        yield holds(about, evidence) if known else broken(about, evidence, ip=ip, mac=about.mac or "?")


@rule("LAN-002", scope="declared", kinds=("host",), cvss="CVSS:3.1/AV:A/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:L", fix="manual")
def declared_host_missing(seen: Seen, facts: LanFacts) -> Iterator[Judgement]:
    """A declared machine does not answer. Only ARP on its own link can say so; from elsewhere a filter may hide it."""
    alive = set(living(seen))
    own = {one.target.ip for one in seen.of("vantage")}
    for host in facts.hosts:
        ip = str(host.address)
        about, evidence = subject(seen, facts, ip), [*seen.of("host", "ports", ip=ip)]
        away = strays(seen, facts, host)
        if ip in own:
            yield unknown(about, "own-address", [*seen.of("vantage", ip=ip)])
        elif ip in alive or away:
            yield holds(about, evidence if ip in alive else away)
        elif any(one.data.get("alive") is False for one in evidence):
            yield broken(about, evidence, name=host.name, ip=ip)
        else:
            yield unknown(about, "not-on-link" if evidence else _why_not(seen, ip), evidence)


def _why_not(seen: Seen, ip: str) -> str:
    """Return why nothing was seen of the address *ip*."""
    sweeps = [one for one in seen.of("sweep") if ip_address(ip) in ip_network(one.text("network"))]
    return next((one.text("reason") for one in sweeps if one.text("reason") not in {"", "afar"}), "not-looked")


@rule("LAN-003", scope="declared", kinds=("host",), cvss="CVSS:3.1/AV:A/AC:L/PR:N/UI:N/S:U/C:L/I:L/A:N", fix="manual")
def mac_differs(seen: Seen, facts: LanFacts) -> Iterator[Judgement]:
    """Another network card answers at a declared address."""
    for host in facts.hosts:
        about = subject(seen, facts, str(host.address))
        evidence = [*seen.answered("host", ip=about.ip)]
        found = {mac for one in evidence for mac in one.texts("macs")}
        if host.mac is None or not found:
            continue
        if host.mac in found:
            yield holds(about, evidence)
        else:
            yield broken(about, evidence, declared=host.mac, found=", ".join(sorted(found)))


@rule("LAN-004", kinds=("host",), cvss="CVSS:3.1/AV:A/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:N", fix="manual")
def address_answered_twice(seen: Seen, facts: LanFacts) -> Iterator[Judgement]:
    """Two network cards answer for one address: a duplicate, or somebody in between."""
    for ip in living(seen):
        evidence = [*seen.answered("host", ip=ip)]
        macs = sorted({mac for one in evidence for mac in one.texts("macs")})
        if len(macs) > 1:
            yield broken(subject(seen, facts, ip), evidence, ip=ip, macs=", ".join(macs))


def _tcp(services: tuple[str, ...] | None) -> set[int]:
    return {int(service.removeprefix("tcp/")) for service in services or () if service.startswith("tcp/")}


@rule("LAN-005", scope="declared", kinds=("ports",), cvss="CVSS:3.1/AV:A/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:L", fix="manual")
def declared_service_missing(seen: Seen, facts: LanFacts) -> Iterator[Judgement]:
    """A declared service accepts no connection. Printing ports are never tried, and so never judged.

    Silence of a host that ARP did not see says nothing: a filter on the way may hide what others reach.
    """
    own = {one.target.ip for one in seen.of("vantage")}
    for host in facts.hosts:
        ip = str(host.address)
        evidence = [*seen.answered("ports", ip=ip)]
        opened = seen.open_ports(ip)
        for port in sorted(_tcp(host.services)):
            about = subject(seen, facts, ip, f"tcp/{port}")
            if port in FORBIDDEN:
                yield unknown(about, "never-touched", evidence)
            elif ip in own:
                yield unknown(about, "own-address", [*seen.of("vantage", ip=ip)])
            elif not evidence:
                looked = [*seen.of("ports", "host", ip=ip)]
                yield unknown(about, "no-answer" if looked else _why_not(seen, ip), looked)
            elif any(port in one.numbers("untested") for one in evidence):
                yield unknown(about, "left-alone", evidence)
            elif port in opened:
                yield holds(about, evidence)
            elif any(port in one.numbers("silent") for one in evidence) and not any(seen.answered("host", ip=ip)):
                yield unknown(about, "not-on-link", evidence)
            else:
                yield broken(about, evidence, service=f"tcp/{port}", name=host.name)


@rule("LAN-006", kinds=("ports",), cvss="CVSS:3.1/AV:A/AC:H/PR:N/UI:N/S:U/C:L/I:N/A:N", fix="manual")
def undeclared_service(seen: Seen, facts: LanFacts) -> Iterator[Judgement]:
    """A declared machine serves more than was declared. Undeclared machines have a finding of their own."""
    for host in facts.hosts:
        if host.services is None:
            continue
        allowed = _tcp(host.services) | _tcp(host.tolerated)
        places: dict[int, str] = {}
        for ip in addresses(seen, host):
            for port in seen.open_ports(ip) - allowed:
                places.setdefault(port, ip)
        for port, ip in sorted(places.items()):
            about = subject(seen, facts, ip, f"tcp/{port}")
            yield broken(about, seen.answered("ports", ip=ip), service=f"tcp/{port}", name=host.name)
