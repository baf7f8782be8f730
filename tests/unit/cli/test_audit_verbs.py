"""The verbs audit and report as a person types them: refusals, faults, exit codes, and nothing heavy in their help."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest

from wizara.audit.observation import Observation, Target, now
from wizara.cli import audit_screen
from wizara.cli.main import main
from wizara.errors import ExitCode
from wizara.record.run import Run
from wizara.tree import load

ROOT = Path(__file__).parents[3]
MANDATE = """commissioner: SG
reference: T/1
date: 2026-01-01
perimeter: [127.77.1.0/29]
from: 2020-01-01
to: 2099-12-31
hours: ["00:00-24:00"]
operators: [awa]
contact: karim
"""


def wizara(*arguments: str) -> int:
    with pytest.raises(SystemExit) as left:
        main(list(arguments))
    return int(left.value.code or 0)


@pytest.fixture
def mandate(tmp_path: Path) -> Path:
    path = tmp_path / "mandate.yaml"
    path.write_text(MANDATE)
    return path


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["audit"], ExitCode.USAGE, "MINISTRY and SITE"),
        (["audit", "mps"], ExitCode.USAGE, "MINISTRY and SITE"),
        (["audit", "--network", "127.77.1.0/29"], ExitCode.USAGE, "--interface"),
        (["audit", "nosuch", "hq"], ExitCode.USAGE, "no ministry 'nosuch'"),
        (
            ["audit", "--network", "127.77.1.0/29", "--interface", "lo", "--mandate", "absent.yaml"],
            ExitCode.REFUSED,
            "needs a mandate",
        ),
        (
            ["audit", "--network", "banana", "--interface", "lo", "--mandate", "MANDATE"],
            ExitCode.USAGE,
            "is no network",
        ),
        (
            ["audit", "--network", "10.0.0.0/8", "--interface", "lo", "--mandate", "MANDATE"],
            ExitCode.REFUSED,
            "outside the perimeter",
        ),
        (
            ["audit", "--network", "8.8.8.0/24", "--interface", "lo", "--mandate", "MANDATE"],
            ExitCode.REFUSED,
            "private",
        ),
        (
            ["audit", "--network", "10.20.0.0/24", "--interface", "lo", "--mandate", "MANDATE", "--ports", "80-22"],
            ExitCode.USAGE,
            "are no ports",
        ),
        (
            ["audit", "--network", "10.20.0.0/24", "--interface", "lo", "--mandate", "MANDATE", "--ports", "443-"],
            ExitCode.USAGE,
            "are no ports",
        ),
        (
            ["audit", "--network", "10.20.0.0/24", "--interface", "lo", "--mandate", "MANDATE", "--ports", "-80"],
            ExitCode.USAGE,
            "are no ports",
        ),
        (
            ["audit", "--network", "10.20.0.0/24", "--interface", "lo", "--mandate", "MANDATE", "--ports", ""],
            ExitCode.USAGE,
            "are no ports",
        ),
        (
            ["audit", "--network", "10.20.0.0/24", "--interface", "lo", "--mandate", "MANDATE", "--ports", "9100,515"],
            ExitCode.USAGE,
            "never tried",
        ),
        (["report", "last"], ExitCode.USAGE, "no run 'last'"),
        (["report", "../../etc"], ExitCode.USAGE, "no run"),
        (["report", "last", "--lang", "de"], ExitCode.USAGE, "choose from en"),
        (["report", "last", "--format", "docx"], ExitCode.USAGE, "choose from html"),
    ],
)
def test_what_cannot_be_done_is_told_with_its_code(
    arguments: list[str],
    code: ExitCode,
    words: str,
    mandate: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LANG", "C")
    assert wizara(*(str(mandate) if one == "MANDATE" else one for one in arguments)) == code
    told = capsys.readouterr().err
    assert words.lower() in told.lower() or words.lower() in told.replace("\n", " ").lower()
    assert "Traceback" not in told
    assert not (tmp_path / "runs").exists()


def test_a_broken_exception_is_told_before_anything_is_looked_at(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = shutil.copytree(ROOT / "inventories" / "mps", tmp_path / "mps")
    (folder / "exceptions.yaml").write_text("- fingerprint: nonsense\n")
    runs = tmp_path / "runs"
    assert wizara("audit", str(folder), "hq", "--interface", "lo", "--runs", str(runs)) == ExitCode.USAGE
    assert "exceptions.yaml:1:16: [0].fingerprint: 'nonsense' should be 8 to 64" in capsys.readouterr().err
    assert not runs.exists()


def test_an_auditor_without_an_inventory_audits_and_reports(
    mandate: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Loopback has no card, so it counts as a network seen from afar: nothing is asked, and the report says so."""
    runs = str(tmp_path / "runs")
    interface = next((port.name for port in load("audits.lan.wire.ports").ports()), None)
    if interface is None:
        pytest.skip("this machine has no network card with an IPv4 address")
    assert (
        wizara(
            "audit",
            "--network",
            "127.77.1.0/29",
            "--interface",
            interface,
            "--mandate",
            str(mandate),
            "--runs",
            runs,
            "--json",
        )
        == 0
    )
    said = capsys.readouterr()
    summary = json.loads(said.out)
    assert "names awa as operator, and" in " ".join(said.err.split())
    assert summary["findings"] == []
    assert summary["world"] == "field"
    out = tmp_path / "out"
    assert (
        wizara("report", "last", "--runs", runs, "--lang", "fr,ar", "--format", "html,pdf,csv,json", "--out", str(out))
        == 0
    )
    files = sorted(out.iterdir())
    assert [path.name.removeprefix(summary["run"]) for path in files] == [
        f".{language}.{name}" for language in ("ar", "fr") for name in ("csv", "html", "json", "pdf")
    ]
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert "seules les adresses déclarées" in next(path for path in files if path.name.endswith(".fr.html")).read_text()


@pytest.mark.parametrize("verb", ["audit", "report"])
def test_the_help_of_a_verb_loads_nothing_heavy(verb: str) -> None:
    code = (
        "import sys\nfrom wizara.cli.main import main\n"
        f"try:\n    main([{verb!r}, '--help'])\nexcept SystemExit:\n    pass\n"
        "print(sorted({'pydantic','asyncio','jinja2','rich','pyinfra','gevent','typst','netmiko'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert done.stdout.strip().splitlines()[-1] == "[]"


def test_the_last_report_is_of_the_last_run_that_has_one_whatever_came_after(tmp_path: Path) -> None:
    from wizara.cli.reporting import _last

    assert _last(tmp_path) == "last"  # which tells what else is there, or that nothing is
    for name, files in {
        "20260101T000000Z-audit-mps-0000": ("run.json", "audit.json", "verdicts.json"),
        "20260102T000000Z-verify-mps-0000": ("run.json", "verification.json", "verdicts.json"),
        "20260103T000000Z-audit-mps-0000": ("run.json", "audit.json"),  # never came to its end
        "20260104T000000Z-verify-mps-0000": ("run.json", "verdicts.json"),  # of a wizara that kept less
        "20260105T000000Z-apply-mps-0000": ("run.json",),
    }.items():
        (tmp_path / name).mkdir()
        for file in files:
            (tmp_path / name / file).touch()
    assert _last(tmp_path) == "20260102T000000Z-verify-mps-0000"


@pytest.mark.parametrize(("living", "told"), [(1024, False), (1025, True)])
def test_more_machines_than_the_kernel_has_room_for_are_told(
    living: int, told: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(audit_screen, "_neighbours", lambda: 1024)
    data = {"network": "10.0.0.0/20", "on_link": True, "living": living}
    target = Target(site="hq")
    audit_screen.tell(
        Observation(run="r", time=now(), collector="arp", vantage="v", target=target, kind="sweep", data=data)
    )
    assert (f"gc_thresh3={2 * living}" in " ".join(capsys.readouterr().err.split())) is told


def test_an_audit_that_was_interrupted_is_told_and_not_passed_over_in_silence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from wizara.cli.reporting import interrupted

    done, begun = "20260102T000000Z-audit-mps-0000", "20260103T000000Z-audit-mps-0000"
    (tmp_path / begun).mkdir()
    run = Run(id=begun, verb="audit", world="field", ministry="mps", operator="o", host="h", started=datetime.now(UTC))
    (tmp_path / begun / "run.json").write_text(run.model_dump_json())
    (tmp_path / begun / "audit.json").touch()
    assert wizara("report", begun, "--runs", str(tmp_path)) == ExitCode.USAGE
    assert f"--resume {begun}" in " ".join(capsys.readouterr().err.split())
    assert interrupted(tmp_path) == begun
    (tmp_path / done).mkdir()
    for file in ("audit.json", "verdicts.json"):
        (tmp_path / done / file).touch()
    assert interrupted(tmp_path) == begun
    wizara("report", "last", "--runs", str(tmp_path))
    assert f"did not come to its verdicts: {begun}" in " ".join(capsys.readouterr().err.split())
    (tmp_path / begun / "verdicts.json").touch()
    assert interrupted(tmp_path) is None


def test_an_earlier_record_that_cannot_be_read_costs_no_audit(tmp_path: Path) -> None:
    from wizara.cli.comparing import baseline

    earlier = tmp_path / "20260101T000000Z-audit-mps-0000"
    earlier.mkdir()
    for name in ("run.json", "audit.json", "verdicts.json"):
        (earlier / name).write_text('{"of": "another version"}')
    run = SimpleNamespace(ministry="mps", id="20270101T000000Z-audit-mps-0000")
    assert baseline(SimpleNamespace(path=tmp_path / run.id, run=run), None, None) is None  # type: ignore[arg-type]
