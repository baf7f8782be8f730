"""``wizara audit config``: exported configurations are judged without a device, and reported in every format."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from wizara.cli.main import main

FOLDER = Path(__file__).parents[1] / "audit" / "configurations"
BAD = "hostname {name}\nversion 15.2\nline vty 0 4\n transport input telnet\n password 0 hunter2\nend\n"


def wizara(*arguments: str | Path) -> int:
    with pytest.raises(SystemExit) as left:
        main([*map(str, arguments)])
    return int(left.value.code or 0)


def test_a_bad_configuration_is_told_line_by_line_with_its_commands(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "edge.txt").write_text(BAD.format(name="edge-1"))
    assert wizara("audit", "config", tmp_path / "edge.txt", "--runs", tmp_path / "runs") == 4
    out = capsys.readouterr().out
    assert "SWI-001" in out
    assert "edge-1" in out
    assert "4: transport input telnet" in out
    assert "            line vty 0 4\n             transport input ssh" in out
    kept = b"".join(path.read_bytes() for path in (tmp_path / "runs").rglob("*") if path.is_file())
    assert b"hunter2" not in kept + out.encode()
    assert b"password 0 \\u2022" in kept or "password 0 •••".encode() in kept


def test_good_configurations_of_every_platform_have_no_findings(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = sorted(FOLDER.glob("*.conf"))
    assert len(files) == 4
    assert wizara("audit", "config", *files, "--runs", tmp_path, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["findings"] == []
    assert told["unknown"] == 0


def test_the_report_of_a_configuration_carries_the_commands_in_every_format(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "edge.txt").write_text(BAD.format(name="<b>edge</b>"))
    wizara("audit", "config", tmp_path / "edge.txt", "--runs", tmp_path / "runs")
    assert (
        wizara("report", "last", "--runs", tmp_path / "runs", "--lang", "fr,ar,en", "--format", "html,csv,json,pdf")
        == 0
    )
    reports = {
        path.suffixes[-2] + path.suffix: path.read_bytes() for path in (tmp_path / "runs").rglob("*-audit-*.??.*")
    }
    assert len(reports) == 12
    for language in ("fr", "ar", "en"):
        page = reports[f".{language}.html"].decode()
        assert '<pre dir="ltr">line vty 0 4\n transport input ssh</pre>' in page
        assert "<b>edge" not in page
        assert "transport input ssh" in reports[f".{language}.csv"].decode("utf-8-sig")
        assert reports[f".{language}.pdf"].startswith(b"%PDF")
    (telnet,) = (one for one in json.loads(reports[".en.json"])["findings"] if one["rule"] == "SWI-001")
    assert telnet["commands"] == "line vty 0 4\n transport input ssh"


@pytest.mark.parametrize("content", [b"Dear minister,\n", b"", b"\x00\x01\x02" * 999])
def test_what_is_no_configuration_is_refused(
    tmp_path: Path, content: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "x").write_bytes(content)
    assert wizara("audit", "config", tmp_path / "x", "--runs", tmp_path / "runs") == 2
    assert "--platform" in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()


def test_the_second_look_knows_what_is_old_and_what_is_gone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "edge.txt").write_text(BAD.format(name="edge-1"))
    wizara("audit", "config", tmp_path / "edge.txt", "--runs", tmp_path / "runs", "--json")
    first = {one["fingerprint"]: one["status"] for one in json.loads(capsys.readouterr().out)["findings"]}
    (tmp_path / "edge.txt").write_text(BAD.format(name="edge-1").replace("input telnet", "input ssh"))
    wizara("audit", "config", tmp_path / "edge.txt", "--runs", tmp_path / "runs", "--json")
    second = {one["fingerprint"]: one["status"] for one in json.loads(capsys.readouterr().out)["findings"]}
    assert set(first.values()) == {"new"}
    assert set(second.values()) == {"open"}
    assert len(set(first) - set(second)) == 1


def test_a_configuration_of_another_system_is_refused_by_its_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = "#\n version 7.1.070, Release 3507\n#\n sysname core\n#\n undo ip source-route\n snmp-agent community write private\n"
    (tmp_path / "core.cfg").write_text(other)
    assert wizara("audit", "config", tmp_path / "core.cfg", "--runs", tmp_path / "runs") == 2
    told = capsys.readouterr().err
    assert "HPE Comware" in told
    assert "--platform" in told
    assert not (tmp_path / "runs").exists()
    forced = ("--platform", "huawei_vrp", "--runs", tmp_path / "runs")
    assert wizara("audit", "config", tmp_path / "core.cfg", *forced) != 2
