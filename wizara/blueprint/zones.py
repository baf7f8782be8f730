"""The DNS zones of a ministry: one forward zone, and the reverse zones of each LAN, of IPv4 and of IPv6."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from wizara.blueprint.directory import Directory
from wizara.blueprint.models import Record, Zone

Named = list[tuple[str, IPv4Address | IPv6Address]]
"""(full name, address) of every node, host and device."""


def zones(directory: Directory) -> tuple[Zone, ...]:
    """Return every zone of the ministry, the forward one first."""
    names = _addresses(directory)
    domain = directory.ministry.declaration.domain
    servers = tuple(directory.fqdn(node, directory.node_sites[node]) for node in directory.with_part("names"))
    if not servers:
        return ()
    records = [Record(f"{name}.", "A" if address.version == 4 else "AAAA", str(address)) for name, address in names]
    records += _mail_records(directory)
    forward = Zone(f"{domain}.", (*_head(f"{domain}.", servers), *sorted(set(records), key=_order)))
    networks: tuple[IPv4Network | IPv6Network, ...] = (*directory.ministry_networks, *directory.networks6)
    # Two LANs of one /24 have one zone between them: a name server has no two zones of one name.
    reverse = dict.fromkeys(zone for network in networks for zone in _reverse_names(network))
    return (forward, *(_reverse(zone, names, servers) for zone in reverse))


def _order(record: Record) -> tuple[str, str, str]:
    return record.name, record.type, record.value


def _addresses(directory: Directory) -> Named:
    found: Named = []
    places = [(name, directory.fqdn(name, site)) for site, name, _node in directory.ministry.nodes()]
    places += [(node, f"mail.{directory.ministry.declaration.domain}") for node in directory.with_part("mail")[:1]]
    for node, full in places:
        found.append((full, directory.service_address(node)))
        if six := directory.service_address6(node):
            found.append((full, six))
    for name, (site, address) in directory.hosts.items():
        found.append((directory.fqdn(name, site), address))
        if own := directory.hosts6.get(name):
            found.append((directory.fqdn(name, site), own))
    return found


def _head(zone: str, servers: tuple[str, ...]) -> tuple[Record, ...]:
    # The serial stays 1: nothing transfers these zones, and a zone that changes without cause would never be converged.
    soa = Record(zone, "SOA", f"{servers[0]}. hostmaster.{servers[0].partition('.')[2]}. 1 3600 600 604800 300")
    return (soa, *(Record(zone, "NS", f"{server}.") for server in servers))


def _mail_records(directory: Directory) -> list[Record]:
    """Return MX, SPF, DMARC, DKIM and the client's SRV records (RFC 6186) of each mail domain."""
    ministry = directory.ministry
    records: list[Record] = []
    for node in directory.with_part("mail"):
        host = f"mail.{ministry.declaration.domain}."
        for domain in directory.node(node).mail_domains or (ministry.declaration.domain,):
            records += [
                Record(f"{domain}.", "MX", f"10 {host}"),
                Record(f"{domain}.", "TXT", '"v=spf1 mx -all"'),
                Record(f"_dmarc.{domain}.", "TXT", '"v=DMARC1; p=reject; adkim=s; aspf=s"'),
                Record(f"_submission._tcp.{domain}.", "SRV", f"0 1 587 {host}"),
                Record(f"_imaps._tcp.{domain}.", "SRV", f"0 1 993 {host}"),
            ]
            if dkim := ministry.enrolled.dkim.get(domain):
                records.append(
                    Record(f"{dkim.selector}._domainkey.{domain}.", "TXT", _strings(f"v=DKIM1; k=rsa; p={dkim.public}"))
                )
    return records


def _strings(text: str) -> str:
    """Return *text* as DNS character strings of at most 255 bytes (RFC 1035 §3.3)."""
    return " ".join(f'"{text[start : start + 250]}"' for start in range(0, len(text), 250))


def _reverse_names(network: IPv4Network | IPv6Network) -> list[str]:
    """Return the zones that hold the reverse names of *network*: whole octets in IPv4, whole hex digits in IPv6 (RFC 3596).

    A /25 and longer stands in its /24's zone; a /20 is sixteen zones of a /24, since the rest of its /16 may be another's.
    """
    if isinstance(network, IPv6Network):
        whole = -(-network.prefixlen // 4) * 4
        return [_zone(block, whole // 4) for block in network.subnets(new_prefix=whole)]
    whole = min(-(-max(network.prefixlen, 1) // 8) * 8, 24)
    if whole < network.prefixlen:
        return [_zone(network.supernet(new_prefix=whole), whole // 8)]
    return [_zone(block, whole // 8) for block in network.subnets(new_prefix=whole)]


def _zone(block: IPv4Network | IPv6Network, labels: int) -> str:
    return ".".join(block.network_address.reverse_pointer.split(".")[-2 - labels :]) + "."


def _reverse(zone: str, names: Named, servers: tuple[str, ...]) -> Zone:
    pointers: dict[IPv4Address | IPv6Address, str] = {}
    for name, address in names:
        if f"{address.reverse_pointer}.".endswith(f".{zone}"):
            pointers.setdefault(address, name)
    records = tuple(
        Record(f"{address.reverse_pointer}.", "PTR", f"{name}.")
        for address, name in sorted(pointers.items(), key=lambda item: int(item[0]))
    )
    return Zone(zone, (*_head(zone, servers), *records))
