"""Two hundred hostile texts and more from each source: no formula, no control and no bidi character in any format or on the terminal."""

from __future__ import annotations

import csv
import io
import re
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))
from hostile_lan import SOURCES, case, payloads

from wizara.cli.audit_screen import show
from wizara.cli.auditing import Audited
from wizara.errors import ExitCode
from wizara.report.build import build
from wizara.report.case import Case
from wizara.report.data import data, finding
from wizara.report.html import html
from wizara.report.sarif import sarif
from wizara.report.tables import table
from wizara.report.words import Catalogue, Words

pytestmark = pytest.mark.lab

HIDDEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\U000e0000-\U000e007f]")
FORMULA = re.compile(r"[\s'\"]*[=+\-@|%\uff1d\uff0b\uff0d\uff20]")


@pytest.fixture(scope="module")
def lan() -> Case:
    return case()


def test_there_are_enough_of_them_and_each_reaches_a_finding(lan: Case) -> None:
    assert len(payloads()) >= 200
    assert len(SOURCES) >= 11
    machines = {one.verdict.subject.ip for one in lan.findings}
    assert len(machines) > len(payloads())


def test_no_cell_is_computed(lan: Case) -> None:
    rows = list(csv.reader(io.StringIO(table(lan, "en").decode("utf-8-sig"))))
    cells = [cell for row in rows[1:] for cell in row]
    assert len(cells) > 10_000
    assert sum(bool(FORMULA.match(cell)) and not cell.startswith("'") for cell in cells) == 0
    assert sum(bool(HIDDEN.search(cell.replace("\r", "").replace("\n", ""))) for cell in cells) == 0


@pytest.mark.parametrize("language", ["ar"])
def test_nothing_hidden_is_in_a_page_or_a_file_for_programs(lan: Case, language: str) -> None:
    page = html(build(lan, language)).decode()
    assert sum(1 for _one in HIDDEN.finditer(page)) == 0
    assert not re.search(r"<(?:script|iframe|img|link|object|embed|form)\b", page, re.IGNORECASE)
    for text in (data(lan, language).model_dump_json(), sarif(lan, language).decode()):
        assert HIDDEN.search(text.replace("\n", "")) is None


def test_the_terminal_hears_nothing_but_letters(lan: Case, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    texts, words = Catalogue("en"), Words("en")
    show(Audited(lan, ExitCode.PENDING, tmp_path, tuple(finding(one, texts, words) for one in lan.findings)))
    told = capsys.readouterr()
    assert len(told.out) > 50_000
    assert [*HIDDEN.finditer((told.out + told.err).replace("\n", ""))] == []
