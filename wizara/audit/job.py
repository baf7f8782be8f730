"""What the collectors are told (the job, never stored: it holds passwords) and what is kept of it (the record)."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import SecretStr

from wizara.audit.facts import LanFacts
from wizara.audit.limits import Network
from wizara.audit.mandate import Mandate
from wizara.audit.orders import Done, Orders, Pace
from wizara.inventory.types import InterfaceName, IPv4Address, SshPublicKey, Titles
from wizara.record.run import Record


class SnmpLogin(Record):
    """How a declared device's tables are read by SNMP."""

    version: Literal["2c", "3"]
    user: str = ""
    authentication: Literal["sha", "sha224", "sha256", "sha384", "sha512"] = "sha256"
    privacy: Literal["aes128", "aes192", "aes256", "none"] = "aes128"
    community: SecretStr | None = None
    authentication_key: SecretStr | None = None
    privacy_key: SecretStr | None = None

    @property
    def security(self) -> Literal["community", "authNoPriv", "authPriv"]:
        """What protects it: a community in clear, or the level of SNMPv3 (RFC 3411 §3.4.3)."""
        if self.version == "2c":
            return "community"
        return "authNoPriv" if self.privacy == "none" else "authPriv"

    @property
    def complete(self) -> bool:
        """Say whether all secrets are there that its security needs."""
        needed = {
            "community": (self.community,), "authNoPriv": (self.authentication_key,),
            "authPriv": (self.authentication_key, self.privacy_key),
        }  # fmt: skip
        return all(needed[self.security])


class DeviceLogin(Record):
    """How to read a declared device's configuration."""

    name: str
    address: IPv4Address
    platform: str
    username: str
    password: SecretStr | None = None
    enable: SecretStr | None = None
    """The privileged mode's secret; the password when absent."""
    access: Literal["ssh", "telnet", "legacy-ssh"] = "ssh"
    """As declared: anything but SSH with current algorithms is a finding."""
    host_key: str | None = None
    """Its pinned OpenSSH public key; without one no password is sent."""
    snmp: SnmpLogin | None = None
    """Where its tables are read by SNMP, too."""


class Station(Record):
    """A node of the audited site that is looked from, over SSH."""

    name: str
    address: IPv4Address
    """Where it is managed."""
    host_key: SshPublicKey
    """As pinned at enrolment."""
    user: str
    key_file: Path | None = None
    """None asks the agent and the operator's own keys."""


class Job(Record):
    """One collection. It goes to the worker's standard input and nowhere else."""

    run: str
    subject: str = "lan"
    vantage: str = "this computer"
    interface: InterfaceName | None = None
    facts: LanFacts
    networks: tuple[Network, ...] = ()
    """Those of the facts that this collection looks at; none means all."""
    routed: bool = False
    """Whether declared addresses are tried by route where the network is not attached."""
    stands: tuple[str, ...] = ()
    """The LANs of the site that it is plugged into: what passes from there is what passes from it."""
    station: Station | None = None
    """Where it runs; None is this computer."""
    mandate: Mandate
    lab: bool = False
    pace: Pace = Pace()
    ports: tuple[int, ...] = ()
    """The TCP ports to try; none means our own list."""
    listen: float = 0.0
    """Seconds to listen, at least."""
    passive: bool = False
    """Whether nothing is sent at all."""
    logins: bool = False
    """Whether logins that everybody knows are tried; the mandate must allow it, too."""
    locked: bool = False
    """Whether an earlier part of the run saw a sign of a lockout."""
    done: Done = Done()
    """What an interrupted run of it had done already."""
    devices: tuple[DeviceLogin, ...] = ()

    @property
    def targets(self) -> tuple[Network, ...]:
        """The networks that are looked at."""
        return self.networks or (*self.facts.networks, *self.facts.networks6)

    @property
    def may_log_in(self) -> bool:
        """Whether logins that everybody knows are tried: wanted, and allowed."""
        return self.logins and self.mandate.default_logins

    def orders(self) -> Orders:
        """Return what the scan itself is told: nothing that it need not know, and no secret."""
        declared = [
            (str(address), host)
            for host in self.facts.hosts
            for address in (host.address, host.address6)
            if address and any(address in network for network in self.targets)
        ]
        named = set(self.mandate.controllers)
        return Orders(
            networks=self.targets, declared={ip: host.services or () for ip, host in declared},
            limits=self.mandate.limits(
                lab=self.lab, spoken_to=(*named, *(ip for ip, host in declared if host.name in named))
            ),
            moment=datetime.now(UTC).astimezone(), interface=self.interface, routed=self.routed, pace=self.pace,
            roles={ip: host.role for ip, host in declared}, ports=self.ports, listen=self.listen, passive=self.passive,
            logins=self.may_log_in, locked=self.locked,
            done=self.done,
        )  # fmt: skip

    def secret_json(self) -> bytes:
        """Return the job with its passwords, for the worker's pipe only."""
        content = self.model_dump(mode="json", by_alias=True)
        for told, device in zip(content["devices"], self.devices, strict=True):
            _reveal(told, device)
            if device.snmp:
                _reveal(told["snmp"], device.snmp)
        return json.dumps(content).encode()


def _reveal(told: dict[str, Any], login: Record) -> None:
    """Put the secrets of *login* in the clear into what is *told* of it."""
    for name, value in login:
        if isinstance(value, SecretStr):
            told[name] = value.get_secret_value()


class View(Record):
    """What was looked at from one place."""

    vantage: str
    """``this computer``, or the name of the node."""
    station: bool = False
    """True for a node, over SSH."""
    networks: tuple[Network, ...]


class AuditRecord(Record):
    """``audit.json``: what the report must say about the audit itself."""

    ministry: str
    title: Titles | None = None
    country: str | None = None
    site: str | None = None
    site_title: Titles | None = None
    mandate: Mandate | None = None
    """None where nothing was contacted: files were read."""
    mandate_hash: str = ""
    """SHA-256 of the mandate file."""
    facts: LanFacts
    views: tuple[View, ...]
    """From where what was looked at; a network that is in none of them was not looked at."""
    versions: dict[str, str]
    """Tool → version."""
    pace: Pace = Pace()
    """How gently it was done; its name is the profile."""
    logins: bool = False
    """Whether logins that everybody knows were tried."""
