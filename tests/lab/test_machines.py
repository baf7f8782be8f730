"""The lab's machines are what an installer leaves, and a reboot leaves nothing that was not made permanent."""

from __future__ import annotations

import json
import subprocess
import time

import paramiko
import pytest

from wizara.lab import Lab, namespace, remnants
from wizara.lab.rehearsal import Login

pytestmark = pytest.mark.lab

SSH = [
    "ssh", "-o", "BatchMode=yes", "-o", "UserKnownHostsFile=/dev/null", "-o", "StrictHostKeyChecking=no", "-o", "LogLevel=ERROR",
]  # fmt: skip


def ssh(lab: Lab, target: str, *words: str) -> subprocess.CompletedProcess[str]:
    key = str(lab.folder / "operator_ed25519")
    return lab.exec("operator", [*SSH, "-i", key, target, *words], timeout=60)


def password_session(lab: Lab, address: str, user: str, password: str, command: str) -> str:
    def ask() -> str:
        client = paramiko.SSHClient()
        client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
        client.connect(address, username=user, password=password, look_for_keys=False, allow_agent=False, timeout=20)
        with client:
            _stdin, stdout, _stderr = client.exec_command(command)
            return stdout.read().decode()

    return namespace.within(namespace.path(lab.name, "operator"), ask)


@pytest.mark.parametrize(("release", "version"), [("bookworm", "12"), ("trixie", "13")])
def test_a_fresh_machine_of_each_release_is_up_in_seconds_and_sound(clone, release, version):
    began = time.monotonic()
    lab = clone(release)
    assert time.monotonic() - began < 15
    assert lab.exec("machine", ["systemctl", "is-system-running", "--wait"]).stdout.strip() == "running"
    assert f'VERSION_ID="{version}"' in lab.exec("machine", ["cat", "/etc/os-release"]).stdout
    assert ssh(lab, "root@10.99.0.1", "hostname").stdout.strip() == "machine"
    lab.wait_unit("machine", "ssh.service")


def test_each_clone_has_its_own_identity(clone):
    labs = [clone("trixie"), clone("trixie")]
    for path in ("/etc/machine-id", "/etc/ssh/ssh_host_ed25519_key.pub"):
        first, second = (lab.exec("machine", ["cat", path]).stdout.strip() for lab in labs)
        assert first
        assert first != second


def test_the_operator_reaches_every_node_by_its_first_login(ministry_lab):
    for node, target in {
        "gw-hq": "root@10.20.99.1",
        "gw-ons": "installer@198.51.100.2",
        "gw-cneap": "technician@198.51.100.6",
    }.items():
        assert ssh(ministry_lab, target, "hostname").stdout.strip() == node
    assert ssh(ministry_lab, "installer@198.51.100.2", "sudo", "-n", "id", "-u").stdout.strip() == "0"
    assert ssh(ministry_lab, "technician@198.51.100.6", "sudo", "-n", "true").returncode != 0
    ask = "hostname; echo rehearsal-dc1 | sudo -S -p '' id -u"
    assert password_session(ministry_lab, "10.20.99.10", "debian", "rehearsal-dc1", ask).split() == ["dc1", "0"]
    assert password_session(ministry_lab, "10.20.99.20", "root", "rehearsal-mail1", "hostname").strip() == "mail1"


def test_a_password_login_takes_no_other_password(clone):
    lab = clone("bookworm", Login(user="essai", password="right", sudo="password"))
    with pytest.raises(paramiko.AuthenticationException):
        password_session(lab, "10.99.0.1", "essai", "wrong", "true")


def test_packages_and_names_come_from_outside(clone):
    lab = clone("trixie")
    done = lab.exec(
        "machine",
        ["sh", "-c", "apt-get -q update && apt-get -q install -y --no-install-recommends chrony"],
        timeout=180,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    lab.wait_unit("machine", "chrony.service")
    assert (
        "-x" in lab.exec("machine", ["sh", "-c", "tr '\\0' ' ' < /proc/$(cat /run/chrony/chronyd.pid)/cmdline"]).stdout
    )
    assert lab.exec("machine", ["getent", "hosts", "outside.test"]).stdout.split() == ["203.0.113.80", "outside.test"]
    assert lab.exec("machine", ["getent", "hosts", "elsewhere.test"]).returncode == 2


CAP_SYS_TIME = 25


def capabilities(status: str) -> int:
    return int(next(line for line in status.splitlines() if line.startswith("CapEff:")).split()[1], 16)


def test_nobody_in_a_machine_could_set_the_clock(clone):
    """By the capabilities alone: the trial itself would set this computer's clock."""
    lab = clone("trixie")
    entered = capabilities(lab.exec("machine", ["cat", "/proc/self/status"]).stdout)
    first = capabilities(lab.exec("machine", ["cat", "/proc/1/status"]).stdout)
    logged_in = capabilities(ssh(lab, "root@10.99.0.1", "cat", "/proc/self/status").stdout)
    assert entered == first == logged_in
    assert not entered >> CAP_SYS_TIME & 1


STRAYS = """
ip addr add 10.77.0.1/24 dev adm
ip link add stray type bridge
ip route add 10.88.0.0/16 via 10.99.0.250
ip rule add from 10.9.9.9 lookup 77
ip route add 10.66.0.0/16 via 10.99.0.250 table 77
ip route add blackhole 10.55.0.0/16
ip route add 10.44.0.0/16 via 10.99.0.250 proto zebra
ip addr add 192.0.2.99/32 dev lo
ip link set adm mtu 1300
ip addr del 192.0.2.2/30 dev wan
nft add table inet stray
sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.all.rp_filter=2 net.ipv4.conf.adm.rp_filter=1 net.ipv4.tcp_syncookies=0
"""


def network(lab: Lab) -> dict[str, object]:
    def json_of(*words: str) -> object:
        return json.loads(lab.exec("machine", ["ip", "-json", *words]).stdout or "[]")

    links = [(link["ifname"], link["mtu"], link.get("address")) for link in json_of("link")]  # type: ignore[attr-defined]
    addresses = sorted(
        info["local"]
        for link in json_of("-4", "address")
        for info in link["addr_info"]  # type: ignore[attr-defined]
    )
    routes = sorted(str(sorted(route.items())) for route in json_of("route", "show", "table", "all"))  # type: ignore[attr-defined]
    names = (
        "net.ipv4.ip_forward",
        "net.ipv4.conf.all.rp_filter",
        "net.ipv4.conf.adm.rp_filter",
        "net.ipv4.tcp_syncookies",
    )
    return {
        "links": links,
        "addresses": addresses,
        "routes": [
            route for route in routes if "fe80" not in route and "ff00" not in route and "multicast" not in route
        ],
        "rules": json_of("rule"),
        "nft": lab.exec("machine", ["nft", "list", "ruleset"]).stdout,
        "settings": lab.exec("machine", ["sysctl", "-n", *names]).stdout,
    }


def test_a_reboot_leaves_nothing_that_the_lab_did_not_wire(clone):
    lab = clone("trixie")
    before = network(lab)
    done = lab.exec("machine", ["sh", "-ec", STRAYS])
    assert done.returncode == 0, done.stderr
    assert network(lab) != before
    lab.reboot("machine")
    assert network(lab) == before


def test_what_a_machine_made_permanent_outlives_its_reboot(clone):
    lab = clone("bookworm")
    lab.exec("machine", ["sh", "-c", "echo net.ipv4.ip_forward=1 > /etc/sysctl.d/50-keep.conf; echo kept > /etc/kept"])
    lab.reboot("machine")
    lab.wait_unit("machine", "multi-user.target")
    assert lab.exec("machine", ["sysctl", "-n", "net.ipv4.ip_forward"]).stdout.strip() == "1"
    assert lab.exec("machine", ["cat", "/etc/kept"]).stdout.strip() == "kept"


def test_a_lab_that_went_down_leaves_nothing(clone):
    lab = clone("trixie")
    assert remnants(lab.name)
    lab.down()
    assert remnants(lab.name) == []
