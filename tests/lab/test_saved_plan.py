"""A plan in a file is applied exactly, or refused: whatever moved since, on the node or in the inventory, is named."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
import yaml
from houses import House, environment

pytestmark = pytest.mark.lab

#: What moves on the node between plan and apply → what the refusal must name.
MOVES = {
    "true; echo '# more' >> /etc/chrony/chrony.conf": "chrony.conf",
    "rm /etc/chrony/chrony.conf": "chrony.conf",
    "mkdir -p /etc/chrony; rm -f /etc/chrony/chrony.conf; ln -s /dev/null /etc/chrony/chrony.conf": "chrony.conf",
    "rm /etc/chrony/chrony.conf; echo other > /etc/chrony/chrony.conf": "chrony.conf",
    "chmod 600 /etc/nftables.conf": "/etc/nftables.conf",
    "chown nobody /etc/nftables.conf": "/etc/nftables.conf",
    "echo '# more' >> /etc/ssh/sshd_config.d/00-wizara.conf": "00-wizara.conf",
    "nft flush ruleset": "nftables",
    "systemctl stop chrony": "chrony.service",
    "systemctl restart unbound": "unbound.service",
    "systemctl disable unbound": "unbound.service",
    "systemctl mask unbound": "unbound.service",
    "systemctl unmask unbound; systemctl enable --now unbound": "unbound.service",
    "userdel -f essai": "essai",
    "useradd -m essai": "essai",
    "gpasswd -d essai wizara-admins || usermod -G '' essai; usermod -aG games essai": "essai",
    "echo 'ssh-ed25519 AAAA x' >> /home/essai/.ssh/authorized_keys || true; mkdir -p /home/essai/.ssh; echo y > /home/essai/.ssh/authorized_keys": "authorized_keys",
    "rm -f /etc/sudoers.d/wizara-admins": "wizara-admins",
    "echo nameserver 203.0.113.53 > /etc/resolv.conf": "resolv.conf",
    "dpkg --force-depends --remove unbound": "packages",
}  # fmt: skip


def planned(house: House) -> Path:
    """Plan into a file; something is always pending."""
    path = house.folder.parent / "plan.json"
    done = house.wizara("plan", "--out", str(path))
    assert done.returncode == 4, done.stdout + done.stderr
    assert path.stat().st_mode & 0o777 == 0o600
    return path


def applied(house: House, plan: Path) -> subprocess.CompletedProcess[str]:
    line = house.line("apply", str(plan), "--yes", "--runs", str(house.runs))
    return subprocess.run(
        line, check=False, capture_output=True, text=True, timeout=300, env=environment(), stdin=subprocess.DEVNULL
    )


def test_a_plan_is_refused_when_anything_moved_and_applied_when_nothing_did(house):
    made = house("trixie")
    assert made.wizara("enrol").returncode == 0
    assert made.wizara("apply", "--yes").returncode == 0
    for move, named in MOVES.items():
        made.sh("mkdir -p /etc/chrony; echo '# drift' >> /etc/sysctl.d/60-wizara.conf")
        plan = planned(made)
        made.sh(move)
        before = made.sh("cat /etc/sysctl.d/60-wizara.conf")
        done = applied(made, plan)
        assert done.returncode == 6, f"{move}: {done.stdout} {done.stderr}"
        assert "the plan is stale: machine: " in done.stderr, move
        assert named in done.stderr, f"{move}: {done.stderr}"
        assert made.sh("cat /etc/sysctl.d/60-wizara.conf") == before, move
    plan = planned(made)
    done = applied(made, plan)
    assert done.returncode == 0, done.stdout + done.stderr
    assert made.wizara("plan").returncode == 0
    again = applied(made, plan)
    assert again.returncode == 6, "what was applied once is stale"


@pytest.mark.parametrize("release", ["bookworm"])
def test_a_plan_is_refused_before_anything_is_contacted_when_the_inventory_moved(house, release):
    made = house(release)
    assert made.wizara("enrol").returncode == 0
    plan = planned(made)
    site = made.folder / "sites" / "hq.yaml"
    declared = site.read_text()
    site.write_text(declared + "# a word\n")
    done = applied(made, plan)
    assert (done.returncode, "sites/hq.yaml" in done.stderr, "connecting" in done.stderr) == (6, True, False), (
        done.stderr
    )
    site.write_text(declared)
    enrolled = made.lab.folder / "enrolled.yaml"
    kept = enrolled.read_text()
    content = yaml.safe_load(kept)
    content["nodes"]["machine"]["host_key"] = content["nodes"]["machine"]["host_key"][:-1] + "B"
    enrolled.write_text(yaml.safe_dump(content))
    done = applied(made, plan)
    assert (done.returncode, "enrolled.yaml" in done.stderr) == (6, True), done.stderr
    enrolled.write_text(kept)
    told = json.loads(plan.read_text())
    plan.write_text(json.dumps(told | {"version": "0.0.1"}))
    done = applied(made, plan)
    assert (done.returncode, "wizara 0.0.1" in done.stderr) == (6, True), done.stderr
    plan.write_text("{}")
    assert applied(made, plan).returncode == 2
