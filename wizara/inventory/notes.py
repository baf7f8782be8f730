"""Remarks on a valid ministry: nothing is wrong, but something is still to do."""

from __future__ import annotations

from collections.abc import Iterator

from wizara.inventory.models import Ministry
from wizara.inventory.starter import EXAMPLE_KEY
from wizara.text import _

_LISTED = 8
"""Names written out in one remark."""


def notes(ministry: Ministry) -> tuple[str, ...]:
    """Return the remarks on *ministry*, each one line."""
    enrolled = ministry.enrolled.nodes
    names = [name for _site, name, _node in ministry.nodes()]
    remarks = []
    absent = [name for name in names if name not in enrolled]
    if absent:
        hint = _("not enrolled: {names} — wizara enrol {ministry}")
        remarks.append(hint.format(names=_row(absent), ministry=ministry.name))
    strangers = [name for name in enrolled if name not in set(names)]
    if strangers:
        remarks.append(_("enrolled, but declared no more: {names}").format(names=_row(strangers)))
    people = ministry.declaration.people
    examples = [name for name, person in people.items() if EXAMPLE_KEY in person.ssh_keys]
    if examples:
        remarks.append(_("the SSH key is still the example's, and nobody has it: {names}").format(names=_row(examples)))
    if ministry.declaration.apt is None:
        remarks.append(_("no package mirror is declared: nodes keep their own package sources"))
    if not ministry.declaration.recipients:
        remarks.append(_("no recipients are declared: secrets cannot be made for the field"))
    if not any("mail" in node.parts for _site, _name, node in ministry.nodes()):
        remarks.append(_("no node has the part 'mail': mailboxes are declared but not served"))
    remarks += [
        _(
            "{site}: {lan} has an IPv6 network, but its gateway {node} no address6 on it: nothing leaves that LAN over IPv6"
        ).format(site=site, lan=lan, node=node)
        for site, lan, node in _without_router6(ministry)
    ]
    return tuple(remarks)


def _without_router6(ministry: Ministry) -> Iterator[tuple[str, str, str]]:
    """Yield site, LAN and gateway where the LAN speaks IPv6 and the gateway on it does not."""
    for site, name, node in ministry.nodes():
        declared = ministry.sites[site]
        for port, interface in node.ports.items():
            lan = declared.lans.get(port)
            if lan and lan.network6 and not interface.address6 and any(one in declared.uplinks for one in node.ports):
                yield site, port, name


def _row(names: list[str]) -> str:
    shown = ", ".join(names[:_LISTED])
    return (
        shown
        if len(names) <= _LISTED
        else _("{names} and {number} more").format(names=shown, number=len(names) - _LISTED)
    )
