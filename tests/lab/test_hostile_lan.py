"""Two hundred hostile texts and more from each source: no formula, no control and no bidi character in any format or on the terminal."""

from __future__ import annotations

import csv
import io
import json
import re
import sqlite3
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

sys.path.insert(0, str(Path(__file__).parents[1]))
from hostile_lan import case, payloads
from hostile_sources import SOURCES

from wizara.audit.observation import Seen
from wizara.audit.proposal import draft, undeclared
from wizara.cli.audit_screen import show, tell
from wizara.cli.auditing import Audited
from wizara.cli.main import complain
from wizara.cli.reporting import write
from wizara.errors import ExitCode, Unfinished
from wizara.record.folder import RunFolder
from wizara.record.world import World
from wizara.report.build import build
from wizara.report.case import AUDIT, OBSERVATIONS, VERDICTS, Case
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


def strings(value: Any) -> Iterator[str]:
    """Yield the texts in *value*, keys too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from (one for pair in value.items() for part in pair for one in strings(part))
    elif isinstance(value, list):
        yield from (one for part in value for one in strings(part))


def core(text: str) -> str:
    """Return the first word of *text* that passes unchanged, by which it is known again."""
    return max(re.findall(r"[A-Za-z0-9]+", text[:60]), key=len, default="")[:8]


def test_every_source_carries_every_text_and_hides_nothing() -> None:
    """Each is read by wizara's own code from the bytes of its protocol; the table counts them one by one."""
    texts = payloads()
    print(f"\n{'source':42} {'texts':>5} {'carried':>7} {'with hidden characters':>22} {'of those left':>13}")
    for source, read in SOURCES.items():
        carried = evil = left = 0
        for text in texts:
            found = [one for _kind, data, _port in read(text.encode("utf-8", "surrogatepass")) for one in strings(data)]
            known = bool(found) and any(core(text) in one for one in found)
            carried += known
            evil += known and bool(HIDDEN.search(text))
            left += any(HIDDEN.search(one.replace("\n", "")) for one in found)
        print(f"{source:42} {len(texts):5} {carried:7} {evil:22} {left:13}")
        assert left == 0
        assert carried >= 200, source
        assert evil >= 40, source


def test_there_are_enough_of_them_and_each_reaches_a_finding(lan: Case) -> None:
    assert len(payloads()) >= 200
    assert len(SOURCES) >= 25
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


def test_records_the_journal_progress_and_file_names_hold_nothing_hidden(
    lan: Case, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs, out = tmp_path / "runs", tmp_path / "out"
    folder = RunFolder.create(runs, "audit", "mps", World())
    for one in lan.observations:
        folder.append(OBSERVATIONS, one)
        tell(one)
    folder.write(AUDIT, lan.audit)
    folder.write(VERDICTS, lan.verdicts)
    folder.finish(folder.run.model_copy(update={"ended": datetime.now(UTC), "exit_code": 4}))
    written = [*write(runs, folder.run.id, ("en",), ("csv", "json", "sarif"), out)]
    assert len(written) == 5, "one table of findings, of cables and of ports, JSON and SARIF"
    names = [str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")]
    assert [name for name in names if not re.fullmatch(r"[A-Za-z0-9./_-]+", name)] == []
    lines = 0
    for path in folder.path.iterdir():
        for line in path.read_text().splitlines() if path.suffix == ".jsonl" else [path.read_text()]:
            lines += 1
            assert HIDDEN.search(line.replace("\n", "")) is None, path.name
            assert not [text for text in strings(json.loads(line)) if HIDDEN.search(text.replace("\n", ""))], path.name
    with sqlite3.connect(runs / "journal.db") as journal:
        kept = [str(cell) for row in journal.execute("SELECT * FROM journal") for cell in row]
    assert not [text for text in kept if HIDDEN.search(text)]
    progress = capsys.readouterr()
    assert progress.err
    assert HIDDEN.search((progress.out + progress.err).replace("\n", "")) is None
    print(
        f"records: {lines} lines; journal: {len(kept)} cells; progress: {len(progress.err)} characters; names: {len(names)}"
    )


def test_a_drafted_inventory_is_plain_yaml(lan: Case) -> None:
    facts, seen = lan.audit.facts, Seen(lan.observations)
    ips = dict.fromkeys(one.target.ip for one in seen.answered("host") if one.target.ip)
    found = undeclared(seen, facts, ips, lambda _seen, _ip: None)
    text = draft(None, facts, {"office": facts.networks[0]}, found)
    assert HIDDEN.search(text.replace("\n", "")) is None
    assert len(found) > 200
    assert len(yaml.safe_load(text)["hosts"]) == len(found)


def test_a_fault_in_a_node_s_own_words_is_told_in_letters(capsys: pytest.CaptureFixture[str]) -> None:
    for text in payloads():
        complain(Unfinished(f"gw: {text}", hint=text))
    told = capsys.readouterr().err
    assert told.count("gw: ") >= 200
    assert HIDDEN.search(told.replace("\n", "")) is None
