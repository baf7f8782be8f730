"""``wizara audit --segmentation`` over five LANs with a filter between them, from this computer and from a node over SSH."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import permutations
from pathlib import Path
from typing import Any, Self

import houses
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from lan_bench import ip

from wizara.tree import load, root

pytestmark = pytest.mark.lab

PORTS = load("audits.segmentation.matrix").PORTS
LANS = (1, 2, 3, 4, 5)
SCOUT = "scout"
#: what the inventory lets pass from every LAN: machine → ports
SERVED = {"server1": (443, 53), "server2": (3389,), "server3": (22,), SCOUT: (53,)}
LEAKS = {(2, "server3", 445), (2, "server4", 3389), (3, "server2", 22), (3, "server5", 8080), (4, "server5", 23),
         (5, "server1", 5432), (5, "server4", 21)}  # fmt: skip
BLOCKED = {(4, "server1", 53), (2, "server3", 22)}
MANDATE = """commissioner: SG
reference: CELLS/1
date: 2026-01-01
perimeter: [10.40.0.0/16]
# One machine of each LAN is spared: then nobody is asked for an address there, and no second is lost waiting for offers.
exclusions: [10.40.1.9/32, 10.40.2.9/32, 10.40.3.9/32, 10.40.4.9/32, 10.40.5.9/32]
from: 2020-01-01
to: 2099-12-31
hours: ["00:00-24:00"]
operators: [bench]
contact: bench
"""
SERVER = """
import socket, sys, threading
def serve(port):
    with socket.create_server(("0.0.0.0", port), backlog=64) as door:
        while True:
            door.accept()[0].close()
for port in map(int, sys.argv[1:]):
    threading.Thread(target=serve, args=(port,)).start()
"""
#: An SSH server with the account that enrolment makes; what it writes is seen by nobody else.
SSHD = """
mount --bind "$1/passwd" /etc/passwd
mkdir -p /run/sshd /run/wizara
mount -t tmpfs none /run/wizara
exec /usr/sbin/sshd -D -e -f "$1/sshd_config"
"""


def standing() -> dict[str, tuple[int, str]]:
    """Return machine → (LAN, address)."""
    return {f"server{lan}": (lan, f"10.40.{lan}.10") for lan in LANS} | {SCOUT: (3, "10.40.3.12")}


def declared() -> set[tuple[int, str, int]]:
    """Return (from, machine, port) that the inventory lets pass: what is served, and SSH to the node from where it is managed."""
    served = {(lan, name, port) for name, ports in SERVED.items() for port in ports for lan in LANS}
    return {one for one in served | {(1, SCOUT, 22)} if one[0] != standing()[one[1]][0]}


def write(folder: Path, key: str, host_key: str) -> None:
    """Write the inventory."""
    titles = {"fr": "Essai", "en": "Test"}
    site = {
        "title": titles, "kind": "headquarters",
        "lans": {f"lan{lan}": {"network": f"10.40.{lan}.0/28", "purpose": "office"} for lan in LANS},
        "hosts": {name: {"lan": f"lan{lan}", "address": address, "role": "server", "services": ["tcp/22"]}
                  for name, (lan, address) in standing().items() if name != SCOUT},
        "nodes": {SCOUT: {"release": "bookworm", "parts": ["node", "names"], "manage": "10.40.3.12", "ports": {"lan3": {"address": "10.40.3.12"}}}},
    }  # fmt: skip
    flows = [{"from": "hq", "to": name, "services": [f"tcp/{port}" for port in ports], "reason": "essai"}
             for name, ports in SERVED.items() if name != SCOUT]  # fmt: skip
    ministry = {
        "name": "cells", "title": titles, "country": "DZ", "domain": "cells.test", "management": ["10.40.1.0/28"],
        "engineers": ["essai"], "flows": flows, "people": {"essai": {"name": titles, "site": "hq", "mail": "essai", "ssh_keys": [key]}},
    }  # fmt: skip
    (folder / "sites").mkdir(parents=True)
    enrolled = {"nodes": {SCOUT: {"host_key": host_key}}}
    for path, content in {"ministry.yaml": ministry, "sites/hq.yaml": site, "enrolled.yaml": enrolled}.items():
        (folder / path).write_text(houses.plain(content))
    (folder / "mandate.yaml").write_text(MANDATE)


class Site:
    """A router with a filter, and on each of its LANs a server on all ports and a place to look from."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.inventory = folder, folder / "cells"
        self.prefix = f"wzs{os.getpid() % 10000}"
        self.names: list[str] = []
        self.servers: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        try:
            self._stand_up()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _stand_up(self) -> None:
        self.router = self._namespace("router")
        ip("netns", "exec", self.router, "sysctl", "-qw", "net.ipv4.ip_forward=1")
        for lan in LANS:
            ip("-n", self.router, "link", "add", f"br{lan}", "type", "bridge")
            ip("-n", self.router, "addr", "add", f"10.40.{lan}.1/28", "dev", f"br{lan}")
            ip("-n", self.router, "link", "set", f"br{lan}", "up")
            for last in (10, 14, *((12,) if lan == 3 else ())):
                self._plug(lan, last)
            self._run(lan, 10, sys.executable, "-c", SERVER, *map(str, PORTS))
        self._run(3, 12, sys.executable, "-c", SERVER, "53")
        self._serve_ssh()
        passed = sorted((declared() - BLOCKED) | LEAKS)
        rules = "\n".join(
            f"ip saddr 10.40.{source}.0/28 ip daddr {standing()[name][1]} tcp dport {port} accept"
            for source, name, port in passed
        )
        table = (
            "table inet filter { chain forward { type filter hook forward priority 0; policy drop; ct state established accept\n"
            + rules
        )
        refuse = "\nip saddr 10.40.4.0/24 meta l4proto tcp reject with tcp reset\n}\n}\n"  # some filters answer in the server's name
        command = ["ip", "netns", "exec", self.router, "nft", "-f", "-"]
        subprocess.run(command, input=(table + refuse).encode(), check=True)

    def _serve_ssh(self) -> None:
        """Let the node be reached as an enrolled one is: with the operator's key and a pinned one of its own."""
        home = self.folder / "home"
        (home / ".ssh").mkdir(parents=True)
        keys = {"operator": home / ".ssh" / "id_ed25519", "host": self.folder / "host_ed25519"}
        for path in keys.values():
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True)
        told = {name: " ".join(path.with_suffix(".pub").read_text().split()[:2]) for name, path in keys.items()}
        write(self.inventory, told["operator"], told["host"])
        passwd = Path("/etc/passwd").read_text() + f"wizara:x:0:0::{home}:/bin/sh\n"
        (self.folder / "passwd").write_text(passwd)
        lines = [
            "ListenAddress 10.40.3.12", f"HostKey {keys['host']}", f"AuthorizedKeysFile {keys['operator']}.pub", "PermitRootLogin prohibit-password",
            "PasswordAuthentication no", "UsePAM no", "StrictModes no", f"PidFile {self.folder}/sshd.pid", "UseDNS no", "PrintMotd no",
        ]  # fmt: skip
        (self.folder / "sshd_config").write_text("\n".join([*lines, ""]))
        own = ["unshare", "--mount", "--propagation", "private", "sh", "-ec", SSHD, "sh", str(self.folder)]
        self._run(3, 12, *own)

    def __exit__(self, *_fault: object) -> None:
        for server in self.servers:
            server.kill()
            server.wait()
        for name in self.names:
            told = subprocess.run(["ip", "netns", "pids", name], capture_output=True, text=True, check=False).stdout
            for pid in told.split():  # a login of the SSH server outlives it
                os.kill(int(pid), 9)
            subprocess.run(["ip", "netns", "del", name], check=False)

    def _namespace(self, name: str) -> str:
        full = f"{self.prefix}-{name}"
        ip("netns", "add", full)
        self.names.append(full)
        ip("-n", full, "link", "set", "lo", "up")
        return full

    def _run(self, lan: int, last: int, *command: str) -> None:
        line = ["ip", "netns", "exec", f"{self.prefix}-{lan}-{last}", *command]
        self.servers.append(subprocess.Popen(line))

    def _plug(self, lan: int, last: int) -> None:
        name, port = self._namespace(f"{lan}-{last}"), f"p{lan}x{last}"
        ip("link", "add", "lan0", "netns", name, "type", "veth", "peer", "name", port, "netns", self.router)
        ip("-n", self.router, "link", "set", port, "master", f"br{lan}", "up")
        ip("-n", name, "addr", "add", f"10.40.{lan}.{last}/28", "dev", "lan0")
        ip("-n", name, "link", "set", "lan0", "up")
        ip("-n", name, "route", "add", "default", "via", f"10.40.{lan}.1")

    def wizara(self, lan: int, *words: str) -> str:
        """Run wizara on the computer that is plugged into *lan*, as its operator would."""
        line = [
            "ip",
            "netns",
            "exec",
            f"{self.prefix}-{lan}-14",
            sys.executable,
            "-m",
            "wizara",
            *words,
            "--runs",
            str(self.folder / "runs"),
        ]
        settings = os.environ | {"PYTHONPATH": str(root()), "HOME": str(self.folder / "home"), "SSH_AUTH_SOCK": ""}
        done = subprocess.run(line, check=False, capture_output=True, text=True, env=settings, timeout=120)
        assert done.returncode in {0, 4}, done.stderr
        return done.stdout

    def audit(self, lan: int, *words: str) -> dict[str, Any]:
        """Audit from there: the segmentation, and as little as can be of the rest."""
        little = ("--profile", "fast", "--ports", "22", "--segmentation", "--json")
        told: dict[str, Any] = json.loads(self.wizara(lan, "audit", str(self.inventory), "hq", *words, *little))
        return told

    def report(self, run: str) -> tuple[dict[str, Any], str]:
        """Return the report of *run* as JSON and as HTML."""
        paths = [Path(one) for one in self.wizara(1, "report", run, "--lang", "en", "--format", "json,html").split()]
        by_end = {path.suffix: path for path in paths}
        return json.loads(by_end[".json"].read_text()), by_end[".html"].read_text()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    if os.geteuid() != 0:
        pytest.fail("needs root")
    with Site(tmp_path_factory.mktemp("cells")) as up:
        yield up


def cells(told: list[dict[str, Any]], rule: str) -> set[tuple[int, str, int]]:
    """Return (from, machine, port) of what *rule* says of connections."""
    found = [one["subject"] for one in told if one["rule"] == rule and one["subject"]["service"]]
    parts = [(one["asset"].split("/"), int(one["service"].removeprefix("tcp/"))) for one in found]
    return {(int(asset[1].removeprefix("lan")), asset[3], port) for asset, port in parts}


def untested(report: dict[str, Any]) -> dict[str, str]:
    """Return pair of LANs → why nobody tried it."""
    told = [one for one in report["unknown"] if one["rule"] == "SEG-001" and not one["subject"]["service"]]
    return {one["subject"]["name"]: one["reason"] for one in told}


def test_what_passes_and_what_is_blocked_is_what_was_planted(site: Site) -> None:
    """From this computer, plugged into one LAN after the other; each continues the same audit."""
    began = time.monotonic()
    run = site.audit(1, "--from", "lan1")["run"]
    for lan in LANS[1:]:
        told = site.audit(lan, "--from", f"lan{lan}", "--append", run)
    print(f"{len(LANS)} × {len(LANS)} LANs × {len(PORTS)} ports: {time.monotonic() - began:.1f} s")
    assert len(PORTS) == 20
    assert len(LEAKS) == 7
    assert cells(told["findings"], "SEG-001") == LEAKS
    assert cells(told["findings"], "SEG-002") == BLOCKED
    report, page = site.report(run)
    assert cells(report["proofs"], "SEG-002") == declared() - BLOCKED
    assert untested(report) == {}
    assert "not tested" not in page.partition('id="segmentation"')[2].partition("<section")[0]
    tried = [one["data"] for one in report["observations"] if one["kind"] == "reachability"]
    machines = len(list(permutations(LANS, 2))) + len(LANS) - 1  # the node is a second machine of its LAN
    assert len(tried) == machines * len(PORTS)
    assert {one["outcome"] for one in tried} == {"open", "closed", "silent"}


def test_a_node_tries_it_over_ssh_and_the_rest_is_told_as_not_tested(site: Site) -> None:
    told = site.audit(1, "--from", SCOUT)
    assert cells(told["findings"], "SEG-001") == {one for one in LEAKS if one[0] == 3}
    assert cells(told["findings"], "SEG-002") == {one for one in BLOCKED if one[0] == 3}
    report, page = site.report(told["run"])
    tried = [one for one in report["observations"] if one["kind"] == "reachability"]
    assert {one["vantage"] for one in tried} == {SCOUT}
    assert len(tried) == 4 * len(PORTS)
    assert untested(report) == {
        f"lan{source} → lan{target}": "not-tested" for source, target in permutations(LANS, 2) if source != 3
    }
    matrix = page.partition('id="segmentation"')[2].partition("</table>")[0]
    assert matrix.count("not tested (no connection was tried between these networks)") == 16
    assert matrix.count("passes undeclared") == 2
