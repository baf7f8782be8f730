"""The written order for an active audit: who asked, what may be touched, and when."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from datetime import date, datetime
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, field_validator

from wizara.audit.facts import DeclaredHost
from wizara.audit.limits import Address, Limits, Network
from wizara.errors import InventoryFaults, Refusal, UsageFault
from wizara.inventory.document import Document, parse, quoted
from wizara.inventory.file import fitted
from wizara.inventory.reading import read, shown
from wizara.inventory.types import Line, Model
from wizara.text import N_, _


def _span(value: str) -> str:
    match = re.fullmatch(r"([01]\d|2[0-3]):([0-5]\d)-(?:([01]\d|2[0-3]):([0-5]\d)|24:00)", value)
    if not match:
        raise ValueError(N_("should be written 08:00-18:00"))
    if value[:5] >= value[6:]:
        raise ValueError(N_("should end after it begins; write a night as two spans"))
    return value


#: Hours of a day in the auditing machine's local time, ``08:00-18:00``.
Hours = Annotated[str, AfterValidator(_span)]


def _network(value: object) -> object:
    """Read it here: the two families would each tell their own fault of one value."""
    if isinstance(value, (IPv4Network, IPv6Network)):
        return value
    try:
        return ip_network(str(value))
    except ValueError:
        raise ValueError(N_("should be a network such as 10.0.0.0/24 or fd00:1:2:3::/64, without host bits")) from None


Range = Annotated[Network, BeforeValidator(_network)]


def _within_mandate(value: str, info: ValidationInfo) -> str:
    """Refuse an address that the mandate itself keeps out of reach; a name is of the inventory, which is not read here."""
    try:
        address = ip_address(value)
    except ValueError:
        return value
    perimeter, exclusions = info.data.get("perimeter", ()), info.data.get("exclusions", ())
    if perimeter and not address.is_link_local and not any(address in one for one in perimeter):
        raise ValueError(N_("should be inside the perimeter"))
    if any(address in one for one in exclusions):
        raise ValueError(N_("should not be among the exclusions"))
    return value


class Mandate(Model):
    """``mandate.yaml``."""

    commissioner: Line
    """Who ordered the audit."""
    reference: Line
    """Number of the order."""
    signed: date = Field(alias="date")
    perimeter: tuple[Range, ...] = Field(min_length=1)
    exclusions: tuple[Range, ...] = ()
    """Never touched, though inside the perimeter."""
    begins: date = Field(alias="from")
    """First day, inclusive."""
    ends: date = Field(alias="to")
    """Last day, inclusive."""
    hours: tuple[Hours, ...] = Field(min_length=1)
    operators: tuple[Line, ...] = Field(min_length=1)
    controllers: tuple[Annotated[Line, AfterValidator(_within_mandate)], ...] = ()
    """Industrial controllers that may be spoken to, each by its declared name or its address; all others are sent no byte."""
    default_logins: bool = False
    """Whether logins that everybody knows may be tried (``--default-logins``): each account at most twice a machine."""
    contact: Line
    """Whom to call when something goes wrong."""

    @field_validator("ends")
    @classmethod
    def _ordered(cls, value: date, info: ValidationInfo) -> date:
        begins = info.data.get("begins")
        if begins and value < begins:
            raise ValueError(N_("should not be before 'from'"))
        return value

    def limits(self, *, lab: bool, spoken_to: tuple[str, ...] = ()) -> Limits:
        """Return what it allows; in a *lab*, documentation ranges count as private; *spoken_to*: addresses of its controllers."""
        return Limits(
            reference=self.reference, commissioner=self.commissioner, perimeter=self.perimeter,
            exclusions=self.exclusions, begins=self.begins, ends=self.ends, hours=self.hours, lab=lab,
            spoken_to=spoken_to,
        )  # fmt: skip


def read_mandate(path: Path, hosts: Iterable[DeclaredHost] = ()) -> Mandate:
    """Read *path*; its absence is a refusal, a fault in it names its place.

    A mandate that is dated later than today is not signed yet. Controllers that it names are looked up among *hosts*.
    """
    if not os.path.lexists(path):
        raise Refusal(
            _("an active audit needs a mandate, and {path} is not there").format(path=path),
            hint=_("write it there, or name another with --mandate; the shipped ministry's is an example"),
        )
    document = parse(read(path, None), shown(path))
    mandate = fitted(document, Mandate)
    if mandate.signed > datetime.now().astimezone().date():
        raise UsageFault(
            _("this mandate is not signed yet: {date} lies ahead").format(date=mandate.signed),
            place=document.at(("date",), "date"),
            hint=_("correct the date, or audit from that day on"),
        )
    _check_controllers(mandate, document, hosts)
    return mandate


def _check_controllers(mandate: Mandate, document: Document, hosts: Iterable[DeclaredHost]) -> None:
    """Raise InventoryFaults with each named controller that is declared where the *mandate* does not reach."""
    limits, named = mandate.limits(lab=True), {name: number for number, name in enumerate(mandate.controllers)}
    words = _("'{name}' is declared at {address}, where this mandate does not reach")
    faults = [
        UsageFault(
            words.format(name=quoted(host.name), address=host.address),
            place=document.at(("controllers", named[host.name]), f"controllers[{named[host.name]}]"),
            hint=_("take it out, or have {commissioner} name its network").format(commissioner=mandate.commissioner),
        )
        for host in hosts
        if host.name in named and not limits.allows(host.address)
    ]
    if faults:
        raise InventoryFaults(faults)


def check_networks(mandate: Mandate, networks: tuple[Network, ...], *, lab: bool) -> None:
    """Refuse (exit 6) unless each of *networks* is private and wholly inside the perimeter."""
    for network in networks:
        mandate.limits(lab=lab).check_network(network)


def check_station(mandate: Mandate, name: str, address: Address) -> str:
    """Return what is to be told of the node *name*, at *address*, that is looked from; Refusal where it is excluded."""
    if any(address in one for one in mandate.exclusions):
        raise Refusal(
            _("the mandate {reference} excludes {name} ({address}): it is not looked from either").format(
                reference=mandate.reference, name=name, address=address
            ),
            hint=_("look from another place: --from names a node or a LAN"),
        )
    if any(address in one for one in mandate.perimeter):
        return ""
    return _("{name} is looked from at {address}, outside the perimeter of the mandate {reference}").format(
        name=name, address=address, reference=mandate.reference
    )


def check_logins(mandate: Mandate) -> None:
    """Refuse (exit 6) to try logins that everybody knows unless the *mandate* allows it."""
    if not mandate.default_logins:
        raise Refusal(
            _("the mandate {reference} does not allow logins to be tried").format(reference=mandate.reference),
            hint=_("have {commissioner} add default_logins: true, or leave --default-logins out").format(
                commissioner=mandate.commissioner
            ),
        )
