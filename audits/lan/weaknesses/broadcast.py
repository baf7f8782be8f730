"""Who speaks to the whole LAN without being meant to: DHCP servers, routers, and machines that answer to names of others."""

from __future__ import annotations

from collections.abc import Iterator

from audits.lan.subjects import declared_at, subject
from wizara.audit.facts import DeclaredHost, LanFacts
from wizara.audit.observation import Observation, Seen
from wizara.audit.rule import Judgement, broken, holds, rule
from wizara.audit.verdict import Subject

_HOSTS = frozenset({"workstation", "printer", "camera", "phone", "server", "controller"})


def _speakers(seen: Seen, kind: str) -> dict[str, list[Observation]]:
    """Return card → what it said in the language *kind*, asked or not."""
    found: dict[str, list[Observation]] = {}
    asked = seen.answered("dhcp") if kind == "dhcp" else seen.answered("ra")
    for one in (*asked, *(one for one in seen.of("heard") if one.text("language") == kind)):
        found.setdefault(one.target.mac or one.target.ip or "?", []).append(one)
    return found


def _about(seen: Seen, facts: LanFacts, one: Observation, service: str | None = None) -> Subject:
    if one.target.ip:
        about = subject(seen, facts, one.target.ip, service)
        key = about.asset if about.name or about.mac else one.target.mac or about.asset
        return about.model_copy(update={"asset": key, "mac": about.mac or one.target.mac})
    return Subject(asset=one.target.mac or "?", mac=one.target.mac, service=service)


def _machine(seen: Seen, facts: LanFacts, one: Observation) -> DeclaredHost | None:
    """Return the declared machine that said *one*: by its address, else by its card."""
    host = declared_at(seen, facts, one.target.ip) if one.target.ip else None
    mac = one.target.mac
    return host or next((known for known in facts.hosts if mac and known.mac == mac), None)


@rule("BRO-001", kinds=("dhcp",), cvss="CVSS:3.1/AV:A/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:N", fix="manual")
def undeclared_dhcp_server(seen: Seen, facts: LanFacts) -> Iterator[Judgement]:
    """A machine hands out addresses that nobody declared for it (``udp/67``); without an inventory, two servers are one too many."""
    servers = {card: said for card, told in _speakers(seen, "dhcp").items() if (said := [*filter(_offers, told)])}
    for card, evidence in servers.items():
        first = evidence[0]
        about = _about(seen, facts, first, "udp/67")
        senders = [_sender(seen, facts, one) for one in evidence]
        if all(host and "udp/67" in (host.services or ()) for host in senders):
            yield holds(about, evidence)
        elif facts.inventory or len(servers) > 1:
            routers = ", ".join(first.texts("routers")) or "–"
            yield broken(about, evidence, card=card, server=first.text("server") or "–", routers=routers)


def _sender(seen: Seen, facts: LanFacts, one: Observation) -> DeclaredHost | None:
    """Return the declared server or relay whose card sent *one*: server and source address are whatever the sender wrote."""
    card = one.target.mac
    host = next((known for known in facts.hosts if card and known.mac == card), None)
    by_address = declared_at(seen, facts, one.target.ip) if one.target.ip else None
    return host or (by_address if by_address and by_address.mac is None else None)


def _offers(one: Observation) -> bool:
    return one.text("message") in {"offer", "ack"}


@rule("BRO-002", kinds=("ra",), cvss="CVSS:3.1/AV:A/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:N", fix="manual")
def undeclared_router(seen: Seen, facts: LanFacts) -> Iterator[Judgement]:
    """A machine says that it is an IPv6 router (RFC 6104), and is no declared gateway or device."""
    routers = _speakers(seen, "ra")
    for card, evidence in routers.items():
        about, host = _about(seen, facts, evidence[0]), _machine(seen, facts, evidence[0])
        if host and host.role not in _HOSTS:
            yield holds(about, evidence)
        elif facts.inventory or len(routers) > 1:
            prefixes = ", ".join(dict.fromkeys(prefix for one in evidence for prefix in one.texts("prefixes"))) or "–"
            yield broken(about, evidence, card=card, prefixes=prefixes)


def _answerers(seen: Seen, name: str) -> dict[str, list[Observation]]:
    found: dict[str, list[Observation]] = {}
    for one in seen.answered("name-answer"):
        if one.text("name") == name:
            found.setdefault(one.target.mac or one.target.ip or "?", []).append(one)
    return found


@rule("BRO-003", kinds=("name-answer",), cvss="CVSS:3.1/AV:A/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:N", fix="manual")
def answers_to_any_name(seen: Seen, facts: LanFacts) -> Iterator[Judgement]:
    """A machine answers to a name that was made up for this question: it would answer to any, to have passwords sent to it."""
    for card, evidence in _answerers(seen, "nobody").items():
        languages = ", ".join(sorted({one.text("language").upper() for one in evidence}))
        yield broken(_about(seen, facts, evidence[0]), evidence, card=card, languages=languages)


@rule("BRO-004", kinds=("name-answer",), cvss="CVSS:3.1/AV:A/AC:L/PR:N/UI:N/S:U/C:H/I:L/A:N", fix="manual")
def answers_as_proxy(seen: Seen, facts: LanFacts) -> Iterator[Judgement]:
    """A machine answers to ``wpad``, by which browsers look for a proxy: their traffic goes to it."""
    for card, evidence in _answerers(seen, "wpad").items():
        languages = ", ".join(sorted({one.text("language").upper() for one in evidence}))
        yield broken(_about(seen, facts, evidence[0]), evidence, card=card, languages=languages)


@rule("BRO-005", kinds=("heard",), cvss="CVSS:3.1/AV:A/AC:H/PR:N/UI:N/S:U/C:L/I:N/A:N", fix="manual")
def names_asked_of_all(seen: Seen, facts: LanFacts) -> Iterator[Judgement]:
    """Machines ask everybody for names, by LLMNR or NetBIOS: whoever answers first is believed."""
    asking = [
        one for one in seen.of("heard")
        if one.text("language") in {"llmnr", "nbns"} and one.texts("asks") and not one.flag("answers")
    ]  # fmt: skip
    for language in sorted({one.text("language") for one in asking}):
        mine = [one for one in asking if one.text("language") == language]
        cards = sorted({one.target.mac or "?" for one in mine})
        about = Subject(asset=f"{facts.site or 'lan'}/{language}", name=language.upper())
        yield broken(about, mine, language=language.upper(), count=str(len(cards)), cards=", ".join(cards[:8]))


@rule("HLT-001", kinds=("breaker",), cvss="CVSS:3.1/AV:A/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:L", fix="manual")
def gives_way(seen: Seen, facts: LanFacts) -> Iterator[Judgement]:
    """A machine grew three times slower under the audit, or vanished, and was left alone from then on."""
    for one in seen.of("breaker"):
        if one.target.ip and one.text("why"):
            about = subject(seen, facts, one.target.ip)
            last = "–" if one.text("why") == "vanished" else str(one.data.get("last_ms", "–"))
            yield broken(about, [one], first=str(one.data.get("first_ms", "–")), last=last)
