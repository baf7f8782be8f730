"""Five LANs with a filter between them: what passes undeclared and what is blocked is exactly what was planted."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import permutations
from pathlib import Path
from typing import Self

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from lan_bench import ip

from wizara.audit.facts import DeclaredFlow, DeclaredHost, DeclaredLan, LanFacts
from wizara.audit.job import Job
from wizara.audit.mandate import Mandate
from wizara.audit.observation import Observation
from wizara.audit.orders import FAST
from wizara.audit.rule import judge
from wizara.audit.verdict import Verdict
from wizara.engine.collect import collect
from wizara.tree import load

pytestmark = pytest.mark.lab

RULES = load("audits.segmentation.rules").RULES
PORTS = load("audits.segmentation.matrix").PORTS
LANS = (1, 2, 3, 4, 5)
#: (from, to, port) that the inventory declares
DECLARED = {(source, target, port) for source, target in permutations(LANS, 2) for port in (443, 53) if target == 1} | {
    (1, 2, 3389),
    (2, 3, 22),
}
LEAKS = {(2, 3, 445), (2, 4, 3389), (3, 2, 22), (3, 5, 8080), (4, 5, 23), (5, 1, 5432), (5, 4, 21)}
BLOCKED = {(4, 1, 53), (2, 3, 22)}
MANDATE = Mandate.model_validate(
    {"commissioner": "t", "reference": "t", "date": "2026-01-01", "perimeter": ["10.40.0.0/16"], "from": "2020-01-01", "to": "2040-01-01",
     "hours": ["00:00-24:00"], "operators": ["t"], "contact": "t"}
)  # fmt: skip
SERVER = """
import socket, sys, threading
def serve(port):
    with socket.create_server(("0.0.0.0", port), backlog=64) as door:
        while True:
            door.accept()[0].close()
for port in map(int, sys.argv[1:]):
    threading.Thread(target=serve, args=(port,)).start()
"""


def facts() -> LanFacts:
    lans = tuple(DeclaredLan(name=f"lan{lan}", network=f"10.40.{lan}.0/24") for lan in LANS)  # type: ignore[arg-type]
    hosts = tuple(
        DeclaredHost(
            name=f"server{lan}",
            site="hq",
            lan=f"lan{lan}",
            address=f"10.40.{lan}.10",
            role="server",
            services=("tcp/22",),
        )
        for lan in LANS
    )  # type: ignore[arg-type]
    flows = tuple(
        DeclaredFlow(sources=(f"10.40.{source}.0/24",), targets=(f"10.40.{target}.10/32",), services=(f"tcp/{port}",))  # type: ignore[arg-type]
        for source, target, port in sorted(DECLARED)
    )  # fmt: skip
    networks = tuple(lan.network for lan in lans)
    return LanFacts(site="hq", networks=networks, lans=lans, hosts=hosts, flows=flows, segmentation=True)


class Site:
    """A router with a filter, and on each of its LANs a server on all ports and a place to look from."""

    def __init__(self) -> None:
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
            ip("-n", self.router, "addr", "add", f"10.40.{lan}.1/24", "dev", f"br{lan}")
            ip("-n", self.router, "link", "set", f"br{lan}", "up")
            for last in (10, 250):
                self._plug(lan, last)
            command = [sys.executable, "-c", SERVER, *map(str, PORTS)]
            self.servers.append(subprocess.Popen(["ip", "netns", "exec", f"{self.prefix}-{lan}-10", *command]))
        passed = (DECLARED - BLOCKED) | LEAKS
        rules = "\n".join(
            f"ip saddr 10.40.{source}.0/24 ip daddr 10.40.{target}.10 tcp dport {port} accept"
            for source, target, port in sorted(passed)
        )
        table = (
            "table inet filter { chain forward { type filter hook forward priority 0; policy drop; ct state established accept\n"
            + rules
        )
        refuse = "\nip saddr 10.40.4.0/24 reject with tcp reset\n}\n}\n"  # some filters answer in the server's name
        subprocess.run(
            ["ip", "netns", "exec", self.router, "nft", "-f", "-"],
            input=(table + refuse).replace("reject", "meta l4proto tcp reject").encode(),
            check=True,
        )

    def __exit__(self, *_fault: object) -> None:
        for server in self.servers:
            server.kill()
            server.wait()
        for name in self.names:
            subprocess.run(["ip", "netns", "del", name], check=False)

    def _namespace(self, name: str) -> str:
        full = f"{self.prefix}-{name}"
        ip("netns", "add", full)
        self.names.append(full)
        ip("-n", full, "link", "set", "lo", "up")
        return full

    def _plug(self, lan: int, last: int) -> None:
        name, port = self._namespace(f"{lan}-{last}"), f"p{lan}x{last}"
        ip("link", "add", "lan0", "netns", name, "type", "veth", "peer", "name", port, "netns", self.router)
        ip("-n", self.router, "link", "set", port, "master", f"br{lan}", "up")
        ip("-n", name, "addr", "add", f"10.40.{lan}.{last}/24", "dev", "lan0")
        ip("-n", name, "link", "set", "lan0", "up")
        ip("-n", name, "route", "add", "default", "via", f"10.40.{lan}.1")

    def look(self, lan: int) -> list[Observation]:
        networks = (f"10.40.{lan}.0/24",)
        job = Job.model_validate(
            {
                "run": "r",
                "subject": "segmentation",
                "facts": facts(),
                "networks": networks,
                "mandate": MANDATE,
                "pace": FAST,
            }
        )
        return [*collect(job, Path("/run/netns") / f"{self.prefix}-{lan}-250")]


@pytest.fixture(scope="module")
def seen() -> Iterator[list[Observation]]:
    if os.geteuid() != 0:
        pytest.fail("needs root")
    with Site() as site, ThreadPoolExecutor(len(LANS)) as pool:
        yield [one for part in pool.map(site.look, LANS) for one in part]


def cells(verdicts: tuple[Verdict, ...], rule: str, outcome: str) -> set[tuple[int, int, int]]:
    told = (one for one in verdicts if (one.rule, one.outcome) == (rule, outcome) and one.subject.service)
    parts = ((one.subject.asset.split("/"), one.subject.service) for one in told)
    return {
        (int(asset[1][3:]), int(asset[2][3:]), int((service or "").removeprefix("tcp/"))) for asset, service in parts
    }


def test_every_cell_was_tried(seen: list[Observation]) -> None:
    assert len(PORTS) == 20
    assert len(seen) == 5 * 4 * 20
    assert {one.text("outcome") for one in seen} == {"open", "closed", "silent"}


def test_what_passes_and_what_is_blocked_is_what_was_planted(seen: list[Observation]) -> None:
    verdicts = judge(RULES, seen, facts())
    assert len(LEAKS) == 7
    assert cells(verdicts, "SEG-001", "broken") == LEAKS
    assert cells(verdicts, "SEG-002", "broken") == BLOCKED
    assert cells(verdicts, "SEG-002", "holds") == DECLARED - BLOCKED


def test_what_nobody_tried_is_not_tested_and_never_well(seen: list[Observation]) -> None:
    partly = [one for one in seen if one.text("source") != "lan5"]
    verdicts = judge(RULES, partly, facts())
    untested = {one.subject.name for one in verdicts if one.reason == "not-tested"}
    assert untested == {f"lan5 → lan{target}" for target in (1, 2, 3, 4)}
    assert not {cell for cell in cells(verdicts, "SEG-001", "holds") if cell[0] == 5}
    nothing = judge(RULES, [], facts())
    assert {one.outcome for one in nothing} == {"unknown"}
    assert len(nothing) == 20
