"""The cables between devices, as the devices themselves tell them."""

from __future__ import annotations

from wizara.report.case import Case
from wizara.report.document import Section, Table
from wizara.report.words import Words, latin
from wizara.text import N_
from wizara.tree import load


def cables(case: Case, words: Words) -> tuple[Section, ...]:
    """Return the section with a row for each cable; none when no device told of any."""
    names = {str(host.address): host.name for host in case.audit.facts.hosts}
    found = load("audits.devices.links").links(case.seen, names)
    if not found:
        return ()
    headers = (N_("Device"), N_("Port"), N_("Neighbour"), N_("Port of the neighbour"), N_("Bundle"), N_("Told by"))
    rows = tuple(
        tuple(
            latin(text or "–")
            for text in (one.device, one.port, one.neighbour, one.neighbour_port, one.bundle, one.source.upper())
        )
        for one in found
    )
    table = Table(headers=tuple(words.say(word) for word in headers), rows=rows, widths=(18, 18, 24, 18, 12, 10))
    return (Section(title=words.say(N_("Cables between devices")), anchor="cables", blocks=(table,)),)
