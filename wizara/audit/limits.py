"""What a mandate allows to be touched, and when; the standard library only, for this gate stands on audited sites' nodes too."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from ipaddress import IPv4Address, IPv4Network

from wizara.errors import Refusal
from wizara.text import _

#: RFC 1918, link-local (RFC 3927) and, for tests on one's own machine, loopback.
PRIVATE = tuple(
    IPv4Network(text) for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "127.0.0.0/8")
)
#: Documentation ranges (RFC 5737): they exist in labs only.
DOCUMENTATION = tuple(IPv4Network(text) for text in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24"))


@dataclass(frozen=True)
class Limits:
    """The perimeter, days and hours of a mandate."""

    reference: str
    commissioner: str
    perimeter: tuple[IPv4Network, ...]
    exclusions: tuple[IPv4Network, ...]
    begins: date
    """First day, inclusive."""
    ends: date
    """Last day, inclusive."""
    hours: tuple[str, ...]
    """Spans of a day in the auditor's local time, ``08:00-18:00``."""
    lab: bool = False
    """In a lab, documentation ranges count as private."""

    def check_time(self, moment: datetime) -> None:
        """Refuse when *moment* (the auditor's local time) is outside the days or hours."""
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
        """Refuse a *network* that is not private, or not wholly inside the perimeter."""
        if not any(network.subnet_of(one) for one in self._private):
            raise Refusal(
                _("{network} is no private network; wizara audits local networks only").format(network=network)
            )
        if not any(network.subnet_of(inside) for inside in self.perimeter):
            raise Refusal(
                _("{network} is outside the perimeter of the mandate {reference}").format(
                    network=network, reference=self.reference
                ),
                hint=_("its perimeter is {perimeter}").format(perimeter=", ".join(map(str, self.perimeter))),
            )

    def check_destination(self, address: IPv4Address, moment: datetime) -> None:
        """Refuse (exit 6) unless *address* may be touched at *moment*: private, inside the perimeter, in time."""
        if not any(address in network for network in self._private):
            raise Refusal(
                _("{address} is no private address; wizara audits local networks only").format(address=address)
            )
        if not self.allows(address):
            raise Refusal(
                _("{address} is outside the perimeter of the mandate {reference}").format(
                    address=address, reference=self.reference
                )
            )
        self.check_time(moment)

    @property
    def _private(self) -> tuple[IPv4Network, ...]:
        return PRIVATE + DOCUMENTATION if self.lab else PRIVATE


def _within(span: str, moment: time) -> bool:
    return span[:5] <= f"{moment:%H:%M}" < span[6:]
