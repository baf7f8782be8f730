"""The written order for an active audit: who asked, what may be touched, and when; and the gate that enforces it."""

from __future__ import annotations

import re
from datetime import date, datetime, time
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from wizara.audit.yaml_text import read_text, validated
from wizara.errors import Refusal
from wizara.inventory.types import Line, Model
from wizara.text import _

#: RFC 1918, link-local (RFC 3927) and, for tests on one's own machine, loopback.
PRIVATE = tuple(
    IPv4Network(text) for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "127.0.0.0/8")
)
#: Documentation ranges (RFC 5737): they exist in labs only.
DOCUMENTATION = tuple(IPv4Network(text) for text in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24"))


def _span(value: str) -> str:
    match = re.fullmatch(r"([01]\d|2[0-3]):([0-5]\d)-(?:([01]\d|2[0-3]):([0-5]\d)|24:00)", value)
    if not match:
        raise ValueError("should be written 08:00-18:00")
    if value[:5] >= value[6:]:
        raise ValueError("should end after it begins; write a night as two spans")
    return value


#: Hours of a day in the auditing machine's local time, ``08:00-18:00``.
Hours = Annotated[str, AfterValidator(_span)]


class Mandate(Model):
    """``mandate.yaml``."""

    commissioner: Line
    """Who ordered the audit."""
    reference: Line
    """Number of the order."""
    signed: date = Field(alias="date")
    perimeter: tuple[IPv4Network, ...] = Field(min_length=1)
    exclusions: tuple[IPv4Network, ...] = ()
    """Never touched, though inside the perimeter."""
    begins: date = Field(alias="from")
    """First day, inclusive."""
    ends: date = Field(alias="to")
    """Last day, inclusive."""
    hours: tuple[Hours, ...] = Field(min_length=1)
    operators: tuple[Line, ...] = Field(min_length=1)
    contact: Line
    """Whom to call when something goes wrong."""

    @model_validator(mode="after")
    def _ordered(self) -> Mandate:
        if self.ends < self.begins:
            raise ValueError("'to' should not be before 'from'")
        return self

    def check_time(self, moment: datetime) -> None:
        """Refuse when *moment* (local time) is outside the dates or hours."""
        if not self.begins <= moment.date() <= self.ends:
            raise Refusal(
                _("the mandate {reference} holds from {begins} to {ends}, not today").format(
                    reference=self.reference, begins=self.begins, ends=self.ends
                ),
                hint=_("have it renewed by {commissioner}").format(commissioner=self.commissioner),
            )
        if not any(_within(span, moment.time()) for span in self.hours):
            raise Refusal(
                _("the mandate {reference} allows {hours} only; it is {time}").format(
                    reference=self.reference, hours=", ".join(self.hours), time=f"{moment:%H:%M}"
                )
            )

    def allows(self, address: IPv4Address) -> bool:
        """Say whether *address* is inside the perimeter and not excluded."""
        return any(address in network for network in self.perimeter) and not any(
            address in network for network in self.exclusions
        )

    def check_network(self, network: IPv4Network) -> None:
        """Refuse a *network* that is not wholly inside the perimeter."""
        if not any(network.subnet_of(inside) for inside in self.perimeter):
            raise Refusal(
                _("{network} is outside the perimeter of the mandate {reference}").format(
                    network=network, reference=self.reference
                ),
                hint=_("its perimeter is {perimeter}").format(perimeter=", ".join(map(str, self.perimeter))),
            )


def _within(span: str, moment: time) -> bool:
    return span[:5] <= f"{moment:%H:%M}" < span[6:]


def read_mandate(path: Path) -> Mandate:
    """Read *path*; its absence is a refusal, a fault in it names its place."""
    if not path.is_file():
        raise Refusal(
            _("an active audit needs a mandate, and {path} is not there").format(path=path),
            hint=_("write it there, or name another with --mandate; the shipped ministry's is an example"),
        )
    return validated(read_text(path), Mandate, path)


def check_destination(mandate: Mandate, address: IPv4Address, moment: datetime, *, lab: bool) -> None:
    """Refuse (exit 6) unless *address* may be touched at *moment*: private, inside the perimeter, in time."""
    ranges = PRIVATE + DOCUMENTATION if lab else PRIVATE
    if not any(address in network for network in ranges):
        raise Refusal(_("{address} is no private address; wizara audits local networks only").format(address=address))
    if not mandate.allows(address):
        raise Refusal(
            _("{address} is outside the perimeter of the mandate {reference}").format(
                address=address, reference=mandate.reference
            )
        )
    mandate.check_time(moment)


def check_networks(mandate: Mandate, networks: tuple[IPv4Network, ...], *, lab: bool) -> None:
    """Refuse (exit 6) unless each of *networks* is private and wholly inside the perimeter."""
    ranges = PRIVATE + DOCUMENTATION if lab else PRIVATE
    for network in networks:
        if not any(network.subnet_of(one) for one in ranges):
            raise Refusal(
                _("{network} is no private network; wizara audits local networks only").format(network=network)
            )
        mandate.check_network(network)
