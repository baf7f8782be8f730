"""What is declared about the networks of an audit: the machines on them, and what those serve to whoever stands there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network

from wizara.audit.facts import Brought, DeclaredFlow, DeclaredLan, LanFacts, Services, lan_facts
from wizara.blueprint import derive
from wizara.blueprint.flows import SSH
from wizara.errors import UsageFault
from wizara.inventory.models import Ministry, Site
from wizara.inventory.types import Service
from wizara.place import did_you_mean
from wizara.text import _


def declared_facts(ministry: Ministry, site: str, chosen: tuple[str, ...], moment: str) -> LanFacts:
    """Return what is declared of the *chosen* LANs (none: all) of *site*; UsageFault when there is none of a name."""
    _known(site, ministry.sites, _("site"))
    declared = ministry.sites[site]
    for name in chosen:
        _known(name, declared.lans, _("LAN"))
    facts = lan_facts(ministry, site, chosen or tuple(declared.lans), moment, _node_services(ministry, declared))
    lans = tuple(DeclaredLan(name=name, network=lan.network) for name, lan in declared.lans.items())
    return facts.model_copy(update={"lans": lans, "flows": tuple(_flows(ministry))})


def _flows(ministry: Ministry) -> Iterator[DeclaredFlow]:
    """Yield what may pass between LANs: the flows, and SSH from the management networks to every node."""
    blueprint = derive(ministry)
    for flow in blueprint.flows:
        yield DeclaredFlow(sources=flow.sources, targets=flow.targets, services=_words(flow.services))
    for plan in blueprint.nodes.values():
        own = tuple(IPv4Network(port.address.ip) for port in plan.lans if port.address)
        services = tuple(str(rule.service) for rule in plan.inbound if not rule.sources)
        yield DeclaredFlow(sources=plan.management, targets=own, services=("tcp/22",))
        yield DeclaredFlow(sources=(IPv4Network("0.0.0.0/0"),), targets=own, services=services)


def bare_facts(networks: tuple[str, ...], moment: str) -> LanFacts:
    """Return the facts of *networks* without an inventory; UsageFault when one is none."""
    read = [_network(one) for one in networks]
    return LanFacts(
        networks=tuple(one for one in read if isinstance(one, IPv4Network)),
        networks6=tuple(one for one in read if isinstance(one, IPv6Network)),
        inventory=False,
        moment=moment,
    )


def _node_services(ministry: Ministry, site: Site) -> Services:
    """Return what the nodes of *site* serve to each LAN that they stand on: what an audit from there must find, and no more."""
    blueprint = derive(ministry)
    found: dict[tuple[str, str], Brought] = {}
    for name in site.nodes:
        plan = blueprint.nodes[name]
        for port in plan.lans:
            if port.address:
                lan, own = port.address.network, port.address.ip
                flows = [flow for flow in blueprint.flows if any(own in target for target in flow.targets)]
                meant = [service for flow in flows if _lets(flow.sources, lan) for service in flow.services]
                if _lets(plan.management, lan):
                    meant.insert(0, SSH)
                let_in = [rule.service for rule in plan.inbound if not rule.sources or _lets(rule.sources, lan)]
                found[(name, port.name)] = Brought(_words(meant), _words(let_in))
    return found


def _lets(sources: Iterable[IPv4Network], lan: IPv4Network) -> bool:
    return any(source.overlaps(lan) for source in sources)


def _words(services: Iterable[Service]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(map(str, services)))


def _known(name: str, known: Mapping[str, object], kind: str) -> None:
    if name not in known:
        near = did_you_mean(name, known)
        hint = (
            _("did you mean '{word}'?").format(word=near)
            if near
            else _("there are: {names}").format(names=", ".join(known))
        )
        raise UsageFault(_("no {kind} '{name}'").format(kind=kind, name=name), hint=hint)


def _network(text: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(text)
    except ValueError as fault:
        raise UsageFault(_("'{text}' is no network: {fault}").format(text=text, fault=fault)) from None
