"""Which secrets a ministry needs, by what its nodes' parts are: pure, always the same names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from wizara.inventory.models import Ministry

Kind = Literal["authority", "certificate", "dkim", "mailbox", "snmp"]


@dataclass(frozen=True, order=True)
class RequiredSecret:
    """One secret that has to be there before a run."""

    site: str
    name: str
    kind: Kind
    nodes: tuple[str, ...]
    """Nodes whose deploys use it; none for what only wizara itself uses."""
    subject: str
    """What it is for: a domain, a node, the local part of a mailbox, a device."""

    @property
    def path(self) -> str:
        """Its file in the folder of secrets, without the ending."""
        return f"{self.site}/{self.name}"


def dashed(text: str) -> str:
    """Return a domain or local part as it stands in the name of a secret."""
    return text.replace(".", "-")


def mail_servers(ministry: Ministry) -> dict[str, tuple[str, str]]:
    """Return mail domain → (site, node) that receives for it."""
    servers = {}
    for site, name, node in ministry.nodes():
        if "mail" in node.parts:
            for domain in node.mail_domains or (ministry.declaration.domain,):
                servers[domain] = (site, name)
    return servers


def mailboxes(ministry: Ministry) -> tuple[str, ...]:
    """Return the local parts of every mailbox: people, functions, and the one that proofs write to."""
    declaration = ministry.declaration
    people = (person.mail for person in declaration.people.values())
    return (*people, *declaration.functions, declaration.mail.probe)


def required_secrets(ministry: Ministry) -> tuple[RequiredSecret, ...]:
    """Return the secrets that the declared parts need, sorted."""
    return tuple(sorted(_required(ministry)))


def snmp_secret(site: str, device: str) -> RequiredSecret:
    """Return the secret by which *device* is read by SNMP."""
    return RequiredSecret(site, f"snmp-{device}", "snmp", (), device)


def _required(ministry: Ministry) -> Iterator[RequiredSecret]:
    for name, declared in ministry.sites.items():
        yield from (snmp_secret(name, device) for device, one in declared.devices.items() if one.snmp)
    servers = mail_servers(ministry)
    if servers:
        headquarters = next(name for name, site in ministry.sites.items() if site.kind == "headquarters")
        yield RequiredSecret(headquarters, "ca", "authority", (), ministry.declaration.domain)
    for site, node in dict.fromkeys(servers.values()):
        yield RequiredSecret(site, f"{node}-tls", "certificate", (node,), node)
    for domain, (site, node) in servers.items():
        yield RequiredSecret(site, f"dkim-{dashed(domain)}", "dkim", (node,), domain)
    # Every mail server has every mailbox: the blueprint gives each of them the same list.
    for site in dict.fromkeys(site for site, _node in servers.values()):
        nodes = tuple(dict.fromkeys(node for where, node in servers.values() if where == site))
        for local_part in mailboxes(ministry):
            yield RequiredSecret(site, f"mailbox-{dashed(local_part)}", "mailbox", nodes, local_part)
