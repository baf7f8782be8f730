"""Makes a lab's namespaces, bridges and links as its wiring says."""

from __future__ import annotations

from ipaddress import IPv4Address

from wizara.lab import namespace
from wizara.lab.process import run
from wizara.lab.rehearsal import Outside
from wizara.lab.wiring import CORE, INTERNET, OPERATOR, Link, Port, Space, Wiring

#: What every namespace starts with, whatever this computer's own settings are: the kernel's defaults.
_SETTINGS = ("net.ipv4.conf.all.rp_filter=0", "net.ipv4.conf.default.rp_filter=0", "net.ipv4.ip_forward=0")


def build(lab: str, wiring: Wiring, outside: Outside) -> None:
    """Make all namespaces of *lab* and wire them."""
    places = [CORE, INTERNET, *wiring.spaces]
    run(["ip", "-batch", "-"], feed="".join(f"netns add {namespace.named(lab, place)}\n" for place in places))
    for place in (CORE, INTERNET):
        sysctl(lab, place, "net.ipv6.conf.all.disable_ipv6=1", "net.ipv6.conf.default.disable_ipv6=1")
    for place in places:
        sysctl(lab, place, *_SETTINGS)
    bridges = [
        line for bridge in wiring.lans.values() for line in (f"link add {bridge} type bridge", f"link set {bridge} up")
    ]
    batch(lab, CORE, [*bridges, "link set lo up"])
    plugs = 0
    for space in wiring.spaces.values():
        for port in space.ports:
            plugs += 1
            _plug(lab, wiring, space, port, plugs)
    _build_internet(lab, wiring, outside)
    for space in wiring.spaces.values():
        batch(lab, space.name, space.commands())


def batch(lab: str, place: str, lines: list[str]) -> None:
    """Run lines of ``ip`` in the namespace of *place*."""
    run(["ip", "-n", namespace.named(lab, place), "-batch", "-"], feed="\n".join(lines) + "\n")


def sysctl(lab: str, place: str, *settings: str) -> None:
    """Write kernel settings in the namespace of *place*."""
    run(["nsenter", f"--net={namespace.path(lab, place)}", "sysctl", "-qw", *settings])


def _plug(lab: str, wiring: Wiring, space: Space, port: Port, number: int) -> None:
    """Lay the cable of *port*: to a LAN's bridge, or to the internet namespace."""
    if port.lan:
        other, place = f"p{number}", CORE
    else:
        link = next(
            (link for link in wiring.links.values() if (link.space, link.port) == (space.name, port.name)), None
        )
        other, place = (link.interface if link else OPERATOR), INTERNET
    run(
        ["ip", "link", "add", "name", port.name, "address", port.mac, "netns", namespace.named(lab, space.name), "type", "veth",
         "peer", "name", other, "netns", namespace.named(lab, place)]
    )  # fmt: skip
    if port.lan:
        batch(lab, CORE, [f"link set {other} master {wiring.lans[port.lan]}", f"link set {other} up"])


def _build_internet(lab: str, wiring: Wiring, outside: Outside) -> None:
    # Without early demux: it would tie a packet to the local socket it is for, before the relay has had it.
    sysctl(lab, INTERNET, "net.ipv4.ip_forward=1", "net.ipv4.conf.all.send_redirects=0", "net.ipv4.ip_early_demux=0")
    lines = ["link set lo up", f"addr add {outside.gateway} dev {OPERATOR}", f"link set {OPERATOR} up"]
    lines += [f"addr add {address}/32 dev lo" for address in served(outside)]
    for link in wiring.links.values():
        lines += [f"addr add {link.far} dev {link.interface}", f"link set {link.interface} up"]
    batch(lab, INTERNET, lines)


def served(outside: Outside) -> list[IPv4Address]:
    """Return the addresses that the outside world itself answers on."""
    return sorted({outside.mirror, outside.resolver, *outside.names.values()})


def is_relayed(link: Link) -> bool:
    """Tell whether a link needs a relay at all."""
    return bool(link.figures.rtt or link.figures.loss or link.figures.rate)


def tunnel_device(number: int) -> str:
    """Return the relay device of the link with this number."""
    return f"relay{number}"


def steer(lab: str, link: Link, number: int) -> None:
    """Make the kernel lead every packet of *link* through its relay, once each way.

    The first rule keeps the gateway's next hop on the link itself: it answers ARP only for what it routes locally.
    """
    device, table, near = tunnel_device(number), 100 + number, link.near.ip
    # What the outside world itself sends comes back out of the relay with an address that is local here.
    sysctl(lab, INTERNET, f"net.ipv4.conf.{device}.rp_filter=0", f"net.ipv4.conf.{device}.accept_local=1")
    batch(
        lab,
        INTERNET,
        [
            f"link set {device} up",
            f"link set {device} txqueuelen 1000",
            f"route add default dev {device} table {table}",
            f"rule add pref 5 iif {link.interface} to {link.far.ip} lookup local",
            f"rule add pref 10 iif {link.interface} lookup {table}",
            f"rule add pref 15 iif {device} to {near} lookup main",
            f"rule add pref 20 to {near} lookup {table}",
        ],
    )


def order_rules(lab: str) -> None:
    """Let the relays' rules come before the local table, so that packets to the outside world itself are relayed too."""
    batch(lab, INTERNET, ["rule add pref 30 lookup local", "rule del pref 0"])
