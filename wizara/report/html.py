"""The report as one HTML file: no script, nothing fetched, a content policy that forbids both."""

from __future__ import annotations

import base64
import hashlib

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from wizara.report.document import Document, Inline
from wizara.report.fonts import FOLDER, faces
from wizara.tree import template_folder

_SOURCES = "default-src 'none'; style-src 'sha256-{digest}'; img-src data:; font-src data:"
_POLICY = f"{_SOURCES}; base-uri 'none'; form-action 'none'"


def html(document: Document) -> bytes:
    """Return the page."""
    environment = Environment(
        loader=FileSystemLoader(template_folder() / "report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["inline"] = _inline
    environment.filters["ltr"] = _ltr
    style = _style(document)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    page = environment.get_template("report.html").render(
        document=document,
        style=Markup(style),  # noqa: S704 - our own file and fonts; no value of a report is in it
        policy=_POLICY.format(digest=digest),
    )  # the style is our own file and fonts, no value of a report is in it
    return page.encode()


def _ltr(text: str) -> Markup:
    return Markup('<bdi dir="ltr">{}</bdi>').format(text)


def _inline(spans: Inline) -> Markup:
    return Markup("").join(_ltr(span.text) if span.latin else span.text for span in spans)


def _style(document: Document) -> str:
    embedded = [
        f"@font-face{{font-family:'{face.family}';font-weight:{face.weight};"
        f"src:url(data:font/ttf;base64,{_base64(face.file)}) format('truetype')}}"
        for face in faces(document.language)
    ]
    return "\n".join([*embedded, (template_folder() / "report" / "report.css").read_text(encoding="utf-8")])


def _base64(file: str) -> str:
    return base64.b64encode((FOLDER / file).read_bytes()).decode()
