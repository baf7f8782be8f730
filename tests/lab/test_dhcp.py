"""Who hands out addresses: a declared relay carries the offers of a server elsewhere and is left in peace, a stranger is found soon."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import houses
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from corpus import root as roots
from corpus.ground import AUDITOR, Ground

from wizara.tree import root

pytestmark = pytest.mark.lab

RELAY, STRANGER = 10, 20
#: dnsmasq's own settings: it looks for three seconds whether an address is free before it offers that.
SERVER = "dnsmasq -k -C /dev/null -p 0 --user=root --log-facility=- --dhcp-range={first},{last},255.255.255.0,2m --dhcp-leasefile=/tmp/l"
#: A relay with a server behind it, on a network of its own.
RELAYED = f"""
unshare --net sleep infinity &
inner=$!
sleep 1
ip link add r0 type veth peer name s0
ip link set s0 netns $inner
ip addr add 10.79.0.1/30 dev r0
ip link set r0 up
echo 1 > /proc/sys/net/ipv4/ip_forward
nsenter -t $inner --net sh -c 'ip link set lo up; ip addr add 10.79.0.2/30 dev s0; ip link set s0 up; ip route add default via 10.79.0.1;
  exec {SERVER.format(first="10.77.0.200", last="10.77.0.205")}' &
exec dnsmasq -k -C /dev/null -p 0 --user=root --log-facility=- --dhcp-relay=10.77.0.{RELAY},10.79.0.2
"""


def inventory(folder: Path, *services: str) -> Path:
    """Write a ministry of one LAN, on which the relay is declared to serve *services*."""
    titles = {"fr": "Essai"}
    relay = {
        "lan": "office",
        "address": f"10.77.0.{RELAY}",
        "mac": f"52:54:00:77:00:{RELAY:02x}",
        "role": "server",
        "services": [*services],
    }
    node = {
        "release": "bookworm",
        "parts": ["node", "names"],
        "manage": "10.77.0.5",
        "ports": {"office": {"address": "10.77.0.5"}},
    }
    site = {"title": titles, "kind": "headquarters", "lans": {"office": {"network": "10.77.0.0/24", "purpose": "office"}},
            "hosts": {"relay": relay}, "nodes": {"dc": node}}  # fmt: skip
    ministry = {
        "name": "dhcp", "title": titles, "country": "DZ", "domain": "dhcp.test", "management": ["10.77.0.0/24"], "engineers": ["essai"],
        "people": {"essai": {"name": titles, "site": "hq", "mail": "essai", "ssh_keys": [houses.KEY]}},
    }  # fmt: skip
    mandate = {
        "commissioner": "SG", "reference": "DHCP/1", "date": "2026-01-01", "perimeter": ["10.77.0.0/24"], "from": "2020-01-01", "to": "2099-12-31",
        "hours": ["00:00-24:00"], "operators": ["bench"], "contact": "bench",
    }  # fmt: skip
    (folder / "sites").mkdir(parents=True)
    for path, content in {"ministry.yaml": ministry, "sites/hq.yaml": site, "mandate.yaml": mandate}.items():
        (folder / path).write_text(houses.plain(content))
    return folder


def audit(up: Ground, ministry: Path, runs: Path) -> tuple[set[str], dict[str, float], list[dict[str, Any]]]:
    """Return the cards that are found to hand out addresses, card → seconds until it was seen, and the offers."""
    line = [
        sys.executable,
        "-m",
        "wizara",
        "audit",
        str(ministry),
        "hq",
        "--runs",
        str(runs),
        "--profile",
        "fast",
        "--ports",
        "22",
        "--json",
    ]
    done = subprocess.run(
        up.command(AUDITOR, *line), check=False, capture_output=True, text=True, env=os.environ | {"PYTHONPATH": str(root())}, timeout=120
    )  # fmt: skip
    assert done.returncode in {0, 4}, done.stderr
    told = json.loads(done.stdout)
    folder = Path(told["folder"])
    began = datetime.fromisoformat(json.loads((folder / "run.json").read_text())["started"])
    kept = [json.loads(one) for one in (folder / "observations.jsonl").read_text().splitlines()]
    offers = [one for one in kept if one["kind"] == "dhcp" and one["data"].get("message") == "offer"]
    after = {one["target"]["mac"]: (datetime.fromisoformat(one["time"]) - began).total_seconds() for one in offers}
    return {one["subject"]["mac"] for one in told["findings"] if one["rule"] == "BRO-001"}, after, offers


def test_a_declared_relay_is_left_in_peace_and_a_stranger_is_found_in_ten_seconds(tmp_path: Path) -> None:
    relay, stranger = (f"52:54:00:77:00:{last:02x}" for last in (RELAY, STRANGER))
    tree = roots.trees()["first"]
    with Ground() as up:
        up.host(RELAY, tree, {}, RELAYED)
        up.host(STRANGER, tree, {}, f"exec {SERVER.format(first='10.77.0.210', last='10.77.0.215')}")
        time.sleep(3)  # datagrams alone tell of them
        found, after, offers = audit(up, inventory(tmp_path / "declared", "udp/67"), tmp_path / "runs")
        assert set(after) == {relay, stranger}
        assert {one["data"]["server"] for one in offers} >= {f"10.77.0.{STRANGER}"}
        assert found == {stranger}
        assert max(after.values()) <= 10, after
        print(
            f"seconds until seen: relay {after[relay]:.1f}, stranger with dnsmasq's own settings {after[stranger]:.1f}"
        )
        found, after, _offers = audit(up, inventory(tmp_path / "undeclared"), tmp_path / "runs")
        assert found == {relay, stranger}
