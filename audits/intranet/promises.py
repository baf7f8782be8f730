"""Promises of the intranet: links stand, what is declared passes, nothing else does, and nothing leaves in clear."""

from __future__ import annotations

from collections.abc import Iterator

from wizara.audit.observation import Observation, Seen
from wizara.audit.promises import Promises, about, node_subject, pair_subject
from wizara.audit.rule import Judgement, broken, holds, rule, unknown

_FRESH = 180
"""Seconds: WireGuard makes new keys every 120 and forgets old ones after 180 (REJECT_AFTER_TIME)."""


@rule("INT-001", scope="declared", kinds=("tunnel",), cvss="CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H")
def links_stand(seen: Seen, facts: Promises) -> Iterator[Judgement]:
    """Each end of each link met the expected peer within three minutes, and received from it."""
    for plan in facts.plans("intranet"):
        for peer in plan.tunnel.peers if plan.tunnel else ():
            subject = pair_subject(plan.name, peer.node)
            asked = about(seen, "wireguard-end", "tunnel", node=plan.name)
            found = about(seen, "wireguard", "tunnel", node=plan.name, peer_key=peer.public_key or "")
            if not asked:
                yield unknown(subject, "node-silent")
            elif not found:
                yield broken(subject, asked, node=plan.name, peer=peer.node, age="-")
            else:
                age = found[-1].number("age")
                good = age is not None and age <= _FRESH and (found[-1].number("received") or 0) > 0
                told = "-" if age is None else str(age)
                yield (
                    holds(subject, found) if good else broken(subject, found, node=plan.name, peer=peer.node, age=told)
                )


@rule("INT-002", scope="declared", kinds=("tunnel",), cvss="CVSS:3.1/AV:N/AC:H/PR:N/UI:N/S:C/C:H/I:H/A:N")
def no_strange_peer(seen: Seen, facts: Promises) -> Iterator[Judgement]:
    """A gateway accepts no peer but the enrolled ones."""
    for plan in facts.plans("intranet"):
        subject, asked = node_subject(plan), about(seen, "wireguard-end", "tunnel", node=plan.name)
        if not asked or not asked[-1].flag("answer"):
            yield unknown(subject, "node-silent" if not asked else "tunnel-down", asked)
            continue
        known = {peer.public_key for peer in plan.tunnel.peers} if plan.tunnel else set()
        found = about(seen, "wireguard", "tunnel", node=plan.name)
        strange = [one for one in found if one.text("peer_key") not in known]
        if strange:
            keys = ", ".join(one.text("peer_key") for one in strange)
            yield broken(subject, strange, node=plan.name, keys=keys)
        else:
            yield holds(subject, [*asked, *found])


def _knocks(seen: Seen, purpose: str) -> list[Observation]:
    return about(seen, "knock", "reachability", purpose=purpose)


@rule("INT-003", scope="declared", kinds=("reachability",), cvss="CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H")
def permitted_flows_pass(seen: Seen, facts: Promises) -> Iterator[Judgement]:
    """What parts bring and people declared can be connected to from its source site."""
    for one in _knocks(seen, "flow"):
        subject = pair_subject(one.text("source"), one.text("name"), one.text("service"))
        if one.text("state") == "untried":
            yield unknown(subject, "not-tried", [one])
        elif one.text("state") == "open":
            yield holds(subject, [one])
        else:
            yield broken(subject, [one], source=one.text("from"), target=one.text("name"), service=one.text("service"))
    if facts.lab:
        return
    known = {one.text("source") for one in _knocks(seen, "flow")}
    for site in facts.ministry.sites:
        if site not in known:
            yield unknown(pair_subject(site, "*"), "no-place")


def _goes_out(seen: Seen, source: str) -> list[Observation]:
    """Return what shows that *source* reaches anything at all: else a refusal elsewhere would prove nothing."""
    return [one for one in _knocks(seen, "flow") if one.text("source") == source and one.text("state") == "open"]


def _refused(seen: Seen, purpose: str) -> Iterator[Judgement]:
    """Judge that no knock for *purpose* was let in, a way from one site to one machine at a time."""
    ways: dict[tuple[str, str, str], list[Observation]] = {}
    for one in _knocks(seen, purpose):
        ways.setdefault((one.text("source"), one.text("target"), one.text("name")), []).append(one)
    for (source, _target, name), tried in ways.items():
        subject, control = pair_subject(source, name), _goes_out(seen, source)
        opened = [one for one in tried if one.text("state") == "open"]
        if opened:
            services = ", ".join(one.text("service") for one in opened)
            yield broken(subject, opened, source=source, target=name, services=services)
        elif any(one.text("state") == "untried" for one in tried):
            yield unknown(subject, "not-tried", tried)
        elif not control:
            yield unknown(subject, "no-way-out", tried)
        else:
            yield holds(subject, [*tried, *control[:1]])


@rule("INT-004", scope="declared", kinds=("reachability",), cvss="CVSS:3.1/AV:N/AC:L/PR:L/UI:N/S:C/C:H/I:L/A:N")
def institutions_are_apart(seen: Seen, facts: Promises) -> Iterator[Judgement]:
    """No undeclared service of one institution can be connected to from another."""
    return _refused(seen, "undeclared")


@rule("INT-005", scope="declared", kinds=("reachability",), cvss="CVSS:3.1/AV:A/AC:H/PR:N/UI:N/S:U/C:H/I:H/A:H")
def management_is_closed_to_offices(seen: Seen, facts: Promises) -> Iterator[Judgement]:
    """SSH of the nodes cannot be connected to from LANs outside the management networks."""
    return _refused(seen, "management")


@rule("INT-006", scope="declared", kinds=("capture",), cvss="CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N")
def nothing_in_clear(seen: Seen, facts: Promises) -> Iterator[Judgement]:
    """No packet with an inside address, and no byte of the proof's message, crosses an uplink."""
    yield from _captures(seen, facts, ("inside", "canary"))


@rule("INT-007", scope="declared", kinds=("capture",), cvss="CVSS:3.1/AV:N/AC:H/PR:N/UI:N/S:U/C:L/I:N/A:N")
def nothing_else_outside(seen: Seen, facts: Promises) -> Iterator[Judgement]:
    """Uplinks carry the tunnel, ARP, ND and ICMP, SSH of the management, the package mirror and the resolver; nothing else."""
    yield from _captures(seen, facts, ("foreign",))


def _captures(seen: Seen, facts: Promises, sorts: tuple[str, ...]) -> Iterator[Judgement]:
    for plan in facts.plans("intranet"):
        for uplink in plan.uplinks:
            subject = node_subject(plan, uplink.name)
            evidence = about(seen, "capture", "capture", node=plan.name, uplink=uplink.name)
            if not evidence or evidence[-1].data.get("answer") is False:
                yield unknown(subject, "no-capture", evidence)
                continue
            one = evidence[-1]
            bad = sum(one.number(name) or 0 for name in sorts)
            if bad:
                samples = "; ".join(one.texts("samples")[:3])
                yield broken(subject, evidence, node=plan.name, uplink=uplink.name, packets=str(bad), samples=samples)
            elif not one.number("packets"):
                yield unknown(subject, "nothing-seen", evidence)
            else:
                yield holds(subject, evidence)
