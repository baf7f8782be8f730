"""Draws the audited networks with every machine on them: declared, undeclared, missing, and how badly each stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from wizara.audit.cvss import Severity
from wizara.report.figures import COLOURS, INK, LINE, PAPER, QUIET, rectangle, svg, text

State = Literal["declared", "undeclared", "missing", "unknown", "seen"]
#: More boxes than this no longer read on a page; the worst are drawn and the rest counted.
MOST = 60
_MOST_IN_ONE = 25
"""Boxes of one drawing: a page that has no room for them all must not stay half empty."""
_COLUMNS, _WIDTH, _BOX, _HIGH, _GAP, _MARGIN = 5, 760.0, 132.0, 50.0, 14.0, 30.0


@dataclass(frozen=True)
class Machine:
    """One box."""

    name: str
    ip: str
    state: State
    worst: Severity | None = None
    findings: int = 0


@dataclass(frozen=True)
class Network:
    """One bus with its machines."""

    label: str
    machines: tuple[Machine, ...]
    left_out: int = 0


def draw(networks: Sequence[Network], title: str, legend: dict[State, str], more: str, *, mirrored: bool) -> list[str]:
    """Return the map in drawings that may stand on different pages, the legend first; *more* follows the number left out."""
    drawings = []
    for network in networks:
        for at in range(0, max(len(network.machines), 1), _MOST_IN_ONE):
            part = replace(network, machines=network.machines[at : at + _MOST_IN_ONE])
            body, height = _network(part, more, mirrored=mirrored)
            drawings.append(svg(_WIDTH, height, f"{title}: {network.label}", body))
    return [svg(_WIDTH, 26, title, _legend(8, legend, mirrored=mirrored)), *drawings]


def _x(value: float, *, mirrored: bool, width: float = 0) -> float:
    return _WIDTH - value - width if mirrored else value


def _network(network: Network, more: str, *, mirrored: bool) -> tuple[list[str], float]:
    anchor = "end" if mirrored else "start"
    rows = [network.machines[at : at + _COLUMNS] for at in range(0, len(network.machines), _COLUMNS)]
    label = f"{network.label}" + (f"  +{network.left_out} {more}" if network.left_out else "")
    body = [text(_x(0, mirrored=mirrored), 14, label, size=13, bold=True, anchor=anchor)]
    spine = _x(8, mirrored=mirrored)
    bottom = 24.0
    for index, row in enumerate(rows):
        y = 34 + index * (_HIGH + _GAP + 8)
        last = _MARGIN + (len(row) - 1) * (_BOX + _GAP) + _BOX / 2
        body.append(_line(spine, y - 4, _x(last, mirrored=mirrored), y - 4))
        for column, machine in enumerate(row):
            left = _MARGIN + column * (_BOX + _GAP)
            middle = _x(left + _BOX / 2, mirrored=mirrored)
            body += [
                _line(middle, y - 4, middle, y + 4),
                *_box(machine, _x(left, mirrored=mirrored, width=_BOX), y + 4, mirrored=mirrored),
            ]
        bottom = y - 4
    body.append(_line(spine, 20, spine, bottom))
    return body, bottom + _HIGH + 14


def _line(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line x1="{x1:g}" y1="{y1:g}" x2="{x2:g}" y2="{y2:g}" stroke="{LINE}" stroke-width="2"/>'


def _box(machine: Machine, left: float, top: float, *, mirrored: bool) -> list[str]:
    gone = machine.state in {"missing", "unknown"}
    dash = {"declared": "", "undeclared": "5 3", "missing": "2 3", "unknown": "2 3", "seen": ""}[machine.state]
    colour = COLOURS[machine.worst] if machine.worst else LINE
    stroke = INK if machine.state == "undeclared" else LINE
    fill = "#f3f5f6" if gone else PAPER
    strip = left + _BOX - 5 if mirrored else left
    inner = left + 13
    name = machine.name if len(machine.name) <= 15 else machine.name[:14] + "…"
    drawn = [
        rectangle(left, top, _BOX, _HIGH, fill, stroke=stroke, dash=dash, radius=3),
        rectangle(strip, top, 5, _HIGH, colour, radius=1),
        text(inner, top + 20, name, size=11.5, bold=True, fill=QUIET if gone else INK),
        text(inner, top + 37, machine.ip if machine.name != machine.ip else "", size=10.5, fill=QUIET),
    ]
    if machine.findings:
        centre = left + _BOX - (19 if mirrored else 15)
        drawn += [f'<circle cx="{centre:g}" cy="{top + 34:g}" r="9" fill="{colour}"/>']
        drawn += [text(centre, top + 38, str(machine.findings), size=10.5, fill=PAPER, anchor="middle", bold=True)]
    return drawn


def _legend(y: float, words: dict[State, str], *, mirrored: bool) -> list[str]:
    drawn: list[str] = []
    at = _MARGIN
    for state, word in words.items():
        left = _x(at, mirrored=mirrored, width=20)
        drawn += [
            _box_sample(state, left, y),
            text(
                _x(at + 27, mirrored=mirrored),
                y + 10,
                word,
                size=12.5,
                fill=QUIET,
                anchor="end" if mirrored else "start",
            ),
        ]
        at += 180
    return drawn


def _box_sample(state: State, left: float, top: float) -> str:
    dash = {"declared": "", "undeclared": "5 3", "missing": "2 3", "unknown": "2 3", "seen": ""}[state]
    fill = "#f3f5f6" if state in {"missing", "unknown"} else PAPER
    return rectangle(left, top, 20, 12, fill, stroke=INK if state == "undeclared" else QUIET, dash=dash)
