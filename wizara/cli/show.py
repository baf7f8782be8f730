"""``wizara show``: what follows from an inventory, as a list, as JSON, or as a picture."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from wizara.cli.options import json_option, ministry_argument

if TYPE_CHECKING:
    from wizara.blueprint import Blueprint
    from wizara.blueprint.models import PortPlan


@click.command()
@ministry_argument
@json_option
@click.option("--svg", "as_svg", is_flag=True, help="Print the ministry as an SVG picture.")
@click.option(
    "--words",
    type=click.Choice(["fr", "en", "ar"]),
    default="fr",
    show_default=True,
    help="Language of titles in the picture.",
)
def command(ministry: str, as_json: bool, as_svg: bool, words: str) -> int:
    """Print what follows from MINISTRY: nodes, addresses, zones, tunnels and permitted traffic."""
    from wizara.blueprint import derive
    from wizara.inventory import load, resolve

    found = load(resolve(ministry))
    blueprint = derive(found)
    if as_svg:
        from wizara.report.ministry_map import draw

        print(draw(found, blueprint, words), end="")
    elif as_json:
        print(json.dumps(_plain(blueprint), indent=2, ensure_ascii=False))
    else:
        _list(blueprint)
    return 0


def _plain(value: object) -> object:
    """Return *value* as JSON-ready values."""
    from dataclasses import fields, is_dataclass

    from pydantic import BaseModel

    from wizara.inventory.types import Service

    if isinstance(value, Service):
        return str(value)
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if is_dataclass(value):
        return {one.name: _plain(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, dict):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, (tuple, list)):
        return [_plain(one) for one in value]
    return value if value is None or isinstance(value, (str, int, bool)) else str(value)


def _port(port: PortPlan) -> str:
    """Return the port's name and addresses, of both families where it has both."""
    return " ".join(str(part) for part in (port.name, port.address, port.address6) if part)


def _list(blueprint: Blueprint) -> None:
    for node in blueprint.nodes.values():
        addresses = ", ".join(_port(port) for port in node.ports)
        print(f"{node.fqdn} ({node.release}: {', '.join(node.parts)})\n  {addresses}")
        if node.tunnel:
            print(
                f"  {node.tunnel.device} {node.tunnel.address} ↔ {', '.join(peer.node for peer in node.tunnel.peers)}"
            )
    for flow in blueprint.flows:
        six = bool(flow.sources6 and flow.targets6)
        sources = ", ".join(map(str, (*flow.sources, *(flow.sources6 if six else ()))))
        targets = ", ".join(map(str, (*flow.targets, *(flow.targets6 if six else ()))))
        services = ", ".join(map(str, flow.services))
        print(f"{flow.source_site} → {flow.target_site}: {sources} → {targets} {services} ({flow.reason})")
