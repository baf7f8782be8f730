"""A report as a value: sections of blocks, already in one language; renderers only lay it out and decide nothing."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from wizara.audit.cvss import Severity
from wizara.record.run import Record


class Span(Record):
    """A run of text; ``latin`` runs (addresses, names, dates, code) keep their left-to-right order inside Arabic."""

    text: str
    latin: bool = False


Inline = tuple[Span, ...]


class Paragraph(Record):
    """A paragraph."""

    kind: Literal["paragraph"] = "paragraph"
    text: Inline
    lead: bool = False
    """The opening paragraph, set larger."""


class Heading(Record):
    """A heading inside a section."""

    kind: Literal["heading"] = "heading"
    text: str


class Items(Record):
    """A list."""

    kind: Literal["items"] = "items"
    items: tuple[Inline, ...]


class Tile(Record):
    """A big number with its word."""

    number: str
    word: str
    severity: Severity | None = None


class Tiles(Record):
    """Numbers side by side."""

    kind: Literal["tiles"] = "tiles"
    tiles: tuple[Tile, ...]


class Risk(Record):
    """One of the first risks on the summary page."""

    id: str
    severity: Severity
    word: str
    title: str
    where: Inline
    risk: Inline


class Risks(Record):
    """The first risks."""

    kind: Literal["risks"] = "risks"
    risks: tuple[Risk, ...]


class Fields(Record):
    """Label and value pairs."""

    kind: Literal["fields"] = "fields"
    fields: tuple[tuple[str, Inline], ...]


class Table(Record):
    """A table; ``widths`` are relative."""

    kind: Literal["table"] = "table"
    headers: tuple[str, ...]
    rows: tuple[tuple[Inline, ...], ...]
    widths: tuple[int, ...]


class Figure(Record):
    """A drawing, as an SVG string of our own making, with the words for those who do not see it."""

    kind: Literal["figure"] = "figure"
    svg: str
    description: str
    share: int = 100
    """Width in percent of the page."""


class Evidence(Record):
    """One observation a finding rests on."""

    id: str
    """First 12 hex digits of the observation's id."""
    head: Inline
    content: str
    """What was seen, Latin, already harmless."""


class FindingBlock(Record):
    """One finding."""

    kind: Literal["finding"] = "finding"
    id: str
    severity: Severity
    word: str
    score: str
    cvss: str
    status: str
    title: str
    fields: tuple[tuple[str, Inline], ...]
    commands_word: str = ""
    commands: str = ""
    """What mends it, in the device's own syntax; a line each."""
    evidence_word: str
    evidence: tuple[Evidence, ...]


Block = Annotated[
    Paragraph | Heading | Items | Tiles | Risks | Fields | Table | Figure | FindingBlock, Field(discriminator="kind")
]


class Section(Record):
    """A part of the report; the first one is the minister's page."""

    title: str
    anchor: str
    blocks: tuple[Block, ...]


class Document(Record):
    """The whole report in one language."""

    language: Literal["fr", "en", "ar"]
    direction: Literal["ltr", "rtl"]
    title: str
    owner: str
    """The ministry, or the commissioner when there is no inventory."""
    place: str
    """The audited site or network."""
    date: Inline
    marking: str
    """How the report may travel."""
    run: str
    page_word: str
    contents_word: str
    timestamp: int
    """When the run began (seconds since 1970): the PDF carries this, so that the same run gives the same file."""
    sections: tuple[Section, ...]
