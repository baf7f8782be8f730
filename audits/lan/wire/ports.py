"""The network ports that the auditor looks from, with their addresses of both families."""

from __future__ import annotations

import fcntl
import socket
import struct
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Interface, IPv6Address, IPv6Interface
from pathlib import Path

from wizara.audit.limits import Address, Network

_SIOCGIFADDR, _SIOCGIFNETMASK, _SIOCGIFHWADDR = 0x8915, 0x891B, 0x8927
_SIX = Path("/proc/thread-self/net/if_inet6")
_TENTATIVE = 0x40 | 0x08
"""Flags of an address that is not used yet, or that another machine has (``IFA_F_TENTATIVE``, ``IFA_F_DADFAILED``)."""


@dataclass(frozen=True)
class Port:
    """The network interface that the auditor looks from."""

    name: str
    address: IPv4Interface
    mac: bytes
    addresses6: tuple[IPv6Interface, ...] = ()
    """Its IPv6 addresses that are in use, link-local ones among them."""

    @property
    def own(self) -> frozenset[str]:
        """Its addresses as texts."""
        return frozenset({str(self.address.ip), *(str(one.ip) for one in self.addresses6)})

    @property
    def link_local(self) -> IPv6Address | None:
        """Its link-local address, when IPv6 is on."""
        return next((one.ip for one in self.addresses6 if one.is_link_local), None)

    def attached(self, network: Network) -> bool:
        """Say whether it stands on *network*."""
        return self.address.ip in network or any(one.ip in network for one in self.addresses6)

    def source(self, target: Address) -> Address | None:
        """Return the address to speak to *target* from: one of the same network, else a link-local one (RFC 6724)."""
        if target.version == 4:
            return self.address.ip
        wide = [one.ip for one in self.addresses6 if target in one.network and not one.is_link_local]
        return wide[0] if wide else self.link_local


def ports() -> tuple[Port, ...]:
    """Return the interfaces of this network namespace that have an IPv4 address and a MAC, loopback apart."""
    six = _addresses6()
    found = [_port(name, six.get(name, ())) for _index, name in socket.if_nameindex() if name != "lo"]
    return tuple(port for port in found if port is not None)


def _port(name: str, six: tuple[IPv6Interface, ...]) -> Port | None:
    asked = struct.pack("256s", name.encode()[:15])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as channel:
        try:
            address, mask, hardware = (
                fcntl.ioctl(channel, code, asked) for code in (_SIOCGIFADDR, _SIOCGIFNETMASK, _SIOCGIFHWADDR)
            )
        except OSError:
            return None
    prefix = IPv4Address(mask[20:24])
    return Port(name, IPv4Interface(f"{IPv4Address(address[20:24])}/{prefix}"), hardware[18:24], six)


def _addresses6() -> dict[str, tuple[IPv6Interface, ...]]:
    """Return interface → its IPv6 addresses, of the calling thread's namespace."""
    found: dict[str, tuple[IPv6Interface, ...]] = {}
    for line in _SIX.read_text(encoding="ascii").splitlines() if _SIX.exists() else ():
        digits, _index, length, _scope, flags, name = line.split()
        if not int(flags, 16) & _TENTATIVE:
            one = IPv6Interface((int(digits, 16), int(length, 16)))
            found[name] = (*found.get(name, ()), one)
    return found
