"""Parts of nodes that need one another, and domains that two mail servers claim."""

from __future__ import annotations

from collections.abc import Iterator

from wizara.errors import UsageFault
from wizara.inventory.cross.whole import Whole, twice
from wizara.place import Place
from wizara.text import _


def parts(whole: Whole) -> Iterator[UsageFault]:
    """Yield a fault for each node whose parts cannot stand together."""
    names = False
    for site, name, node in whole.nodes():
        names = names or "names" in node.parts
        place = whole.site_place(site, "nodes", name, "parts")
        if "node" not in node.parts:
            yield UsageFault(_("every node needs the part 'node'"), place=place)
        if len(set(node.parts)) < len(node.parts):
            yield UsageFault(_("a part stands here twice"), place=place)
    first = next(whole.nodes(), None)
    if first and not names and whole.complete:
        message = _("no node has the part 'names': nothing would resolve")
        place = whole.site_place(first[0], "nodes", first[1], key=True)
        yield UsageFault(message, place=place, hint=_("add 'names' to the parts of one node"))


def mail(whole: Whole) -> Iterator[UsageFault]:
    """Yield a fault for each domain with two mail servers, and for domains of a node that serves no mail."""
    servers: dict[str, Place] = {}
    for site, name, node in whole.nodes():
        if "mail" not in node.parts:
            if node.mail_domains:
                message = _("mail domains, but the node has not the part 'mail'")
                yield UsageFault(message, place=whole.site_place(site, "nodes", name, "mail_domains"))
            continue
        claimed: list[tuple[str, tuple[str | int, ...]]] = [(whole.declaration.domain, ("parts",))]
        if node.mail_domains:
            claimed = [(domain, ("mail_domains", index)) for index, domain in enumerate(node.mail_domains)]
        for domain, path in claimed:
            place = whole.site_place(site, "nodes", name, *path)
            if domain in servers:
                yield twice(place, servers[domain], _("a mail server for {domain}").format(domain=domain))
            servers.setdefault(domain, place)
