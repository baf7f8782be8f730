"""Which machines were there: an address may be of either family, and one card may use several."""

from __future__ import annotations

from ipaddress import ip_address

from wizara.audit.observation import Seen


def card(seen: Seen, ip: str) -> str | None:
    """Return the network card that was seen at *ip*."""
    return next((one.target.mac for one in seen.of("host", ip=ip) if one.target.mac), None)


def twin(seen: Seen, ip: str) -> str | None:
    """Return the IPv4 address that the card of the IPv6 address *ip* uses, too."""
    mac = card(seen, ip)
    hosts = seen.of_card(mac) if mac else ()
    return next((one.target.ip for one in hosts if ":" not in (one.target.ip or ":")), None)


def others(seen: Seen, ip: str) -> tuple[str, ...]:
    """Return the IPv6 addresses that the card of *ip* uses besides."""
    mac = card(seen, ip)
    hosts = seen.of_card(mac) if mac else ()
    found = {one.target.ip for one in hosts if one.target.ip and one.data.get("answer") is not False}
    return tuple(sorted(one for one in found if ":" in one and one != ip))


def living(seen: Seen) -> tuple[str, ...]:
    """Return the addresses that answered, our own apart: of a machine that has several, IPv4 ones, else the first of IPv6."""
    own = {one.target.ip for one in seen.of("vantage")}
    alive = {one.target.ip for one in seen.answered("host", "ports") if one.target.ip} - own
    four = sorted((ip for ip in alive if ":" not in ip), key=ip_address)
    cards = {one.target.mac for one in seen.answered("host") if one.target.mac and ":" not in (one.target.ip or "")}
    six: list[str] = []
    for ip in sorted((ip for ip in alive if ":" in ip), key=lambda ip: ("%" in ip, ip)):
        mac = card(seen, ip)
        if mac is None or mac not in cards:
            six.append(ip)
            cards |= {mac} if mac else set()
    return (*four, *six)
