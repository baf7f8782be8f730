"""Draws devices with the cables between them and the machines at their ports, as a tree that reads on screen and paper."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from wizara.audit.cvss import Severity
from wizara.report.figures import COLOURS, INK, LINE, PAPER, QUIET, rectangle, svg, text

_WIDTH, _STEP, _BOX, _HIGH, _LINE = 760.0, 30.0, 176.0, 34.0, 15.0
_CELL, _CELL_HIGH, _COLUMNS = 226.0, 22.0, 3
_TALLEST = 480.0
"""Of one drawing: a page has room for it."""
_DEEPEST = 7
"""Steps of indentation; what is deeper stays there."""


@dataclass(frozen=True)
class Strand:
    """One cable of a branch."""

    above: str
    """The port of the device above."""
    own: str
    bundle: str = ""
    both: bool = True
    """Whether both ends tell of it."""


@dataclass(frozen=True)
class Leaf:
    """A machine, or several, at a port."""

    port: str
    name: str
    declared: bool = True
    worst: Severity | None = None


@dataclass(frozen=True)
class Branch:
    """A device with what hangs below it."""

    name: str
    note: str = ""
    """Its address."""
    read: bool = True
    strands: tuple[Strand, ...] = ()
    leaves: tuple[Leaf, ...] = ()
    more: str = ""
    """How many machines are not drawn, in words."""
    below: tuple[Branch, ...] = ()
    again: bool = False
    """Whether the device stands elsewhere in the tree: this is a further cable to it."""


@dataclass(frozen=True)
class Legend:
    """The words of the legend."""

    read: str
    unread: str
    both: str
    one: str
    bundle: str
    again: str


@dataclass(frozen=True)
class _Row:
    depth: int
    high: float
    branch: Branch | None = None
    leaves: tuple[Leaf, ...] = ()
    more: str = ""
    above: int | None = None
    """The row of the device above."""


def draw(branches: Sequence[Branch], title: str, legend: Legend, *, mirrored: bool) -> list[str]:
    """Return the drawings, the legend first; each is low enough for a page."""
    rows: list[_Row] = []
    for branch in branches:
        _lay(branch, 0, None, rows)
    pages: list[list[int]] = [[]]
    for at, row in enumerate(rows):
        if pages[-1] and sum(rows[one].high for one in pages[-1]) + row.high > _TALLEST:
            pages.append([])
        pages[-1].append(at)
    pen = _Pen(mirrored)
    drawn = [pen.page(rows, page, title) for page in pages if page]
    return [svg(_WIDTH, 40, title, [*pen.legend(legend)]), *drawn] if drawn else []


def _lay(branch: Branch, depth: int, above: int | None, rows: list[_Row]) -> None:
    own = len(rows)
    high = max(_HIGH, _LINE * len(branch.strands) + (10 if any(one.bundle for one in branch.strands) else 0)) + 12
    rows.append(_Row(min(depth, _DEEPEST), high, branch, above=above))
    for at in range(0, len(branch.leaves), _COLUMNS):
        part = branch.leaves[at : at + _COLUMNS]
        more = branch.more if at + _COLUMNS >= len(branch.leaves) else ""
        rows.append(_Row(min(depth + 1, _DEEPEST), _CELL_HIGH + 6, leaves=part, more=more, above=own))
    for one in branch.below:
        _lay(one, depth + 1, own, rows)


@dataclass(frozen=True)
class _Pen:
    mirrored: bool

    def x(self, value: float, width: float = 0) -> float:
        return _WIDTH - value - width if self.mirrored else value

    def line(
        self, x1: float, y1: float, x2: float, y2: float, *, thick: float = 1.5, dash: str = "", colour: str = QUIET
    ) -> str:
        dashes = f' stroke-dasharray="{dash}"' if dash else ""
        ends = f'x1="{self.x(x1):g}" y1="{y1:g}" x2="{self.x(x2):g}" y2="{y2:g}"'
        return f'<line {ends} stroke="{colour}" stroke-width="{thick:g}"{dashes}/>'

    def words(
        self,
        x: float,
        y: float,
        told: str,
        *,
        end: bool = False,
        size: float = 10.5,
        bold: bool = False,
        fill: str = INK,
    ) -> str:
        anchor = "end" if end != self.mirrored else "start"
        return text(self.x(x), y, told, size=size, anchor=anchor, bold=bold, fill=fill)

    def page(self, rows: list[_Row], page: list[int], title: str) -> str:
        """Draw the rows of *page*; trunks that come from another page begin at its edge."""
        tops: dict[int, float] = {}
        y = 2.0
        for at in page:
            tops[at] = y
            y += rows[at].high
        body = [*self._trunks(rows, tops, y)]
        for at in page:
            body += self._leaves(rows[at], tops[at]) if rows[at].branch is None else self._device(rows[at], tops[at])
        return svg(_WIDTH, y + 2, title, body)

    def _trunks(self, rows: list[_Row], tops: dict[int, float], bottom: float) -> Iterator[str]:
        for above in sorted({row.above for row in rows if row.above is not None}):
            hanging = [at for at, row in enumerate(rows) if row.above == above]
            first, last = min(tops), max(tops)
            if above > last or hanging[-1] < first:
                continue
            begin = tops[above] + _HIGH + 2 if above in tops else 0.0
            here = [at for at in hanging if at in tops]
            end = bottom if hanging[-1] > last else tops[here[-1]] + self._middle(rows[here[-1]])
            x = rows[above].depth * _STEP + 14
            yield self.line(x, begin, x, end, colour=LINE, thick=2)

    @staticmethod
    def _middle(row: _Row) -> float:
        return _CELL_HIGH / 2 + 2 if row.branch is None else _HIGH / 2 + 2

    def _device(self, row: _Row, top: float) -> Iterator[str]:
        branch = row.branch
        assert branch is not None
        left, middle = row.depth * _STEP + 2, top + self._middle(row)
        if row.above is not None:
            dash = "" if any(one.both for one in branch.strands) else "4 3"
            yield self.line(left - _STEP + 12, middle, left, middle, dash=dash, thick=1.5 + len(branch.strands))
        dash = "" if branch.read else "5 3"
        fill = "#f3f5f6" if branch.again or not branch.read else PAPER
        yield rectangle(
            self.x(left, _BOX), top + 2, _BOX, _HIGH, fill, stroke=QUIET if branch.again else INK, dash=dash, radius=3
        )
        note = branch.note and branch.note != branch.name
        colour = QUIET if branch.again else INK
        yield self.words(
            left + 8, top + (16 if note else 23), _short(branch.name, 26), bold=not branch.again, size=11, fill=colour
        )
        if note:
            yield self.words(left + 8, top + 29, branch.note, size=9.5, fill=QUIET)
        yield from self._strands(branch, left + _BOX + 12, top)

    def _strands(self, branch: Branch, left: float, top: float) -> Iterator[str]:
        """Draw each cable as a line between the names of its two ports, the members of a bundle held together."""
        first = top + (_HIGH + 4 - _LINE * len(branch.strands)) / 2 if len(branch.strands) < 3 else top
        held: dict[str, list[float]] = {}
        for at, one in enumerate(branch.strands):
            y = first + at * _LINE + 11
            yield self.words(left + 76, y, _short(one.above, 16), end=True, size=10)
            yield self.line(left + 82, y - 3.5, left + 142, y - 3.5, dash="" if one.both else "4 3", colour=INK)
            yield self.words(left + 148, y, _short(one.own, 16), size=10)
            if one.bundle:
                held.setdefault(one.bundle, []).append(y - 3.5)
        for bundle, at_ in held.items():
            place = self.x(left + 107, 10)
            yield rectangle(place, min(at_) - 5, 10, max(at_) - min(at_) + 10, "none", stroke=INK, radius=5)
            yield self.words(left + 232, (min(at_) + max(at_)) / 2 + 3.5, _short(bundle, 24), size=10, bold=True)

    def _leaves(self, row: _Row, top: float) -> Iterator[str]:
        left = row.depth * _STEP + 2
        wide = min(_CELL, (_WIDTH - left - 4) / _COLUMNS - 6)
        yield self.line(left - _STEP + 12, top + self._middle(row), left, top + self._middle(row), colour=LINE)
        for at, one in enumerate(row.leaves):
            x = left + at * (wide + 6)
            colour = COLOURS[one.worst] if one.worst else LINE
            dash, stroke = ("", LINE) if one.declared else ("5 3", INK)
            yield rectangle(self.x(x, wide), top + 2, wide, _CELL_HIGH, PAPER, stroke=stroke, dash=dash, radius=3)
            yield rectangle(self.x(x, 4), top + 2, 4, _CELL_HIGH, colour, radius=1)
            yield self.words(x + 10, top + 17, _short(one.port, 13), size=9.5, fill=QUIET)
            yield self.words(x + wide - 6, top + 17, _short(one.name, 19), size=10, bold=True, end=True)
        if row.more:
            yield self.words(left + len(row.leaves) * (wide + 6) + 4, top + 17, row.more, size=10, fill=QUIET)

    def legend(self, legend: Legend) -> Iterator[str]:
        """Draw what the boxes and lines mean."""
        boxes = (
            (legend.read, "", PAPER, INK),
            (legend.unread, "5 3", "#f3f5f6", INK),
            (legend.again, "", "#f3f5f6", QUIET),
        )
        for at, (word, dash, fill, stroke) in enumerate(boxes):
            x = 8.0 + at * 250
            yield rectangle(self.x(x, 20), 4, 20, 12, fill, stroke=stroke, dash=dash)
            yield self.words(x + 27, 14, word, size=11.5, fill=QUIET)
        for at, (word, dash) in enumerate(((legend.both, ""), (legend.one, "4 3"))):
            x = 8.0 + at * 250
            yield self.line(x, 29, x + 20, 29, dash=dash, colour=INK)
            yield self.words(x + 27, 33, word, size=11.5, fill=QUIET)
        yield rectangle(self.x(513, 10), 22, 10, 14, "none", stroke=INK, radius=5)
        yield self.words(535, 33, legend.bundle, size=11.5, fill=QUIET)


def _short(name: str, most: int) -> str:
    return name if len(name) <= most else name[: most - 1] + "…"
