"""The machines of an audit, declared or found, as rows of a table and boxes of the map."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from wizara.audit.cvss import SEVERITIES, Severity
from wizara.report.case import Case
from wizara.report.document import Inline
from wizara.report.lan_map import MOST, Machine, Network, State
from wizara.report.words import Words, latin
from wizara.text import N_

LEGEND: dict[State, str] = {
    "declared": N_("declared"),
    "undeclared": N_("undeclared"),
    "missing": N_("missing"),
    "unknown": N_("not seen from here"),
}


@dataclass(frozen=True)
class _Seen:
    machine: Machine
    mac: str
    ports: tuple[int, ...]


def _machines(case: Case) -> list[_Seen]:
    own = {one.target.ip for one in case.seen.of("vantage")}
    found = {one.target.ip for one in case.seen.of("host", "ports") if one.target.ip} - own
    declared = {str(host.address) for host in case.audit.facts.hosts}
    addresses = sorted((ip for ip in found | declared if ip is not None), key=IPv4Address)
    return [_one(case, ip) for ip in addresses]


def _one(case: Case, ip: str) -> _Seen:
    host = case.audit.facts.at(ip)
    alive = any(True for _one in case.seen.answered("host", "ports", ip=ip))
    refuted = any(one.data.get("alive") is False for one in case.seen.of("host", ip=ip))
    state: State = (
        "missing"
        if refuted
        else "unknown"
        if not alive
        else "declared"
        if host or not case.audit.facts.inventory
        else "undeclared"
    )
    mine = [one.verdict.severity for one in case.pending if one.verdict.subject.ip == ip]
    worst: Severity | None = min(mine, key=SEVERITIES.index, default=None)
    mac = next((one.target.mac for one in case.seen.answered("host", ip=ip) if one.target.mac), "")
    machine = Machine(host.name if host else ip, ip, state, worst, len(mine))
    return _Seen(machine, mac, tuple(sorted(case.seen.open_ports(ip))))


def networks(case: Case, words: Words) -> tuple[Network, ...]:
    """Return the audited networks with their boxes, at most :data:`MOST` each, the worst kept."""
    machines = [one.machine for one in _machines(case)]
    return tuple(_network(network, machines) for network in case.audit.facts.networks)


def _network(network: IPv4Network, machines: Iterable[Machine]) -> Network:
    inside = [one for one in machines if IPv4Address(one.ip) in network]
    kept = sorted(inside, key=_rank)[:MOST]
    ordered = tuple(one for one in inside if one in kept)
    return Network(str(network), ordered, len(inside) - len(ordered))


def _rank(machine: Machine) -> tuple[int, int]:
    return SEVERITIES.index(machine.worst) if machine.worst else len(SEVERITIES), -machine.findings


def machine_rows(case: Case, words: Words) -> tuple[tuple[Inline, ...], ...]:
    """Return a row for each machine: address, name, card, state, open ports, findings."""
    rows = _machines(case)
    return tuple(
        (
            latin(one.machine.ip),
            latin(one.machine.name if one.machine.name != one.machine.ip else "–"),
            latin(one.mac or "–"),
            words.prose(words.say(LEGEND[one.machine.state])),
            latin(", ".join(map(str, one.ports)) or "–"),
            latin(words.number(one.machine.findings)),
        )
        for one in rows
    )
