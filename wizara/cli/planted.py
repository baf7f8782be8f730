"""Compares what an audit found in a rehearsal with what the rehearsal planted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from wizara.inventory.models import Ministry
from wizara.lab.rehearsal import Rehearsal

#: Fault of a rehearsal → the rule that must find it.
RULES = {
    "undeclared-host": "LAN-001", "declared-missing": "LAN-002", "telnet": "TEL-001", "switch-telnet": "SWI-001",
    "switch-default-community": "SWI-002", "switch-cleartext-passwords": "SWI-003", "certificate-expired": "TLS-002",
    "ftp-anonymous": "FTP-001", "redis-open": "RED-001", "smtp-open-relay": "SMT-001", "snmp-public": "SNM-001",
    "tls-old": "TLS-001", "ssh-weak": "SSH-001",
}  # fmt: skip


@dataclass(frozen=True)
class Comparison:
    """Planted and found, and on hosts without any fault, found."""

    planted: frozenset[tuple[str, str]]
    """(address, rule)"""
    missed: frozenset[tuple[str, str]]
    invented: frozenset[tuple[str, str]]
    """Findings on hosts that have no fault, and on nodes: those are hardened."""

    @property
    def as_planted(self) -> bool:
        """True when nothing was missed and nothing invented."""
        return not self.missed and not self.invented


def compare(ministry: Ministry, rehearsal: Rehearsal, site: str, found: Iterable[tuple[str, str]]) -> Comparison:
    """Compare the findings *found* (address, rule) of an audit of *site* with what *rehearsal* planted there."""
    declared = ministry.sites[site]
    addresses = {name: str(host.address) for name, host in declared.hosts.items()}
    addresses |= {name: str(device.address) for name, device in declared.devices.items()}
    residents = {name: one for name, one in rehearsal.population.items() if one.site in {None, site}}
    addresses |= {name: str(one.address) for name, one in residents.items() if one.address}
    planted = {
        (addresses[name], RULES[fault]) for name, one in residents.items() if name in addresses for fault in one.faults
    }
    planted |= {
        (addresses[name], RULES[fault])
        for name, faults in rehearsal.absent.items()
        if name in addresses
        for fault in faults
    }
    ports = [port for node in declared.nodes.values() for port in node.ports.values()]
    silent = {str(one) for port in ports for one in (port.address, port.address6) if one}
    sound = [name for name, one in residents.items() if name in addresses and not one.faults]
    silent |= {addresses[name] for name in sound}
    silent |= {str(host.address6) for name in sound if (host := declared.hosts.get(name)) and host.address6}
    seen = set(found)
    return Comparison(
        frozenset(planted),
        frozenset(planted - seen),
        frozenset((address, rule) for address, rule in seen if address in silent),
    )
