"""What only the lab adds to a ministry: its outside world, the figures of its links, first logins and planted faults."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from pydantic import Field

from wizara.errors import UsageFault
from wizara.inventory import reading
from wizara.inventory.file import read_file
from wizara.inventory.types import Fqdn, IPv4Address, IPv4Interface, Line, Mac, Model, Name, Port
from wizara.place import Place
from wizara.text import _

#: What a host of the lab can serve; ``wizara.lab.services`` knows how.
Serving = Literal[
    "ftp-anonymous", "http", "https-expired", "https-modern", "https-old", "printer", "redis-open", "redis-password", "series",
    "smtp-relay", "snmp-public", "ssh-hardened", "ssh-weak", "switch", "telnet",
]  # fmt: skip


class Figures(Model):
    """How a link to the outside behaves."""

    rtt: float = Field(default=0, ge=0, le=5000)
    """Round-trip time that the link adds, in ms."""
    loss: float = Field(default=0, ge=0, le=100)
    """Packets lost, in per cent, each way."""
    rate: int | None = Field(default=None, ge=8)
    """Limit each way, in kbit/s."""
    seed: int = 1
    """Start of the generator that chooses lost packets."""


class Outside(Model):
    """The world beyond the ministry's uplinks."""

    gateway: IPv4Interface
    """The operator's next hop."""
    operator: IPv4Interface
    """The operator's own address."""
    mirror: IPv4Address
    """Where packages are served over HTTP."""
    resolver: IPv4Address
    """Where names are resolved."""
    names: dict[Fqdn, IPv4Address] = Field(default={})
    """What the resolver knows; everything else does not exist."""


class Login(Model):
    """How a node lets its first visitor in, before it is enrolled."""

    user: Name = "root"
    key: bool = False
    """True when the lab's operator key is accepted."""
    password: Line | None = None
    sudo: Literal["none", "password", "nopasswd"] = "none"


class Resident(Model):
    """A host of the lab: a declared one by its name, or one that nobody declared, with its place."""

    site: Name | None = None
    lan: Name | None = None
    address: IPv4Address | None = None
    mac: Mac | None = None
    serves: tuple[Serving, ...] = ()
    faults: dict[Name, Port | None] = Field(default={})
    """Each planted fault with its port, if it has one."""


class Rehearsal(Model):
    """``rehearsal.yaml``, whole; never read in the field."""

    outside: Outside
    links: dict[Fqdn, Figures] = Field(default={})
    """``site.uplink`` → its figures."""
    logins: dict[Name, Login] = Field(default={})
    cdrom: tuple[Name, ...] = ()
    """Nodes whose package sources are the installer's disc only."""
    population: dict[Name, Resident] = Field(default={})
    absent: dict[Name, tuple[Name, ...]] = Field(default={})
    """Declared hosts that are not there, with the faults that this is."""


def read(folder: Path | str) -> Rehearsal:
    """Return the rehearsal of the ministry in *folder*; raise UsageFault, or every fault of it, when it is missing or wrong."""
    path = Path(folder) / "rehearsal.yaml"
    if not os.path.lexists(path):
        raise UsageFault(_("no rehearsal.yaml: this ministry cannot be rehearsed"), place=Place(reading.shown(path)))
    return read_file(path, Rehearsal, Path(folder))
