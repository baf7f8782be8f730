"""Draws a ministry as one SVG picture: headquarters, its LANs and nodes, and the tunnels to every institution."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

from wizara.blueprint import Blueprint, NodePlan
from wizara.inventory.models import Ministry, Site

_WIDTH = 1040
_MARGIN = 20
_BOX, _GAP, _LAN = 58, 14, 26
_PER_ROW = 4
_COLOURS = {
    "administration": "#6b4fa0", "servers": "#1f6f8b", "office": "#3a7d44", "guests": "#9a6324",
}  # fmt: skip
_STYLE = """
text{font-family:'Noto Sans','DejaVu Sans',sans-serif;fill:#1d2733}
.site{fill:#fbfaf7;stroke:#c9c2b4}.name{font-size:17px;font-weight:600}.small{font-size:11px;fill:#5a6572}
.node{fill:#fff;stroke:#1f3a5f;stroke-width:1.4}.host{fill:#fff;stroke:#b9c0c7}.label{font-size:12.5px;font-weight:600}
.tunnel{fill:none;stroke:#b5532a;stroke-width:2.4}.wan{fill:#eef2f5;stroke:none}.drop{stroke-width:1.4}
.halo{paint-order:stroke;stroke:#fff;stroke-width:4px;stroke-linejoin:round}
"""


@dataclass
class _Canvas:
    """SVG pieces in drawing order."""

    pieces: list[str]

    def text(self, x: float, y: float, words: str, css: str, anchor: str = "start") -> None:
        self.pieces.append(f'<text x="{x:.0f}" y="{y:.0f}" class="{css}" text-anchor="{anchor}">{escape(words)}</text>')

    def box(self, x: float, y: float, width: float, height: float, css: str, radius: int = 8) -> None:
        self.pieces.append(
            f'<rect x="{x:.0f}" y="{y:.0f}" width="{width:.0f}" height="{height:.0f}" rx="{radius}" class="{css}"/>'
        )

    def line(self, start: tuple[float, float], end: tuple[float, float], colour: str, css: str = "drop") -> None:
        self.pieces.append(
            f'<line x1="{start[0]:.0f}" y1="{start[1]:.0f}" x2="{end[0]:.0f}" y2="{end[1]:.0f}" stroke={quoteattr(colour)} class="{css}"/>'
        )


def draw(ministry: Ministry, blueprint: Blueprint, language: str = "fr") -> str:
    """Return the picture as an SVG document without script or outside reference."""
    canvas = _Canvas([])
    canvas.text(_MARGIN, 32, ministry.declaration.title.in_(language), "name")
    canvas.text(_MARGIN, 51, ministry.declaration.domain, "small")
    heads = [(name, site) for name, site in ministry.sites.items() if site.kind == "headquarters"]
    rest = [(name, site) for name, site in ministry.sites.items() if site.kind == "institution"]
    top = 66.0
    hubs: dict[str, tuple[float, float]] = {}
    for name, site in heads:
        top += _site(canvas, (_MARGIN, top, _WIDTH - 2 * _MARGIN), name, site, blueprint, hubs, language) + 16
    band = top
    height = 110 if rest else 0
    if rest:
        canvas.box(_MARGIN, band, _WIDTH - 2 * _MARGIN, height - 22, "wan", 30)
        canvas.text(_WIDTH - _MARGIN - 18, band + 22, "WAN", "small", "end")
    bottom = _institutions(canvas, rest, band + height, blueprint, hubs, language)
    tunnels = "".join(_tunnels(blueprint, hubs))
    total = (bottom if rest else band) + _MARGIN
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {total:.0f}" width="{_WIDTH}" height="{total:.0f}" role="img">'
        f"<style>{_STYLE}</style>" + "".join(canvas.pieces) + tunnels + "</svg>\n"
    )


def _institutions(
    canvas: _Canvas,
    sites: list[tuple[str, Site]],
    top: float,
    blueprint: Blueprint,
    hubs: dict[str, tuple[float, float]],
    language: str,
) -> float:
    """Draw institutions in rows and return the lower edge."""
    columns = min(_PER_ROW, max(1, len(sites)))
    width = (_WIDTH - 2 * _MARGIN - (columns - 1) * 20) / columns
    for start in range(0, len(sites), columns):
        heights = [
            _site(canvas, (_MARGIN + column * (width + 20), top, width), name, site, blueprint, hubs, language)
            for column, (name, site) in enumerate(sites[start : start + columns])
        ]
        top += max(heights) + 40
    return top - 40


def _site(
    canvas: _Canvas, frame: tuple[float, float, float], name: str, site: Site, blueprint: Blueprint,
    hubs: dict[str, tuple[float, float]], language: str,
) -> float:  # fmt: skip
    """Draw one site in *frame* (x, y, width) and return its height."""
    x, y, width = frame
    slot = len(canvas.pieces)
    title = site.title.in_(language)
    longest = int((width - 70) / 7.6)
    # The mark keeps the dots behind an Arabic title, which is drawn in a line from left to right.
    cut = "…\u200f" if language == "ar" else "…"
    canvas.text(x + 14, y + 24, title if len(title) <= longest else title[: longest - 1] + cut, "label")
    canvas.text(x + 14, y + 40, name, "small")
    nodes = [blueprint.nodes[node] for node in site.nodes]
    lans = list(site.lans.items())
    row = y + 56
    step = (width - 28 + _GAP) / max(1, len(nodes))
    # A site with more than one LAN has its nodes above the bars; drops join each node to the LANs it stands on.
    bars = row + _BOX + 16
    box = min(step - _GAP, 190)
    places = {node.name: x + 14 + index * step for index, node in enumerate(nodes)}
    if site.kind == "institution":  # from the right, so that the tunnel passes beside the title
        places = {node.name: x + width - 14 - box - index * step for index, node in enumerate(nodes)}
    for node in nodes:
        _node(canvas, node, places[node.name], row, box, hubs, below=site.kind == "headquarters")
    for index, (lan, declared) in enumerate(lans):
        level = bars + index * (_LAN + 16)
        colour = _COLOURS[declared.purpose]
        canvas.line((x + 14, level + 14), (x + width - 14, level + 14), colour)
        vlan = f" · vlan {declared.vlan}" if declared.vlan else ""
        count = sum(1 for host in site.hosts.values() if host.lan == lan) + sum(
            1 for one in site.devices.values() if one.lan == lan
        )
        canvas.text(
            x + width - 16,
            level + 10,
            f"{lan} {declared.network}{vlan}" + (f" · {count} host{'s' if count > 1 else ''}" if count else ""),
            "small",
            "end",
        )
        for node in nodes:
            if any(port.name == lan for port in node.lans):
                drop = places[node.name] + 22 + index * 14
                canvas.line((drop, row + _BOX), (drop, level + 14), colour)
    height = bars + len(lans) * (_LAN + 16) - y + 4
    canvas.pieces.insert(
        slot, f'<rect x="{x:.0f}" y="{y:.0f}" width="{width:.0f}" height="{height:.0f}" rx="12" class="site"/>'
    )
    return height


def _node(
    canvas: _Canvas,
    node: NodePlan,
    x: float,
    y: float,
    width: float,
    hubs: dict[str, tuple[float, float]],
    *,
    below: bool,
) -> None:
    canvas.box(x, y, width, _BOX, "node")
    canvas.text(x + 10, y + 22, node.name, "label")
    canvas.text(x + 10, y + 38, " · ".join(part for part in node.parts if part != "node") or "node", "small")
    canvas.text(
        x + 10, y + 51, f"{node.release} · {', '.join(port.purpose for port in node.uplinks) or node.manage}", "small"
    )
    if node.tunnel:
        hubs[node.name] = (x + width - 24, y + (_BOX if below else 0))


def _tunnels(blueprint: Blueprint, ends: dict[str, tuple[float, float]]) -> Iterator[str]:
    """Yield each tunnel once, from the spoke's side."""
    for node in blueprint.nodes.values():
        for peer in node.tunnel.peers if node.tunnel else ():
            if peer.endpoint and peer.node in ends and node.name in ends and node.tunnel:
                (hub_x, hub_y), (x, y) = ends[peer.node], ends[node.name]
                middle = (hub_y + y) / 2 + 60
                bend = f"C{hub_x:.0f},{middle:.0f} {x:.0f},{middle - 60:.0f} {x:.0f},{y:.0f}"
                yield f'<path class="tunnel" d="M{hub_x:.0f},{hub_y:.0f} {bend}"/>'
                medium = node.uplinks[0].purpose if node.uplinks else ""
                words = f"{escape(medium)} · {node.tunnel.address.ip}"
                yield f'<text x="{x - 52:.0f}" y="{y - 66:.0f}" class="small halo" text-anchor="end">{words}</text>'
