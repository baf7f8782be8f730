"""What has to fit between the parts of a ministry; each fault names both places."""

from wizara.errors import UsageFault
from wizara.inventory.cross import addresses, intranet, names, networks, parts, references
from wizara.inventory.cross.whole import Whole

CHECKS = (
    networks.overlaps,
    networks.vlans,
    networks.gateways,
    networks.management,
    addresses.outside,
    addresses.duplicates,
    addresses.macs,
    addresses.manage,
    names.machines,
    names.ports,
    names.mailboxes,
    references.engineers,
    references.people,
    references.flows,
    references.headquarters,
    intranet.hub,
    intranet.links,
    parts.parts,
    parts.mail,
)


def faults_between(whole: Whole) -> list[UsageFault]:
    """Return every fault between the parts of *whole*."""
    return [fault for check in CHECKS for fault in check(whole)]


__all__ = ["CHECKS", "Whole", "faults_between"]
