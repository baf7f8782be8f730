"""Draws the severity chart as an SVG string of our own: one drawing serves page and paper, in both directions."""

from __future__ import annotations

from collections.abc import Mapping
from xml.sax.saxutils import escape, quoteattr

from wizara.audit.cvss import Severity

COLOURS: dict[Severity, str] = {
    "critical": "#7a0c2e",
    "high": "#b3261e",
    "medium": "#b06000",
    "low": "#2f6690",
    "info": "#5f6b76",
}
INK, QUIET, LINE, PAPER = "#1d2730", "#5f6b76", "#c9d0d6", "#ffffff"
FONTS = "'Noto Sans','Noto Naskh Arabic',sans-serif"


def svg(width: float, height: float, title: str, body: list[str]) -> str:
    """Return a drawing; its text runs left to right so that anchors mean the same everywhere."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}" '
        f'height="{height:g}" role="img" aria-label={quoteattr(title)} direction="ltr" font-family="{FONTS}">'
        + "".join(body)
        + "</svg>"
    )


def text(
    x: float, y: float, words: str, *, size: float = 12, fill: str = INK, anchor: str = "start", bold: bool = False
) -> str:
    """Return one line of text."""
    weight = ' font-weight="700"' if bold else ""
    style = f'font-size="{size:g}" fill="{fill}" text-anchor="{anchor}"{weight}'
    return f'<text x="{x:g}" y="{y:g}" {style}>{escape(words)}</text>'


def rectangle(
    x: float,
    y: float,
    width: float,
    height: float,
    fill: str,
    *,
    stroke: str = "none",
    dash: str = "",
    radius: float = 2,
) -> str:
    """Return a rectangle."""
    dashes = f' stroke-dasharray="{dash}"' if dash else ""
    place = f'x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="{radius:g}"'
    return f'<rect {place} fill="{fill}" stroke="{stroke}"{dashes}/>'


def severity_chart(counts: Mapping[Severity, int], words: Mapping[Severity, str], title: str, *, mirrored: bool) -> str:
    """Return horizontal bars of findings by severity, worst on top; mirrored for right-to-left readers."""
    width, label, row, bar = 640.0, 110.0, 30.0, 16.0
    longest = max(*counts.values(), 1)
    start, end = ("end", "start") if mirrored else ("start", "end")

    def x(value: float) -> float:
        return width - value if mirrored else value

    body = []
    for index, (name, count) in enumerate(counts.items()):
        y = index * row + 6
        length = (width - label - 50) * count / longest
        left = x(label) - (length if mirrored else 0)
        body += [text(x(label - 12), y + 13, words[name], anchor=end, size=15)]
        body += [rectangle(left, y, length, bar, COLOURS[name])] if count else []
        body += [text(x(label + length + 8), y + 13, str(count), anchor=start, bold=True, size=15)]
    axis = f'<line x1="{x(label):g}" y1="0" x2="{x(label):g}" y2="{len(counts) * row:g}" stroke="{LINE}"/>'
    return svg(width, len(counts) * row, title, [axis, *body])
