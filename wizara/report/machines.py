"""The machines of an audit, declared or found, as rows of a table and boxes of the map."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address

from wizara.audit.cvss import SEVERITIES, Severity
from wizara.audit.limits import Network as IPNetwork
from wizara.audit.presence import card, living, others
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
    "seen": N_("seen"),
}


def legend(case: Case) -> dict[State, str]:
    """Return the states that this audit can tell, with their words: without an inventory nothing is declared or missing."""
    told = {"declared", "undeclared", "missing", "unknown"} if case.audit.facts.inventory else {"seen", "unknown"}
    return {state: word for state, word in LEGEND.items() if state in told}


@dataclass(frozen=True)
class _Seen:
    machine: Machine
    mac: str
    others: tuple[str, ...]
    """Its further addresses."""
    ports: tuple[int, ...]


def _machines(case: Case) -> list[_Seen]:
    own = {one.target.ip for one in case.seen.of("vantage")}
    silent = {
        one.target.ip for one in case.seen.of("host", "ports") if one.target.ip and ":" not in one.target.ip
    } - own
    declared = {str(host.address) for host in case.audit.facts.hosts}
    addresses = {*living(case.seen), *silent, *declared} - {None}
    return [_one(case, ip) for ip in sorted((ip for ip in addresses if ip), key=_order)]


def _order(ip: str) -> tuple[int, int]:
    address = ip_address(ip)
    return address.version, int(address)


def _one(case: Case, ip: str) -> _Seen:
    host = case.audit.facts.at(ip)
    alive = any(True for _one in case.seen.answered("host", "ports", ip=ip))
    refuted = any(one.data.get("alive") is False for one in case.seen.of("host", ip=ip))
    state: State = (
        "missing"
        if refuted
        else "unknown"
        if not alive
        else "seen"
        if not case.audit.facts.inventory
        else "declared"
        if host
        else "undeclared"
    )
    mine = [one.verdict.severity for one in case.pending if one.verdict.subject.ip == ip]
    worst: Severity | None = min(mine, key=SEVERITIES.index, default=None)
    machine = Machine(host.name if host else ip, ip, state, worst, len(mine))
    beside = others(case.seen, ip)
    opened = {port for one in (ip, *beside) for port in case.seen.open_ports(one)}
    return _Seen(machine, card(case.seen, ip) or "", beside, tuple(sorted(opened)))


def networks(case: Case, words: Words) -> tuple[Network, ...]:
    """Return the audited networks with their boxes, at most :data:`MOST` each, the worst kept."""
    machines = [one.machine for one in _machines(case)]
    audited: tuple[IPNetwork, ...] = (*case.audit.facts.networks, *case.audit.facts.networks6)
    homes = {one.ip: _home(one.ip, audited) for one in machines}
    alone = {
        one for one in homes.values() if one
    }  # an IPv6 network whose machines all have IPv4 addresses is no drawing of its own
    return tuple(
        _network(network, [one for one in machines if homes[one.ip] == network])
        for network in audited
        if network.version == 4 or network in alone
    )


def _home(ip: str, audited: tuple[IPNetwork, ...]) -> IPNetwork | None:
    """Return the audited network that *ip* is drawn on: link-local addresses on the first, for no network is theirs."""
    address = ip_address(ip)
    first = audited[0] if audited and address.is_link_local else None
    return next((one for one in audited if address in one), first)


def _network(network: IPNetwork, inside: list[Machine]) -> Network:
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
            latin(one.machine.ip, *one.others),
            latin(one.machine.name if one.machine.name != one.machine.ip else "–"),
            latin(one.mac or "–"),
            words.prose(words.say(LEGEND[one.machine.state])),
            latin(", ".join(map(str, one.ports)) or "–"),
            latin(words.number(one.machine.findings)),
        )
        for one in rows
    )
