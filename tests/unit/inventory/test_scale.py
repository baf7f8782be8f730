"""A thousand sites are read and checked while somebody waits."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from wizara.inventory.enrolled import write_enrolled
from wizara.inventory.models import Enrolled, EnrolledNode

SITES = 1000
_MEASURE = """
import json, sys, time
from pathlib import Path
from wizara.inventory import load
begin = time.process_time()
try:
    found = load(Path(sys.argv[1]))
    faults, nodes = 0, sum(1 for _ in found.nodes())
except Exception as fault:
    faults, nodes = len(fault.faults), 0
print(json.dumps({"seconds": time.process_time() - begin, "nodes": nodes, "faults": faults,
                  "megabytes": int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]) / 1024}))
"""


def _site(number: int, parts: str = "[node]") -> str:
    a, b = divmod(number, 250)
    lines = [
        "title: {fr: Institution}",
        f"kind: {'headquarters' if number == 0 else 'institution'}",
        "lans:",
        f"  local: {{network: 10.{a}.{b}.0/24}}",
        "uplinks:",
        f"  op: {{class: fibre, address: 172.16.{a}.{b}/32, gateway: 172.31.0.1}}",
        "nodes:",
    ]
    for index in range(5):
        lines += [
            f"  n{number}-{index}:",
            "    release: trixie",
            f"    parts: {'[node, intranet, names]' if index == 0 else '[node]'}",
            f"    manage: 10.{a}.{b}.{index + 1}",
            "    ports:",
            "      local:",
            f"        address: 10.{a}.{b}.{index + 1}",
            f'        mac: "52:54:{number >> 8:02x}:{number & 255:02x}:00:{index:02x}"',
            *(["      op: {}"] if index == 0 else []),
        ]
    if number:
        address = 64 * 256 + number + 1
        lines.append(
            f"link: {{uplink: op, address: 10.{64 + address // 65536}.{address // 256 % 256}.{address % 256}}}"
        )
    return "\n".join(lines) + "\n"


@pytest.fixture
def large(tmp_path: Path) -> Path:
    (tmp_path / "sites").mkdir()
    key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI" + "A" * 43
    (tmp_path / "ministry.yaml").write_text(
        "name: large\ntitle: {fr: Grand}\ncountry: DZ\ndomain: large.gov.test\nmanagement: [10.0.0.0/24]\n"
        "engineers: [one]\nintranet: {hub: n0-0, network: 10.64.0.0/16}\n"
        f"people:\n  one: {{name: {{fr: Une}}, site: s0, mail: one, ssh_keys: [{key}]}}\n"
    )
    for number in range(SITES):
        (tmp_path / "sites" / f"s{number}.yaml").write_text(_site(number))
    return tmp_path


def _measure(folder: Path) -> dict[str, float]:
    told = subprocess.run([sys.executable, "-c", _MEASURE, str(folder)], check=True, capture_output=True, text=True)
    result: dict[str, float] = json.loads(told.stdout)
    return result


def test_a_thousand_sites_are_read_within_five_seconds_and_500_mb(large: Path) -> None:
    result = _measure(large)
    assert (result["nodes"], result["faults"]) == (5 * SITES, 0)
    assert result["seconds"] < 5
    assert result["megabytes"] < 500


def test_a_thousand_enrolled_sites_are_no_bomb(large: Path) -> None:
    nodes = (f"n{number}-{index}" for number in range(SITES) for index in range(5))
    met = {
        name: EnrolledNode(host_key="ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI" + "A" * 43, vpn_key="A" * 43 + "=")
        for name in nodes
    }
    write_enrolled(large / "enrolled.yaml", Enrolled(nodes=met))
    result = _measure(large)
    assert (result["nodes"], result["faults"]) == (5 * SITES, 0)
    assert result["seconds"] < 6


def test_as_many_faults_take_no_longer(large: Path) -> None:
    for path in (large / "sites").iterdir():
        path.write_text(
            path.read_text().replace("release: trixie", "relase: trixie").replace("uplink: op", "uplink: po")
        )
    result = _measure(large)
    assert result["faults"] >= 5 * SITES
    assert result["seconds"] < 10


def test_cross_faults_of_every_node_take_no_longer(large: Path) -> None:
    for path in (large / "sites").iterdir():
        path.write_text(path.read_text().replace("      local:\n", "      locl:\n").replace("manage: 10", "manage: 11"))
    result = _measure(large)
    assert result["faults"] >= 10 * SITES
    assert result["seconds"] < 10
