"""What an audit gives other programs is what ``wizara schema`` says, from the verbs as a person types them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fastjsonschema
import pytest

from wizara.cli.main import main

SCAN = """<nmaprun scanner="nmap"><host endtime="1795000009"><status state="up" reason="arp-response"/>
<address addr="10.20.20.11" addrtype="ipv4"/><address addr="52:54:00:FF:00:11" addrtype="mac"/>
<ports><port protocol="tcp" portid="22"><state state="open" reason="syn-ack"/></port></ports></host>
<host endtime="1795000009"><status state="up"/><address addr="10.20.20.77" addrtype="ipv4"/></host></nmaprun>
"""
Wizara = Callable[..., str]


@pytest.fixture
def wizara(capsys: pytest.CaptureFixture[str]) -> Wizara:
    def run(*arguments: str | Path) -> str:
        with pytest.raises(SystemExit):
            main([*map(str, arguments)])
        return capsys.readouterr().out

    return run


def checks(told: str) -> Callable[[Any], object]:
    check: Callable[[Any], object] = fastjsonschema.compile(json.loads(told), use_default=False)
    return check


def test_the_json_of_an_audit_and_of_its_report_is_what_schema_says(tmp_path: Path, wizara: Wizara) -> None:
    scan, runs = tmp_path / "scan.xml", ("--runs", tmp_path / "runs")
    scan.write_text(SCAN)
    summary = json.loads(wizara("audit", "import", scan, "mps", "hq", "--json", *runs))
    assert summary["findings"]
    (written,) = wizara("report", "last", "--lang", "en", "--format", "json", *runs).split()
    report = json.loads(Path(written).read_text())
    assert len(report["findings"]) == len(summary["findings"])
    for kind, told, broken in (
        ("audit", summary, summary | {"exit_code": "four"}),
        ("report", report, report | {"counts": {"grave": 1}}),
    ):
        check = checks(wizara("schema", kind))
        check(told)
        for wrong in (broken, told | {"colour": "red"}, {key: told[key] for key in told if key != "findings"}):
            with pytest.raises(fastjsonschema.JsonSchemaValueException):
                check(wrong)
