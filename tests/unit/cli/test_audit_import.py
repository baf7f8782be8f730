"""``wizara audit import``: what nmap wrote is judged; what an enemy wrote is refused within its limits."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from wizara.cli.main import main
from wizara.cli.nmap_report import BANNER, BANNERS, heard
from wizara.errors import UsageFault

#: As nmap 7.93 writes it (-sS -sV -oX), shortened.
SCAN = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE nmaprun>
<?xml-stylesheet href="file:///usr/bin/../share/nmap/nmap.xsl" type="text/xsl"?>
<nmaprun scanner="nmap" args="nmap -sS -sV -oX x.xml 10.20.20.0/24" start="1795000000" version="7.93" xmloutputversion="1.05">
<host starttime="1795000000" endtime="1795000009"><status state="up" reason="arp-response" reason_ttl="0"/>
<address addr="10.20.20.11" addrtype="ipv4"/><address addr="52:54:00:FF:00:11" addrtype="mac" vendor="QEMU"/>
<ports><extraports state="closed" count="997"/>
<port protocol="tcp" portid="22"><state state="open" reason="syn-ack"/><service name="ssh" product="OpenSSH" version="9.2p1 Debian 2" ostype="Linux"/></port>
<port protocol="tcp" portid="23"><state state="filtered" reason="no-response"/></port>
<port protocol="udp" portid="161"><state state="open" reason="udp-response"/></port>
<port protocol="tcp" portid="6379"><state state="open" reason="syn-ack"/><script id="banner" output="{banner}"/></port></ports></host>
<host endtime="1795000009"><status state="up" reason="arp-response"/><address addr="10.20.20.77" addrtype="ipv4"/><address addr="02:00:5E:00:00:77" addrtype="mac"/></host>
<host endtime="1795000009"><status state="down" reason="no-response"/><address addr="10.20.20.13" addrtype="ipv4"/></host>
<host endtime="1795000009"><status state="up"/><address addr="fe80::1" addrtype="ipv6"/></host>
</nmaprun>
"""
LAUGHS = '<!DOCTYPE nmaprun [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]><nmaprun><host>&b;</host></nmaprun>'
FILE = '<!DOCTYPE nmaprun [<!ENTITY x SYSTEM "file:///etc/passwd">]><nmaprun><host>&x;</host></nmaprun>'


def wizara(*arguments: str | Path) -> int:
    with pytest.raises(SystemExit) as left:
        main([*map(str, arguments)])
    return int(left.value.code or 0)


def written(folder: Path, content: str) -> Path:
    (folder / "scan.xml").write_text(content)
    return folder / "scan.xml"


def test_a_scan_is_compared_with_the_inventory(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scan = written(tmp_path, SCAN.replace("{banner}", "-NOAUTH"))
    assert (
        wizara("audit", "import", scan, "mps", "hq", "--fail-on", "medium", "--json", "--runs", tmp_path / "runs") == 4
    )
    found = {(one["rule"], one["subject"]["ip"]) for one in json.loads(capsys.readouterr().out)["findings"]}
    assert found == {
        ("LAN-001", "10.20.20.77"), ("LAN-002", "10.20.20.13"), ("LAN-003", "10.20.20.11"), ("LAN-006", "10.20.20.11"),
    }  # fmt: skip


def test_a_scan_without_inventory_is_judged_and_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scan = written(tmp_path, SCAN.replace("{banner}", "x"))
    assert wizara("audit", "import", scan, "--runs", tmp_path / "runs") == 0
    assert "2 machines" in capsys.readouterr().err
    assert (
        wizara("report", "last", "--runs", tmp_path / "runs", "--lang", "fr,en,ar", "--format", "html,csv,json,sarif")
        == 0
    )
    assert len([*(tmp_path / "runs").rglob("*-audit-*.??.*")]) == 12


def test_what_is_seen_of_a_host_is_what_nmap_says(tmp_path: Path) -> None:
    told = [*heard(written(tmp_path, SCAN.replace("{banner}", "A" * 5000 + "&#x202e;")))]
    assert [(one.kind, one.ip, one.port) for one in told] == [
        ("host", "10.20.20.11", None), ("banner", "10.20.20.11", 22), ("banner", "10.20.20.11", 6379), ("ports", "10.20.20.11", None),
        ("host", "10.20.20.77", None), ("ports", "10.20.20.77", None), ("host", "10.20.20.13", None),
    ]  # fmt: skip
    assert told[0].mac == "52:54:00:ff:00:11"
    assert told[1].data["text"] == "ssh OpenSSH 9.2p1 Debian 2 Linux"
    assert len(str(told[2].data["text"])) <= BANNER
    assert (told[3].data["open"], told[3].data["silent"]) == ([22, 6379], [23])


def test_a_host_with_very_many_banners_keeps_a_few(tmp_path: Path) -> None:
    port = '<port protocol="tcp" portid="{0}"><state state="open"/><service name="x{0}"/></port>'
    ports = "".join(port.format(number) for number in range(1, 900))
    host = f'<host><status state="up"/><address addr="10.1.1.1" addrtype="ipv4"/><ports>{ports}</ports></host>'
    kinds = [one.kind for one in heard(written(tmp_path, f"<nmaprun>{host}</nmaprun>"))]
    assert kinds.count("banner") == BANNERS


@pytest.mark.parametrize(
    "content",
    [
        "", "no xml", "<other/>", "<nmaprun><host>", LAUGHS, FILE, SCAN.replace("1795000009", "9" * 30), SCAN.replace('portid="22"', 'portid="x"'),
        f'<nmaprun><host a="{"x" * 9_000_000}"/></nmaprun>', "<nmaprun>" + "<a>" * 3_000_000,
    ],
    ids=["empty", "text", "other", "cut", "entities", "external", "date", "port", "long", "deep"],
)  # fmt: skip
def test_what_an_enemy_wrote_is_refused_in_one_line(
    tmp_path: Path, content: str, capsys: pytest.CaptureFixture[str]
) -> None:
    scan = written(tmp_path, content.replace("{banner}", ""))
    with pytest.raises(UsageFault):
        [*heard(scan)]
    assert wizara("audit", "import", scan, "--runs", tmp_path / "runs") == 2
    assert "root:" not in capsys.readouterr().err
