"""What the collectors are told (the job, never stored: it holds passwords) and what is kept of it (the record)."""

from __future__ import annotations

import json
from ipaddress import IPv4Network

from pydantic import Field, SecretStr

from wizara.audit.facts import LanFacts
from wizara.audit.mandate import Mandate
from wizara.inventory.types import InterfaceName, IPv4Address, Titles
from wizara.record.run import Record


class Pace(Record):
    """How gently the network is touched."""

    arp_per_second: int = Field(default=1000, ge=1, le=20_000)
    arp_rounds: int = Field(default=2, ge=1, le=5)
    sockets_per_host: int = Field(default=4, ge=1, le=16)
    sockets: int = Field(default=256, ge=1, le=1024)
    timeout: float = Field(default=1.5, gt=0, le=30)
    """Seconds to wait for a connection or an answer."""


class DeviceLogin(Record):
    """How to read a declared device's configuration."""

    name: str
    address: IPv4Address
    platform: str
    username: str
    password: SecretStr | None = None
    enable: SecretStr | None = None
    """The privileged mode's secret; the password when absent."""
    host_key: str | None = None
    """Its pinned OpenSSH public key; without one no password is sent."""


class Job(Record):
    """One collection. It goes to the worker's standard input and nowhere else."""

    run: str
    subject: str = "lan"
    vantage: str = "this computer"
    interface: InterfaceName | None = None
    facts: LanFacts
    mandate: Mandate
    lab: bool = False
    pace: Pace = Pace()
    devices: tuple[DeviceLogin, ...] = ()

    def secret_json(self) -> bytes:
        """Return the job with its passwords, for the worker's pipe only."""
        content = self.model_dump(mode="json", by_alias=True)
        for told, device in zip(content["devices"], self.devices, strict=True):
            told["password"] = device.password.get_secret_value() if device.password else None
            told["enable"] = device.enable.get_secret_value() if device.enable else None
        return json.dumps(content).encode()


class AuditRecord(Record):
    """``audit.json``: what the report must say about the audit itself."""

    ministry: str
    title: Titles | None = None
    country: str | None = None
    site: str | None = None
    site_title: Titles | None = None
    mandate: Mandate
    mandate_hash: str
    """SHA-256 of the mandate file."""
    facts: LanFacts
    vantage: str
    versions: dict[str, str]
    """Tool → version."""
    networks_seen: tuple[IPv4Network, ...] = ()
