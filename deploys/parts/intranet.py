"""The secure intranet: a WireGuard tunnel from each institution's gateway to the hub."""

from __future__ import annotations

from wizara.operations import directory, packages, template, this_node, unit


def install() -> None:
    """Install WireGuard's tools; the kernel brings the rest."""
    packages(name="WireGuard", names=("wireguard-tools",))


def configure() -> None:
    """Write this end of the tunnels; the private key is already there."""
    tunnel = this_node().tunnel
    if tunnel:
        directory(name="Tunnel folder", path="/etc/wireguard", mode="700")
        template(
            "Tunnels",
            "intranet/wg.conf.j2",
            f"/etc/wireguard/{tunnel.device}.conf",
            {"tunnel": tunnel},
            mode="600",
            reaches_node=True,
        )


def activate() -> None:
    """Bring the tunnels up."""
    tunnel = this_node().tunnel
    if tunnel:
        unit(
            name="Tunnels are up",
            unit_name=f"wg-quick@{tunnel.device}.service",
            files=(f"/etc/wireguard/{tunnel.device}.conf",),
            reaches_node=True,
        )
