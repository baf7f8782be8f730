"""What a mandate allows to be touched, and when; the standard library only, for this gate stands on audited sites' nodes too."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import TypeAlias

from wizara.errors import Refusal
from wizara.text import _

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

#: RFC 1918, link-local (RFC 3927, RFC 4291), unique local (RFC 4193) and, for tests on one's own machine, loopback.
PRIVATE: tuple[Network, ...] = (
    *map(IPv4Network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "127.0.0.0/8")),
    *map(IPv6Network, ("fc00::/7", "fe80::/10", "::1/128")),
)
#: Documentation ranges (RFC 5737, RFC 3849): they exist in labs only.
DOCUMENTATION: tuple[Network, ...] = (
    *map(IPv4Network, ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24")),
    IPv6Network("2001:db8::/32"),
)


@dataclass(frozen=True)
class Limits:
    """The perimeter, days and hours of a mandate."""

    reference: str
    commissioner: str
    perimeter: tuple[Network, ...]
    exclusions: tuple[Network, ...]
    begins: date
    """First day, inclusive."""
    ends: date
    """Last day, inclusive."""
    hours: tuple[str, ...]
    """Spans of a day in the auditor's local time, ``08:00-18:00``."""
    lab: bool = False
    """In a lab, documentation ranges count as private."""
    spoken_to: tuple[str, ...] = ()
    """Addresses of the industrial controllers that may be sent bytes: the mandate names each."""

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

    def allows(self, address: Address) -> bool:
        """Say whether *address* is inside the perimeter and not excluded.

        A link-local IPv6 address is of the wire that is looked at, which the scan's own networks decide.
        """
        inside = address.is_link_local and address.version == 6
        return (inside or any(address in network for network in self.perimeter)) and not any(
            address in network for network in self.exclusions
        )

    def spares(self, network: Network) -> bool:
        """Say whether the mandate excludes part of *network*: then nothing is asked of all its machines at once."""
        return any(one.version == network.version and one.overlaps(network) for one in self.exclusions)

    def covers(self, network: Network) -> bool:
        """Say whether *network* may be looked at: private, and wholly inside the perimeter."""
        return any(within(network, one) for one in self._private) and any(
            within(network, one) for one in self.perimeter
        )

    def check_network(self, network: Network) -> None:
        """Refuse a *network* that is not private, or not wholly inside the perimeter."""
        if not any(within(network, one) for one in self._private):
            raise Refusal(
                _("{network} is no private network; wizara audits local networks only").format(network=network)
            )
        if not any(within(network, one) for one in self.perimeter):
            raise Refusal(
                _("{network} is outside the perimeter of the mandate {reference}").format(
                    network=network, reference=self.reference
                ),
                hint=_("its perimeter is {perimeter}").format(perimeter=", ".join(map(str, self.perimeter))),
            )

    def check_destination(self, address: Address, moment: datetime) -> None:
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
    def _private(self) -> tuple[Network, ...]:
        return PRIVATE + DOCUMENTATION if self.lab else PRIVATE


def within(network: Network, outer: Network) -> bool:
    """Say whether *network* lies wholly in *outer*; networks of two families never do."""
    if isinstance(network, IPv4Network):
        return isinstance(outer, IPv4Network) and network.subnet_of(outer)
    return isinstance(outer, IPv6Network) and network.subnet_of(outer)


def _within(span: str, moment: time) -> bool:
    return span[:5] <= f"{moment:%H:%M}" < span[6:]
