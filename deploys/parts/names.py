"""The ministry's name server: answers its own zones, and asks onwards for everything else."""

from __future__ import annotations

from wizara.operations import packages, retired, template, this_node, unit

_UNBOUND = "/etc/unbound/unbound.conf"
_READY = """i=0; until ss -Hlun sport = :53 | grep -q .; do i=$((i+1)); [ $i -lt 60 ] || exit 1; sleep 0.5; done"""


def install() -> None:
    """Install unbound, and the root's keys for recursion without forwarders."""
    packages(name="Name server", names=("unbound", "dns-root-data"))


def configure() -> None:
    """Write the zones."""
    node = this_node()
    template("Zones and access", "names/unbound.conf.j2", _UNBOUND, {"node": node, "names": node.names},
             check='unbound-checkconf "$1" > /dev/null')  # fmt: skip


def activate() -> None:
    """Answer, in place of any other name server."""
    retired(name="No other name server", unit_names=("named", "dnsmasq", "pdns-recursor", "systemd-resolved"))
    unit(name="Name server answers", unit_name="unbound.service", files=(_UNBOUND,), ready=_READY)
