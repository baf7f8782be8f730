"""The segmentation of a site: what passes and must not, what must pass and does not, and what nobody tried."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from audits.segmentation.matrix import permits, ports, standing
from wizara.audit.facts import LanFacts
from wizara.audit.observation import Observation, Seen
from wizara.audit.rule import Judgement, broken, holds, rule, unknown
from wizara.audit.verdict import Subject


def _tried(seen: Seen) -> Iterator[Observation]:
    return (one for one in seen.answered("reachability") if one.text("purpose") == "segmentation")


def _cell(facts: LanFacts, one: Observation) -> Subject:
    """Return the subject of one connection: the two LANs, the machine and its service."""
    name = f"{one.text('source')} → {one.text('target')}: {one.text('name')}"
    asset = f"{facts.site}/{one.text('source')}/{one.text('target')}/{one.text('name')}"
    return Subject(asset=asset, name=name, ip=one.target.ip, service=one.target.service)


def _permitted(facts: LanFacts, one: Observation) -> Literal["all", "some", "none"]:
    return permits(facts, one.text("source"), one.target.ip or "", one.target.port or 0)


def listens(seen: Seen, facts: LanFacts, one: Observation) -> bool:
    """Say whether something is known to listen there: it was open from some LAN, or it is declared to."""
    ip, port = one.target.ip or "", one.target.port or 0
    host = facts.at(ip) or next((other for other in facts.elsewhere if str(other.address) == ip), None)
    opened = any(other.text("outcome") == "open" for other in seen.of("reachability", ip=ip, port=port))
    return opened or port in seen.open_ports(ip) or bool(host and f"tcp/{port}" in (host.services or ()))


def _untested(seen: Seen, facts: LanFacts) -> Iterator[Judgement]:
    """Yield one unknown for each connection that could not be tried, and for each pair of LANs that nothing was tried between."""
    done = {(one.text("source"), one.text("target")) for one in _tried(seen)}
    told: dict[tuple[str, str], str] = {}
    for one in seen.of("reachability"):
        if one.text("purpose") == "segmentation" and one.data.get("answer") is False:
            pair = (one.text("source"), one.text("target"))
            told.setdefault(pair, one.text("outcome"))
            if one.target.port and pair in done:
                yield unknown(_cell(facts, one), one.text("outcome"), [one])
    for source in facts.lans if facts.segmentation else ():
        for target in facts.lans:
            if source != target and (source.name, target.name) not in done:
                about = Subject(
                    asset=f"{facts.site}/{source.name}/{target.name}", name=f"{source.name} → {target.name}"
                )
                nobody = not any(ports(host) for host in standing(facts, target.name))
                known = told.get((source.name, target.name))
                yield unknown(about, known or ("no-target" if nobody else "not-tested"))


@rule(
    "SEG-001",
    scope="declared",
    kinds=("reachability",),
    cvss="CVSS:3.1/AV:A/AC:L/PR:N/UI:N/S:C/C:L/I:L/A:N",
    fix="intranet",
)
def forbidden_passage(seen: Seen, facts: LanFacts) -> Iterator[Judgement]:
    """Traffic that no flow declares does not pass between LANs; a refusal proves it only where something listens."""
    yield from _untested(seen, facts)
    for one in _tried(seen):
        permitted, about = _permitted(facts, one), _cell(facts, one)
        if permitted == "all":
            continue
        if (
            permitted == "some"
        ):  # what this place got is no sign of what the declared machines get, nor of what others do
            yield unknown(about, "partly-declared", [one])
            continue
        if one.text("outcome") == "open":
            yield broken(
                about, [one], source=one.text("source"), name=one.text("name"), service=one.target.service or ""
            )
        elif listens(seen, facts, one):
            yield holds(about, [one])
        else:
            yield unknown(about, "nothing-listens", [one])


@rule(
    "SEG-002",
    scope="declared",
    kinds=("reachability",),
    cvss="CVSS:3.1/AV:A/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:L",
    fix="intranet",
)
def unexpected_block(seen: Seen, facts: LanFacts) -> Iterator[Judgement]:
    """Declared traffic passes between LANs; where nothing is known to listen, silence shows nothing."""
    for one in _tried(seen):
        if _permitted(facts, one) != "all":
            continue
        about = _cell(facts, one)
        if one.text("outcome") == "open":
            yield holds(about, [one])
        elif listens(seen, facts, one):
            yield broken(
                about, [one], source=one.text("source"), name=one.text("name"), service=one.target.service or ""
            )
        else:
            yield unknown(about, "nothing-listens", [one])


RULES = (forbidden_passage, unexpected_block)
