"""Devices are read over real SSH and Telnet from what real ones answered, with nothing said that does not only read."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import paramiko
import pytest

sys.path.insert(0, str(Path(__file__).parent))
import replay

from wizara.audit.job import DeviceLogin
from wizara.tree import load

pytestmark = pytest.mark.lab

reader, commands = load("audits.devices.reader"), load("audits.devices.commands")
CONFIGURATIONS = Path(__file__).parents[1] / "unit" / "audit" / "configurations"


class Replay:
    """A replaying device on a loopback address of its own."""

    def __init__(self, platform: str, folder: Path, last: int, *manner: str) -> None:
        self.platform, self.folder, self.address = platform, folder, f"127.88.0.{last}"
        key = folder / "key"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
        self.key = " ".join(key.with_suffix(".pub").read_text().split()[:2])
        command = [
            sys.executable,
            str(Path(replay.__file__)),
            platform,
            str(key),
            str(CONFIGURATIONS / f"{platform}.conf") if replay.MANNERS[platform].configuration else "-",
            self.address,
            *manner,
        ]
        self.process = subprocess.Popen(command, cwd=folder)
        for _try in range(100):
            try:
                socket.create_connection((self.address, 22), 1).close()
            except OSError:
                time.sleep(0.05)
            else:
                return

    def look(self, **changes: object) -> dict[str, object]:
        login = {"name": "sw", "address": self.address, "platform": self.platform, "username": replay.LOGIN[0], "password": replay.LOGIN[1],
                 "enable": replay.ENABLE, "host_key": self.key}  # fmt: skip
        told: dict[str, object] = reader.look(
            lambda ip, port, seconds: socket.create_connection((ip, port), seconds),
            DeviceLogin.model_validate(login | changes),
        )
        return told

    @property
    def heard(self) -> list[str]:
        return [
            line
            for line in (self.folder / "heard.log").read_text().splitlines()
            if line.strip("\ufffd\x01\x03\x1f\x18")
        ]


@pytest.fixture
def device(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Replay]:
    if os.geteuid() != 0:
        pytest.fail("needs root")
    made = Replay(request.param[0], tmp_path, *request.param[1:])
    yield made
    made.process.kill()
    made.process.wait()


def rows(told: dict[str, object], name: str) -> list[dict[str, object]]:
    found = told[f"{name}_table"]
    assert isinstance(found, list)
    return found


@pytest.mark.parametrize("device", [("cisco_ios", 1), ("cisco_ios", 2, "slow")], indirect=True)
def test_an_ios_switch_is_read_whole(device: Replay) -> None:
    told = device.look()
    assert told.get("answer") is not False, told
    assert rows(told, "version")[0]["version"] == "12.2(54)SG1"
    assert rows(told, "lldp")[0]["neighbor_interface"] == "ge-0/0/0.0"
    assert (len(rows(told, "cdp")), len(rows(told, "macs")), len(rows(told, "arp")), len(rows(told, "vlans"))) == (
        4,
        9,
        7,
        8,
    )
    assert rows(told, "bundles")[0]["member_interface"] == ["Te6/4", "Te3/5", "Te9/4", "Te5/5"]
    config = told["config"]
    assert isinstance(config, list)
    assert "hostname sw-good" in config
    assert not [line for line in map(str, config) if "nobodys" in line or "hunter2" in line]
    only_reads(device, told)


@pytest.mark.parametrize("device", [("huawei_vrp", 3)], indirect=True)
def test_a_vrp_switch_is_read_whole(device: Replay) -> None:
    told = device.look()
    assert told.get("answer") is not False, told
    assert rows(told, "version")[0]["vrp_version"] == "8.180"
    assert (rows(told, "lldp")[0]["neighbor_name"], rows(told, "lldp")[0]["local_interface"]) == (
        "tsa-2960-sw01",
        "GigabitEthernet0/0/1",
    )
    assert len(rows(told, "macs")) == 2
    assert len(rows(told, "vlans")) >= 5
    assert len(rows(told, "arp")) == 3
    assert "sysname sw-good" in told["config"]  # type: ignore[operator]
    assert {(row["eth_trunk"], row["interface"]) for row in rows(told, "bundles")} >= {
        ("Eth-Trunk1", "GigabitEthernet0/0/11"),
        ("Eth-Trunk1", "GigabitEthernet0/0/12"),
    }
    only_reads(device, told)


@pytest.mark.parametrize(
    ("device", "neighbours"),
    [
        (("hp_comware", 9), {"IDC-Extranet-HR8808-1", "IDC-Intranet-HS125X"}),
        (("aruba_aoscx", 10), {"rtr-agg-0620-a", "rtr-agg-0620-b", "SIP-T33G", "ap-9999-335-fe", "ap-9999-535-fe"}),
        (("mikrotik_routeros", 11), {"MikroTik-Dev"}),
    ],
    indirect=["device"],
)
def test_neighbours_of_other_platforms_are_read(device: Replay, neighbours: set[str]) -> None:
    told = device.look()
    assert told.get("answer") is not False, told
    name = "neighbours" if device.platform == "mikrotik_routeros" else "lldp"
    assert {row.get("neighbor_name") or row.get("identity") for row in rows(told, name)} == neighbours
    assert rows(told, "macs")
    assert "config" not in told
    only_reads(device, told)


@pytest.mark.parametrize(
    ("device", "command", "more"),
    [(("cisco_ios", 12), "show vlan", " --More-- "), (("huawei_vrp", 13), "display lldp neighbor", "  ---- More ----")],
    indirect=["device"],
)
def test_what_a_device_shows_by_pages_is_read_whole(device: Replay, command: str, more: str) -> None:
    """Whoever does not ask it to stop sees pages; the reader asks, and keeps every line."""
    with paramiko.SSHClient() as person:
        person.set_missing_host_key_policy(paramiko.AutoAddPolicy())
        person.connect(
            device.address, username=replay.LOGIN[0], password=replay.LOGIN[1], look_for_keys=False, allow_agent=False
        )
        channel = person.invoke_shell()
        channel.settimeout(10)
        channel.send(f"{command}\n".encode())
        seen = b""
        while more.encode() not in seen:
            seen += channel.recv(4096)
    (device.folder / "heard.log").unlink()
    name = next(key for key, word in commands.WORDS[device.platform].read.items() if word == command)
    kept = device.look()[name]
    whole = (Path(replay.TRANSCRIPTS) / device.platform / f"{command}.raw").read_text().strip("\r\n").splitlines()
    assert [str(line).rstrip() for line in kept] == [line.rstrip() for line in whole]  # type: ignore[attr-defined]
    assert len(whole) > replay.PAGE


def only_reads(device: Replay, told: dict[str, object]) -> None:
    """What was kept as sent is what the device heard, and each word of it only reads."""
    words = commands.WORDS[device.platform]
    secrets = {replay.LOGIN[0], replay.LOGIN[1], replay.ENABLE}
    heard = ["•••" if line in secrets else line for line in device.heard]
    assert set(heard) <= {*words.read.values(), *words.session, "•••"}
    assert [line for line in heard if line != "•••"] == [line for line in told["sent"] if line != "•••"]  # type: ignore[attr-defined]
    assert not [secret for secret in secrets - {"audit"} if secret in str(told)]


@pytest.mark.parametrize("device", [("cisco_ios", 4, "drop")], indirect=True)
def test_a_line_that_drops_is_told_and_hangs_nobody(device: Replay, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "_PATIENCE", 4.0)
    began = time.monotonic()
    told = device.look()
    assert (told["answer"], told["reason"]) == (False, "session")
    assert time.monotonic() - began < 60


@pytest.mark.parametrize("device", [("cisco_ios", 5, "old")], indirect=True)
def test_old_ssh_is_spoken_only_where_it_is_declared(device: Replay) -> None:
    assert device.look()["answer"] is False
    assert not (device.folder / "heard.log").exists()
    told = device.look(access="legacy-ssh")
    assert "hostname sw-good" in told["config"]  # type: ignore[operator]


@pytest.mark.parametrize("device", [("cisco_ios", 6), ("huawei_vrp", 7)], indirect=True)
def test_telnet_is_spoken_only_where_it_is_declared(device: Replay) -> None:
    told = device.look(access="telnet", host_key=None)
    assert any("name sw-good" in str(line) for line in told["config"]), told  # type: ignore[attr-defined]
    assert told["access"] == "telnet"
    (device.folder / "heard.log").unlink()
    assert device.look(host_key=None)["reason"] == "no-host-key"
    assert not (device.folder / "heard.log").exists()


@pytest.mark.parametrize("device", [("cisco_ios", 9), ("huawei_vrp", 10)], indirect=True)
@pytest.mark.parametrize("access", ["telnet", "ssh"])
def test_a_refused_password_is_tried_once(device: Replay, access: str) -> None:
    told = device.look(access=access, password="of-last-year")
    assert (told["answer"], told["reason"]) == (False, "refused")
    assert (device.folder / "tries.log").read_text().split() == ["of-last-year"]


@pytest.mark.parametrize("device", [("cisco_ios", 8)], indirect=True)
def test_a_foreign_host_key_gets_no_password(device: Replay) -> None:
    other = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKYcw0NvDafAMP9PFyQpZv3pLDDMxreqK3Ps7VtQvrFS"
    assert device.look(host_key=other)["answer"] is False
    assert not (device.folder / "heard.log").exists()


@pytest.mark.parametrize(
    "text",
    [
        "configure terminal",
        "write memory\n",
        "show version\nreload",
        "undo interface x",
        "display version | include x",
        "show running-config | redirect tftp://x",
    ],
)
def test_what_does_not_only_read_never_leaves(text: str) -> None:
    for platform in commands.WORDS:
        gate = commands.Gate(platform, frozenset({"secret"}))
        with pytest.raises(commands.Forbidden):
            gate.let_pass(text)
        gate.let_pass("secret\n")
        assert gate.sent[-1] == "•••"
