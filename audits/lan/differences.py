"""Declared against found, of one machine: its LAN, its address, and what it runs."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address

from audits.lan.strays import strays
from audits.lan.subjects import subject
from audits.lan.systems import agrees, system
from wizara.audit.facts import DeclaredHost, LanFacts
from wizara.audit.observation import Observation, Seen
from wizara.audit.presence import living
from wizara.audit.rule import Judgement, broken, holds, rule


def _same_lan(facts: LanFacts, host: DeclaredHost, found: Observation) -> bool:
    """Say whether *found* stands in the network that *host* is declared in."""
    address = IPv4Address(found.target.ip or "0.0.0.0")  # noqa: S104 - no address at all
    return any(host.address in network and address in network for network in facts.networks)


def _moved(seen: Seen, facts: LanFacts, *, lan: bool) -> Iterator[Judgement]:
    """Judge the machines that are found by their card at an address that is not the declared one."""
    alive = set(living(seen))
    for host in (*facts.hosts, *facts.elsewhere):
        away = strays(seen, facts, host)
        concerned = [one for one in away if _same_lan(facts, host, one) != lan]
        about = subject(seen, facts, str(host.address))
        for one in concerned:
            place = subject(seen, facts, one.target.ip or "")
            yield broken(place, [one], name=host.name, declared=f"{host.lan} {host.address}", found=one.target.ip or "")
        if not concerned and str(host.address) in alive:
            yield holds(about, seen.answered("host", ip=str(host.address)))


@rule("LAN-007", kinds=("host",), cvss="CVSS:3.1/AV:A/AC:H/PR:L/UI:N/S:C/C:L/I:L/A:N", fix="manual")
def other_lan(seen: Seen, facts: LanFacts) -> Iterator[Judgement]:
    """A declared machine is plugged into another LAN than the declared one."""
    return _moved(seen, facts, lan=True)


@rule("LAN-009", kinds=("host",), cvss="CVSS:3.1/AV:A/AC:H/PR:N/UI:N/S:U/C:N/I:N/A:L", fix="manual")
def other_address(seen: Seen, facts: LanFacts) -> Iterator[Judgement]:
    """A declared machine has another address than the declared one, in its LAN."""
    return _moved(seen, facts, lan=False)


@rule(
    "LAN-008",
    kinds=("banner", "ssh", "snmp", "http"),
    cvss="CVSS:3.1/AV:A/AC:H/PR:N/UI:N/S:U/C:L/I:L/A:N",
    fix="manual",
)
def other_system(seen: Seen, facts: LanFacts) -> Iterator[Judgement]:
    """A declared machine runs another operating system than the declared one."""
    for host in facts.hosts:
        about = subject(seen, facts, str(host.address))
        told = system(seen, str(host.address))
        if host.os is None or told is None:
            continue
        found, evidence = told
        if agrees(host.os, found):
            yield holds(about, [evidence])
        else:
            yield broken(about, [evidence], declared=host.os, found=found)
