"""The one way from a ministry to its blueprint: pure and deterministic."""

from __future__ import annotations

from ipaddress import IPv4Interface, IPv6Interface

from wizara.blueprint.directory import Directory
from wizara.blueprint.flows import flows, forwards, inbound
from wizara.blueprint.models import (
    Admin,
    Blueprint,
    Mailbox,
    MailPlan,
    NamesPlan,
    NodePlan,
    PermittedFlow,
    PortPlan,
    Zone,
)  # fmt: skip
from wizara.blueprint.tunnels import tunnel
from wizara.blueprint.zones import zones
from wizara.inventory.models import Ministry


def derive(ministry: Ministry) -> Blueprint:
    """Return all that follows from *ministry*."""
    directory = Directory(ministry)
    permitted = flows(directory)
    all_zones = zones(directory)
    nodes = {name: _node(directory, name, permitted, all_zones) for _site, name, _node_ in ministry.nodes()}
    return Blueprint(ministry.name, nodes, all_zones, permitted)


def _node(
    directory: Directory, name: str, permitted: tuple[PermittedFlow, ...], all_zones: tuple[Zone, ...]
) -> NodePlan:
    declaration = directory.ministry.declaration
    site = directory.node_sites[name]
    node = directory.node(name)
    ports = _ports(directory, name)
    names = tuple(directory.service_address(other) for other in directory.with_part("names"))
    is_gateway = any(port.kind == "uplink" for port in ports)
    is_names = "names" in node.parts
    return NodePlan(
        name=name, site=site, fqdn=directory.fqdn(name, site), domain=declaration.domain, release=node.release, parts=node.parts,
        manage=node.manage, ports=ports, management=declaration.management, admins=_admins(directory),
        provisioners=_provisioners(directory), resolvers=names,
        time_sources=() if is_names else names, time_clients=(*directory.ministry_networks, *directory.networks6) if is_names else (),
        gateway=None if is_gateway else directory.gateway(directory.ministry.sites[site]),
        inbound=inbound(directory, name, permitted), ministry_networks=directory.ministry_networks, apt=declaration.apt,
        networks6=directory.networks6,
        forwards=forwards(directory, name, permitted) if is_gateway else (),
        tunnel=tunnel(directory, name), mail=_mail(directory, name) if "mail" in node.parts else None,
        names=_names(directory, name, all_zones) if is_names else None, vantage=node.vantage,
    )  # fmt: skip


def _ports(directory: Directory, name: str) -> tuple[PortPlan, ...]:
    site = directory.ministry.sites[directory.node_sites[name]]
    enrolled = directory.ministry.enrolled.nodes.get(name)
    found_devices = enrolled.devices if enrolled else {}
    plans = []
    for port, interface in site.nodes[name].ports.items():
        device = interface.device or found_devices.get(port) or port
        if port in site.uplinks:
            uplink = site.uplinks[port]
            plans.append(PortPlan(port, device, "uplink", uplink.address, interface.mac, uplink.medium, uplink.gateway))
        else:
            lan = site.lans[port]
            address = IPv4Interface((interface.address, lan.network.prefixlen)) if interface.address else None
            six = IPv6Interface((interface.address6, 64)) if interface.address6 else None
            plans.append(PortPlan(port, device, "lan", address, interface.mac, lan.purpose, address6=six))
    return tuple(plans)


def _admins(directory: Directory) -> tuple[Admin, ...]:
    people = directory.ministry.declaration.people
    return tuple(
        Admin(login, people[login].name.fr, people[login].ssh_keys)
        for login in directory.ministry.declaration.engineers
    )


def _provisioners(directory: Directory) -> tuple[str, ...]:
    keys = [key for admin in _admins(directory) for key in admin.keys]
    return tuple(dict.fromkeys((*keys, *directory.ministry.enrolled.operator_keys)))


def _names(directory: Directory, name: str, all_zones: tuple[Zone, ...]) -> NamesPlan:
    six = directory.service_address6(name)
    return NamesPlan(
        zones=all_zones,
        forward=directory.ministry.declaration.dns.forward,
        clients=(*directory.ministry_networks, *(directory.networks6 if six else ())),
        listen=(directory.service_address(name), *((six,) if six else ())),
    )


def _mail(directory: Directory, name: str) -> MailPlan:
    declaration = directory.ministry.declaration
    people = declaration.people
    boxes = [Mailbox(person.mail, person.name.fr, (person.mail,)) for person in people.values()]
    for local, function in declaration.functions.items():
        holders = tuple(
            dict.fromkeys((local, *(people[login].mail for login in (function.holder, *function.deputies))))
        )
        boxes.append(Mailbox(local, function.title.fr, holders))
    boxes.append(Mailbox(declaration.mail.probe, "wizara", (declaration.mail.probe,)))
    return MailPlan(
        hostname=f"mail.{declaration.domain}",
        domains=directory.node(name).mail_domains or (declaration.domain,),
        mailboxes=tuple(boxes),
        selector=declaration.mail.selector,
        trusted=directory.ministry_networks,
        speaks6=directory.service_address6(name) is not None,
    )
