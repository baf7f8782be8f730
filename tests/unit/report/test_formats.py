"""Every format carries hostile text inert, whole findings, and the reader's own language."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
import re
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree as ET

import fastjsonschema
import pytest

from wizara.cli.audit_screen import show
from wizara.cli.auditing import Audited
from wizara.errors import ExitCode
from wizara.inventory.schema import derived
from wizara.report.build import build
from wizara.report.case import Case
from wizara.report.data import ReportData, data, finding
from wizara.report.html import html
from wizara.report.pdf import pdf
from wizara.report.tables import inert, table
from wizara.report.words import Catalogue, Words

LANGUAGES = ("fr", "en", "ar")
#: What our own templates use; anything else came from a network.
TAGS = {
    "html",
    "head",
    "meta",
    "title",
    "style",
    "body",
    "header",
    "p",
    "h1",
    "h2",
    "h3",
    "h4",
    "span",
    "bdi",
    "nav",
    "ol",
    "ul",
    "li",
    "a",
    "main",
    "section",
    "b",
    "dl",
    "div",
    "dt",
    "dd",
    "table",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
    "figure",
    "svg",
    "text",
    "rect",
    "line",
    "circle",
    "article",
    "details",
    "summary",
    "pre",
}


class Page(HTMLParser):
    """Collects tags, attributes and links."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _value in attrs}
        self.links += [value or "" for name, value in attrs if name in {"href", "src"}]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_page_holds_no_element_attribute_or_link_from_the_network(hostile_case: Case, language: str) -> None:
    page = Page()
    page.feed(html(build(hostile_case, language)).decode())
    assert page.tags <= TAGS
    assert not {
        name for name in page.attributes if name.startswith("on") or name in {"style", "src", "srcdoc", "action"}
    }
    assert all(link.startswith("#") for link in page.links)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_page_forbids_scripts_and_fetches_and_names_its_one_style(case: Case, language: str) -> None:
    text = html(build(case, language)).decode()
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]+)"', text)
    (style,) = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert policy.replace("&#39;", "'").startswith(
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; font-src data:"
    )
    assert "http://" not in style
    assert f'<html lang="{language}" dir="{"rtl" if language == "ar" else "ltr"}">' in text


def test_only_logical_properties_place_things_so_that_arabic_mirrors() -> None:
    style = (Path(__file__).parents[3] / "templates/report/report.css").read_text()
    assert not re.findall(
        r"(?:margin|padding|border)-(?:left|right|top|bottom)\b|float:|(?<![a-z-])(?:left|right|width|height):", style
    )


def test_hostile_text_is_still_readable_on_the_page(hostile_case: Case) -> None:
    text = html(build(hostile_case, "en")).decode()
    assert "&lt;script&gt;document.title=" in text
    assert r"\u{202e}evil\u{202c}" in text
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]", text)


@pytest.mark.parametrize("language", LANGUAGES)
def test_drawings_are_well_formed_and_have_words(hostile_case: Case, language: str) -> None:
    drawings = [
        block.svg
        for section in build(hostile_case, language).sections
        for block in section.blocks
        if block.kind == "figure"
    ]
    chart, _legend, *parts = drawings
    assert chart
    assert len(parts) >= 2  # many machines: no drawing is as high as a page
    for one in drawings:
        root = ET.fromstring(one)
        assert float(root.get("height", "")) < 500
        assert root.get("aria-label")
        assert {element.tag.rpartition("}")[2] for element in root.iter()} <= {"svg", "text", "rect", "line", "circle"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_pdf_names_every_finding_and_reads_nothing_as_markup(
    hostile_case: Case, language: str, tmp_path: Path
) -> None:
    path = tmp_path / "report.pdf"
    path.write_bytes(pdf(build(hostile_case, language)))
    text = subprocess.run(["pdftotext", "-layout", path, "-"], check=True, capture_output=True, text=True).stdout
    assert all(finding.id in text for finding in hostile_case.findings)
    assert "#panic(" in text
    assert "root:x:0" not in text
    raw = path.read_bytes()
    assert b"/JavaScript" not in raw
    assert b"/URI" not in raw


@pytest.mark.parametrize(
    ("language", "title"),
    [
        ("ar", "تقرير تدقيق الشبكة المحلية"),
        ("fr", "Rapport d'audit du réseau local"),
        ("en", "Local network audit report"),
    ],
)
def test_the_pdf_s_title_is_in_logical_order(case: Case, language: str, title: str, tmp_path: Path) -> None:
    path = tmp_path / "report.pdf"
    path.write_bytes(pdf(build(case, language)))
    text = subprocess.run(["pdftotext", path, "-"], check=True, capture_output=True, text=True).stdout
    assert title in re.sub(r"[\u200e\u200f\u202a-\u202e\u2066-\u2069]", "", text)


def test_the_same_run_gives_the_same_pdf(case: Case) -> None:
    assert pdf(build(case, "fr")) == pdf(build(case, "fr"))


@pytest.mark.parametrize(
    "value", ["=1+1", "+1", "-1", "@x", "\t=1", "\r=1", " =1", "＝1", "'=1", '"=1', "|x", "\n=1", "%0A"]
)
def test_a_cell_that_could_be_a_formula_is_text(value: str) -> None:
    assert inert(value) == f"'{value}"


@pytest.mark.parametrize("value", ["", "abc", "10.0.0.1", "a=b", "الشبكة"])
def test_a_cell_that_is_text_stays_as_it_is(value: str) -> None:
    assert inert(value) == value


def test_no_cell_of_the_table_begins_a_formula_and_each_finding_has_its_row(hostile_case: Case) -> None:
    rows = list(csv.reader(io.StringIO(table(hostile_case, "fr").decode("utf-8-sig"))))
    assert len(rows) == 1 + len(hostile_case.findings)
    assert {len(row) for row in rows} == {len(rows[0])}
    assert not [
        cell for row in rows for cell in row if re.match(r"[\s'\"]*[=+\-@|%\t\r\n]", cell) and not cell.startswith("'")
    ]


@pytest.mark.parametrize("language", LANGUAGES)
def test_json_is_its_own_model_and_holds_the_evidence_of_every_finding(hostile_case: Case, language: str) -> None:
    text = data(hostile_case, language).model_dump_json(by_alias=True)
    again = ReportData.model_validate_json(text)
    known = {one.id for one in again.observations}
    assert all(set(one.evidence) <= known for one in again.findings)
    assert again.evidence_hash == hostile_case.evidence_hash
    fastjsonschema.compile(derived(ReportData, "serialization"), use_default=False)(json.loads(text))
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", text)


def test_no_control_byte_reaches_the_terminal(
    hostile_case: Case, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    texts, words = Catalogue("en"), Words("en")
    shown = tuple(finding(one, texts, words) for one in hostile_case.findings)
    show(Audited(hostile_case, ExitCode.PENDING, tmp_path, shown))
    told = capsys.readouterr().out
    assert all(one.id in told for one in hostile_case.findings)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]", told)
