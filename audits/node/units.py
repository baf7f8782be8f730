"""The systemd units that each part brings to a node."""

from __future__ import annotations

from wizara.blueprint import NodePlan

_UNITS = {
    "node": ("nftables.service", "systemd-sysctl.service", "ssh.service", "chrony.service"),
    "names": ("unbound.service",),
    "intranet": ("wg-quick@wg0.service",),
    "mail": ("rspamd.service", "postfix.service", "dovecot.service"),
}


def units(plan: NodePlan) -> tuple[str, ...]:
    """Return the units that the parts of *plan* bring; Postfix's real one is an instance on Debian 12."""
    found = [unit for part in plan.parts for unit in _UNITS[part]]
    if plan.release == "bookworm" and "mail" in plan.parts:
        found.append("postfix@-.service")
    return tuple(found)
