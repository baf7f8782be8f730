"""Permitted traffic: what parts bring, what people declared, and what each node must therefore let in or through."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Network, ip_address
from urllib.parse import urlsplit

from wizara.blueprint.directory import Directory, site_networks, site_networks6
from wizara.blueprint.models import Forward, Inbound, PermittedFlow
from wizara.inventory.types import Service

DNS = (Service(protocol="udp", port=53), Service(protocol="tcp", port=53))
TIME = (Service(protocol="udp", port=123),)
MAIL = (Service(protocol="tcp", port=587), Service(protocol="tcp", port=993))
SSH = Service(protocol="tcp", port=22)
_WEB = (Service(protocol="tcp", port=80), Service(protocol="tcp", port=443))
_BROUGHT = (("names", DNS, "names"), ("names", TIME, "time"), ("mail", MAIL, "mail"))


def flows(directory: Directory) -> tuple[PermittedFlow, ...]:
    """Return all permitted traffic between LANs, what parts bring first."""
    return (*_brought(directory), *_declared(directory))


def _brought(directory: Directory) -> Iterable[PermittedFlow]:
    tunnel = directory.ministry.declaration.intranet
    for part, services, reason in _BROUGHT:
        for node in directory.with_part(part):
            target = (IPv4Network(directory.service_address(node)),)
            for site_name, site in directory.ministry.sites.items():
                sources = site_networks(site)
                if tunnel and site.link and part == "names":
                    sources = (*sources, IPv4Network(site.link.address))
                target6 = directory.endpoint6(node)
                yield PermittedFlow(
                    sources, target, services, site_name, directory.node_sites[node], reason,
                    sources6=site_networks6(site) if target6 else (), targets6=target6,
                )  # fmt: skip


def _declared(directory: Directory) -> Iterable[PermittedFlow]:
    for flow in directory.ministry.declaration.flows:
        source_site, sources = directory.endpoint(flow.source)
        target_site, targets = directory.endpoint(flow.target)
        six = (directory.endpoint6(flow.source), directory.endpoint6(flow.target))
        sources6, targets6 = six if all(six) else ((), ())
        yield PermittedFlow(
            sources, targets, flow.services, source_site, target_site, flow.reason, sources6, targets6, declared=True
        )


def inbound(directory: Directory, name: str, permitted: Iterable[PermittedFlow]) -> tuple[Inbound, ...]:
    """Return what node *name* lets in: SSH from the management networks first, then its share of the permitted flows."""
    node = directory.node(name)
    own = {interface.ip for interface in directory.addresses(name)}
    rules = [Inbound(directory.ministry.declaration.management, SSH, "management")]
    for flow in permitted:
        if any(address in target for target in flow.targets for address in own):
            rules += [Inbound(flow.sources, service, flow.reason, flow.sources6) for service in flow.services]
    rules += [
        Inbound(directory.ministry_networks, service, "declared service", directory.networks6)
        for service in node.services
    ]
    intranet = directory.ministry.declaration.intranet
    if intranet and intranet.hub == name:
        rules.append(Inbound((), Service(protocol="udp", port=intranet.port), "intranet"))
    return _joined(rules)


def _joined(rules: Iterable[Inbound]) -> tuple[Inbound, ...]:
    """Return *rules* with the sources of equal service and reason joined, in order of first mention."""
    joined: dict[tuple[str, str], Inbound] = {}
    for rule in rules:
        key = (str(rule.service), rule.reason)
        before, before6 = (joined[key].sources, joined[key].sources6) if key in joined else ((), ())
        joined[key] = Inbound(
            tuple(dict.fromkeys((*before, *rule.sources))),
            rule.service,
            rule.reason,
            tuple(dict.fromkeys((*before6, *rule.sources6))),
        )
    return tuple(joined.values())


def forwards(directory: Directory, name: str, permitted: Iterable[PermittedFlow]) -> tuple[Forward, ...]:
    """Return what gateway *name* lets through: flows that cross it, and its site's nodes on their way to packages and names."""
    site_name = directory.node_sites[name]
    intranet = directory.ministry.declaration.intranet
    is_hub = intranet is not None and intranet.hub == name
    rules: list[Forward] = []
    for flow in permitted:
        if is_hub or site_name in {flow.source_site, flow.target_site}:
            sources = tuple(source for source in flow.sources if source not in flow.targets)
            sources6 = _elsewhere6(flow)
            targets6 = flow.targets6 if sources6 else ()
            rules += [
                Forward(sources, flow.targets, service, flow.reason, sources6, targets6)
                for service in flow.services
                if sources
            ]
    return (*rules, *_outward(directory, name))


def _elsewhere6(flow: PermittedFlow) -> tuple[IPv6Network, ...]:
    return tuple(source for source in flow.sources6 if source not in flow.targets6)


def _outward(directory: Directory, name: str) -> Iterable[Forward]:
    """Yield the ways out of the nodes behind gateway *name*: to the package mirror, and to foreign resolvers."""
    site = directory.ministry.sites[directory.node_sites[name]]
    behind = [other for other in site.nodes if other != name and not set(site.nodes[other].ports) & set(site.uplinks)]
    sources = tuple(IPv4Network(directory.service_address(other)) for other in behind)
    if not sources:
        return
    for service in _WEB:
        yield Forward(sources, _mirrors(directory), service, "packages", outside=True)
    resolvers = tuple(
        IPv4Network(directory.service_address(other)) for other in behind if "names" in site.nodes[other].parts
    )
    if resolvers:
        targets = tuple(IPv4Network(address) for address in directory.ministry.declaration.dns.forward)
        for service in DNS:
            yield Forward(resolvers, targets or (IPv4Network("0.0.0.0/0"),), service, "foreign names", outside=True)


def _mirrors(directory: Directory) -> tuple[IPv4Network, ...]:
    """Return the package mirror's addresses; anywhere, when it is declared by name or not at all."""
    apt = directory.ministry.declaration.apt
    hosts = [
        urlsplit(url).hostname or ""
        for url in ((apt.proxy,) if apt and apt.proxy else (apt.mirror, apt.security) if apt else ())
    ]
    try:
        literal = {IPv4Network(IPv4Address(ip_address(host).packed)) for host in hosts}
    except ValueError:
        literal = set()
    return tuple(sorted(literal)) or (IPv4Network("0.0.0.0/0"),)
