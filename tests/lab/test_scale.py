"""Ten thousand hosts with a gigabyte of banners are imported, judged and reported within 300 MB."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.lab, pytest.mark.slow]

HOSTS, BANNER = 10_000, 100_000
MOST_MB = 300


def scan(path: Path) -> None:
    """Write what nmap would of HOSTS machines that each say BANNER bytes."""
    with path.open("w") as file:
        file.write('<?xml version="1.0"?>\n<!DOCTYPE nmaprun>\n<nmaprun scanner="nmap">\n')
        for number in range(HOSTS):
            address = f"10.{50 + number // 62500}.{number // 250 % 250}.{number % 250 + 1}"
            mac = f"02:00:5E:{number >> 16:02X}:{number >> 8 & 255:02X}:{number & 255:02X}"
            said = f"&lt;script&gt;{number}" + "A" * BANNER
            file.write(
                f'<host endtime="1795000000"><status state="up"/><address addr="{address}" addrtype="ipv4"/><address addr="{mac}" addrtype="mac"/>'
                f'<ports><port protocol="tcp" portid="23"><state state="open"/><script id="banner" output="{said}"/></port></ports></host>\n'
            )
        file.write("</nmaprun>\n")


def peak_mb(*arguments: str | Path) -> float:
    """Run wizara and return the largest resident memory that it took."""
    command = [sys.executable, "-m", "wizara", *map(str, arguments)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    _pid, status, usage = os.wait4(process.pid, 0)
    assert process.stderr is not None
    assert os.waitstatus_to_exitcode(status) in {0, 4}, process.stderr.read()
    return usage.ru_maxrss / 1024


def test_a_gigabyte_of_banners_fits_in_a_small_computer(tmp_path: Path) -> None:
    scan(tmp_path / "scan.xml")
    assert (tmp_path / "scan.xml").stat().st_size > 1_000_000_000
    runs = tmp_path / "runs"
    imported = peak_mb("audit", "import", tmp_path / "scan.xml", "--runs", runs)
    written = {
        name: peak_mb("report", "last", "--runs", runs, "--lang", "en", "--format", name)
        for name in ("csv", "sarif", "json", "html")
    }
    print(f"import {imported:.0f} MB", written)
    assert imported < MOST_MB
    assert max(written.values()) < MOST_MB, written
