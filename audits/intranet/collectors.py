"""Looks at the intranet: both ends of each link, connections that must and must not pass, and what crosses the uplinks."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from contextlib import ExitStack
from ipaddress import IPv4Address, IPv4Network, IPv6Network
from urllib.parse import urlsplit

from pydantic import JsonValue

from audits.intranet.packets import Permitted, packets, sort
from audits.intranet.ways import Way, ways
from wizara.blueprint import NodePlan
from wizara.engine.ground import Ground, each

_WIREGUARD = 'date +%s; wg show "$1" dump'
#: At most five seconds of what crosses an uplink; nothing when there is no tcpdump.
_TCPDUMP = (
    'command -v tcpdump >/dev/null || exit 0; timeout 5 tcpdump -i "$1" -n -U -s 0 -w - 2>/dev/null | base64 -w0; true'
)
_PATIENCE = 2.5
"""Seconds that a connection is waited for: a satellite's round trip, twice, and a repeated first packet."""


def collect(ground: Ground, during: Callable[[], None]) -> None:
    """Look; *during* is what else goes over the uplinks while they are watched."""
    gateways = [name for name in ground.nodes if ground.blueprint.nodes[name].tunnel]

    def traffic() -> None:
        _try_ways(ground)
        during()

    if ground.capture:
        _watched_links(ground, traffic)
    else:
        each([*gateways, ""], lambda name: _watch_node(ground, ground.blueprint.nodes[name]) if name else traffic())
    each(
        [name for name in gateways if name in ground.machines], lambda name: _link(ground, ground.blueprint.nodes[name])
    )


def _link(ground: Ground, plan: NodePlan) -> None:
    """Ask one end what it knows of its peers."""
    assert plan.tunnel
    said = (ground.ask(plan.name, _WIREGUARD, plan.tunnel.device) or "").splitlines()
    clock = int(said[0]) if said and said[0].isdigit() else 0
    for line in said[2:]:
        words = line.split("\t")
        if len(words) < 8:
            continue
        age = clock - int(words[4]) if int(words[4]) else None
        facts: dict[str, JsonValue] = {
            "node": plan.name, "peer_key": words[0], "age": age, "received": int(words[5]), "sent": int(words[6]),
        }  # fmt: skip
        ground.saw("wireguard", "tunnel", facts, vantage=plan.name, site=plan.site, ip=str(plan.manage))
    asked: dict[str, JsonValue] = {"node": plan.name, "answer": len(said) > 1}
    ground.saw("wireguard-end", "tunnel", asked, vantage=plan.name, site=plan.site, ip=str(plan.manage))


def _try_ways(ground: Ground) -> None:
    sources = {place.site: place.address for place in ground.places}
    each(ways(ground.ministry, ground.blueprint, sources), lambda way: _try(ground, way))


def _try(ground: Ground, way: Way) -> None:
    place = ground.site(way.source)
    if place is None or place.name == way.target_name:
        return  # a gateway's filter does not stand between it and itself
    state = place.knock(way.address, way.port, _PATIENCE)
    facts: dict[str, JsonValue] = {
        "source": way.source, "target": way.target, "name": way.target_name, "purpose": way.purpose,
        "state": state or "untried", "from": place.name, "service": f"tcp/{way.port}",
    }  # fmt: skip
    ground.saw("knock", "reachability", facts, vantage=place.vantage, site=way.source, ip=way.address, port=way.port)


def permitted(ground: Ground) -> Permitted:
    """Return what may be seen on this ministry's uplinks."""
    declaration = ground.ministry.declaration
    urls = (declaration.apt.mirror, declaration.apt.security, declaration.apt.proxy) if declaration.apt else ()
    hosts = [urlsplit(url).hostname or "" for url in urls if url]
    literal = frozenset(IPv4Address(host) for host in hosts if host.replace(".", "").isdigit())
    plan = next(iter(ground.blueprint.nodes.values()))
    networks: tuple[IPv4Network | IPv6Network, ...] = (*plan.ministry_networks, *plan.networks6)
    port = declaration.intranet.port if declaration.intranet else 51820
    return Permitted(networks, port, declaration.management, literal, frozenset(declaration.dns.forward))


def _watched_links(ground: Ground, traffic: Callable[[], None]) -> None:
    """Watch every uplink of the ministry from outside while *traffic* goes on."""
    assert ground.capture
    wanted = [(plan, port.name) for plan in ground.blueprint.nodes.values() if plan.tunnel for port in plan.uplinks]
    with ExitStack() as stack:
        files = [(plan, name, stack.enter_context(ground.capture(f"{plan.site}.{name}"))) for plan, name in wanted]
        traffic()
        time.sleep(0.3)
    for plan, name, path in files:
        _saw_capture(ground, plan, name, path.read_bytes(), "link")
        path.unlink()


def _watch_node(ground: Ground, plan: NodePlan) -> None:
    """Let a gateway watch its own uplinks."""
    for port in plan.uplinks:
        said = ground.ask(plan.name, _TCPDUMP, port.device)
        _saw_capture(ground, plan, port.name, base64.b64decode(said or ""), plan.name)


def _saw_capture(ground: Ground, plan: NodePlan, uplink: str, content: bytes, vantage: str) -> None:
    facts: dict[str, JsonValue] = {"node": plan.name, "uplink": uplink}
    try:
        found = sort(packets(content), permitted(ground), ground.canary.encode())
        facts |= {"counts": dict(found.counts), "inside": found.counts["inside"], "foreign": found.counts["foreign"],
                  "canary": found.canary, "samples": [*found.inside, *found.foreign]}  # fmt: skip
        facts |= {"packets": found.counts.total()}
    except ValueError:
        facts |= {"answer": False}
    ground.saw("capture", "capture", facts, vantage=vantage, site=plan.site, ip=str(plan.manage))
