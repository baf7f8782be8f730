"""Names that stand twice: of machines and sites across the ministry, of ports at a site, of mailboxes."""

from __future__ import annotations

from collections.abc import Iterator

from wizara.errors import UsageFault
from wizara.inventory.cross.whole import Whole, twice
from wizara.inventory.required import dashed
from wizara.place import Place
from wizara.text import _


def machines(whole: Whole) -> Iterator[UsageFault]:
    """Yield a fault for each name that two sites, nodes, devices or hosts share: a flow could mean either."""
    seen: dict[str, tuple[str, tuple[str, ...]]] = {name: (name, ()) for name in whole.sites}
    for name, site in whole.sites.items():
        for group, members in (("nodes", site.nodes), ("devices", site.devices), ("hosts", site.hosts)):
            for member in members:
                where = (name, (group, member))
                first = seen.setdefault(member, where)
                if first != where:
                    yield twice(_key(whole, where), _key(whole, first), _("name '{name}'").format(name=member))


def _key(whole: Whole, where: tuple[str, tuple[str, ...]]) -> Place:
    return whole.site_place(where[0], *where[1], key=True)


def ports(whole: Whole) -> Iterator[UsageFault]:
    """Yield a fault for each name that a LAN and an uplink of one site share: a port could mean either."""
    for name, site in whole.sites.items():
        for uplink in site.uplinks:
            if uplink in site.lans:
                place = whole.site_place(name, "uplinks", uplink, key=True)
                first = whole.site_place(name, "lans", uplink, key=True)
                yield twice(place, first, _("name '{name}'").format(name=uplink))


def mailboxes(whole: Whole) -> Iterator[UsageFault]:
    """Yield a fault for each local part that two people or functions share."""
    seen: dict[str, Place] = {}
    people = ((person.mail, ("people", name, "mail"), False) for name, person in whole.declaration.people.items())
    functions = ((name, ("functions", name), True) for name in whole.declaration.functions)
    probe = ((whole.declaration.mail.probe, ("mail", "probe"), False),)
    for local_part, path, key in (*people, *functions, *probe):
        place = whole.place(*path, key=key)
        same = dashed(local_part)  # its secret is called so: a.b and a-b would share one
        if same in seen:
            yield twice(place, seen[same], _("mailbox '{name}'").format(name=local_part))
        seen.setdefault(same, place)
