"""The DNS zones of a ministry: one forward zone, and a reverse zone for each LAN."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network

from wizara.blueprint.directory import Directory
from wizara.blueprint.models import Record, Zone


def zones(directory: Directory) -> tuple[Zone, ...]:
    """Return every zone of the ministry, the forward one first."""
    names = _addresses(directory)
    domain = directory.ministry.declaration.domain
    servers = tuple(directory.fqdn(node, directory.node_sites[node]) for node in directory.with_part("names"))
    if not servers:
        return ()
    records = [Record(f"{name}.", "A", str(address)) for name, address in names]
    records += _mail_records(directory)
    forward = Zone(f"{domain}.", (*_head(f"{domain}.", servers), *sorted(set(records), key=_order)))
    return (forward, *(_reverse(network, names, servers) for network in directory.ministry_networks))


def _order(record: Record) -> tuple[str, str, str]:
    return record.name, record.type, record.value


def _addresses(directory: Directory) -> list[tuple[str, IPv4Address]]:
    """Return (full name, address) of every node, host and device."""
    found = [
        (directory.fqdn(name, site), directory.service_address(name))
        for site, name, _node in directory.ministry.nodes()
    ]
    found += [(directory.fqdn(name, site), address) for name, (site, address) in directory.hosts.items()]
    domain = directory.ministry.declaration.domain
    found += [(f"mail.{domain}", directory.service_address(node)) for node in directory.with_part("mail")[:1]]
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


def _reverse(network: IPv4Network, names: list[tuple[str, IPv4Address]], servers: tuple[str, ...]) -> Zone:
    # A zone for each whole-octet block: /25 and longer get their own names under the /24's, which no resolver needs to delegate.
    octets = network.prefixlen // 8
    zone = ".".join(reversed(str(network.network_address).split(".")[:octets])) + ".in-addr.arpa."
    pointers: dict[IPv4Address, str] = {}
    for name, address in names:
        if address in network:
            pointers.setdefault(address, name)
    records = tuple(
        Record(f"{address.reverse_pointer}.", "PTR", f"{name}.") for address, name in sorted(pointers.items())
    )
    return Zone(zone, (*_head(zone, servers), *records))
