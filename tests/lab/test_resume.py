"""An audit that is killed is taken up again: little is asked twice, and the findings are the same; and one is continued from elsewhere."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from wide import AUDITOR, Wide, Witness

pytestmark = pytest.mark.lab
#: Addresses that one machine has, in networks of this length: 112 for each push, 2,014 for the long test.
FEW = ("10.77.7.128/25", ("10.77.7.128/26", "10.77.7.192/27", "10.77.7.224/28"))
MANY = ("10.77.0.0/21", ("10.77.0.0/22", "10.77.4.0/23", "10.77.6.0/24", "10.77.7.0/25", "10.77.7.128/26"))
#: About as many as wizara tries by itself; with few, the one connection that each host has on its way would be more than 5 %.
PORTS = "20-99,6379,8080"
MANDATE = """
commissioner: T
reference: T
date: 2026-01-01
perimeter: [10.77.0.0/16]
from: 2026-01-01
to: 2036-01-01
hours: ["00:00-24:00"]
operators: [t]
contact: t
"""


class Crowd(Wide):
    """Many addresses, and one machine has them all: as many hosts to whoever asks."""

    def __init__(self, network: str, blocks: tuple[str, ...]) -> None:
        super().__init__()
        self.lan_network, self.blocks = network, blocks

    def __enter__(self) -> Self:
        super().__enter__()
        length = self.lan_network.partition("/")[2]
        subprocess.run(
            ["ip", "-n", self.auditor, "addr", "replace", f"10.77.7.254/{length}", "dev", "lan0"], check=True
        )
        subprocess.run(["ip", "-n", self.auditor, "addr", "del", "10.77.15.250/20", "dev", "lan0"], check=True)
        crowd = self.plug("crowd", "02:00:00:00:0b:01", f"10.77.7.253/{length}")
        for block in self.blocks:
            subprocess.run(["ip", "-n", crowd, "route", "add", "local", block, "dev", "lo"], check=True)
        self.chatter(crowd, "serve", "6379", "8080")
        (self.folder / "mandate.yaml").write_text(MANDATE)
        self.runs = self.folder / "runs"
        time.sleep(2)
        return self

    def audit(self, *words: str) -> subprocess.Popen[str]:
        line = [
            "ip", "netns", "exec", self.auditor, sys.executable, "-m", "wizara", "audit", "--network", self.lan_network, "--interface", "lan0",
            "--mandate", str(self.folder / "mandate.yaml"), "--runs", str(self.runs), "--profile", "fast", "--json", *words,
        ]  # fmt: skip
        environment = os.environ | {"PYTHONPATH": ":".join([str(Path(__file__).parents[2]), *sys.path])}
        return subprocess.Popen(
            line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, start_new_session=True
        )


def probes(witness: Witness) -> Counter[bytes]:
    """Return how often each address was asked by ARP and each port by SYN: what an audit asks a host for."""
    asked: Counter[bytes] = Counter()
    for one in witness.sent:
        if one.kind == "0806" and one.frame[21] == 1 and one.target == "ff:ff:ff:ff:ff:ff":
            asked[b"arp" + one.frame[38:42]] += 1
        elif one.kind == "0800" and one.frame[23] == 6 and one.frame[47] == 2:
            asked[b"syn" + one.frame[30:34] + one.frame[36:38]] += 1
    return asked


def findings(out: str) -> set[tuple[str, str, str]]:
    return {
        (one["rule"], one["subject"]["ip"] or "", one["subject"]["service"] or "")
        for one in json.loads(out)["findings"]
    }


@pytest.fixture(scope="module")
def crowd() -> Iterator[Crowd]:
    with Crowd(*FEW) as lan:
        yield lan


@pytest.fixture(scope="module")
def whole(crowd: Crowd) -> dict[str, Any]:
    return uninterrupted(crowd)


def uninterrupted(crowd: Crowd) -> dict[str, Any]:
    """Return what an audit that nobody interrupts asks and finds, and how long it takes."""
    began = time.monotonic()
    with Witness(crowd) as witness:
        out, said = crowd.audit("--ports", PORTS).communicate(timeout=300)
    assert out, said
    return {"probes": probes(witness), "findings": findings(out), "seconds": time.monotonic() - began, "said": said}


def interrupted(crowd: Crowd, whole: dict[str, Any], share: float) -> tuple[float, set[tuple[str, str, str]]]:
    """Kill an audit at *share* of its time and take it up; return the share of probes that were asked twice, and the findings."""
    with Witness(crowd) as witness:
        first = crowd.audit("--ports", PORTS)
        time.sleep(whole["seconds"] * share)
        os.killpg(first.pid, signal.SIGKILL)
        first.communicate()
        last = max(path.name for path in crowd.runs.iterdir() if (path / "audit.json").is_file())
        out, said = crowd.audit("--ports", PORTS, "--resume", last).communicate(timeout=300)
        assert out, said
    asked = probes(witness)
    # A silent address is asked twice by every sweep, and a lost SYN is sent again: more than the uninterrupted one asked is repeated.
    again = sum(max(0, count - whole["probes"].get(one, 1)) for one, count in asked.items())
    assert set(asked) >= set(whole["probes"])
    return again / sum(whole["probes"].values()), findings(out)


@pytest.mark.parametrize("share", [0.4, 0.7])
def test_a_killed_audit_is_taken_up_and_asks_little_twice(crowd: Crowd, whole: dict[str, Any], share: float) -> None:
    repeated, found = interrupted(crowd, whole, share)
    assert found == whole["findings"]
    assert repeated <= 0.05


def thirty(crowd: Crowd) -> None:
    """Kill an audit of *crowd* at thirty moments, and take it up each time."""
    chance, worst = random.Random(30), 0.0
    whole = uninterrupted(crowd)
    for _each in range(30):
        repeated, found = interrupted(crowd, whole, chance.uniform(0.15, 0.95))
        assert found == whole["findings"]
        worst = max(worst, repeated)
    print(f"30 kills: at most {worst:.1%} of {sum(whole['probes'].values())} probes repeated")
    assert worst <= 0.05


@pytest.mark.slow
def test_thirty_kills_lose_nothing(crowd: Crowd) -> None:
    thirty(crowd)


@pytest.mark.slow
def test_thirty_kills_on_two_thousand_hosts_lose_nothing() -> None:
    """The kernel keeps one table of neighbours for all namespaces of a computer: by default it is too small for so many."""
    table = Path("/proc/sys/net/ipv4/neigh/default/gc_thresh3")
    before = table.read_text()
    table.write_text("16384")
    try:
        with Crowd(*MANY) as crowd:
            thirty(crowd)
    finally:
        table.write_text(before)


def test_what_is_continued_must_be_the_same_audit(crowd: Crowd, whole: dict[str, Any]) -> None:
    run = min(path.name for path in crowd.runs.iterdir() if (path / "audit.json").is_file())
    other = crowd.folder / "other.yaml"
    other.write_text(MANDATE.replace("reference: T", "reference: U"))
    for words, told in (
        (("--resume", run, "--mandate", str(other)), "no audit of the same place under the same mandate"),
        (("--resume", run, "--append", run), "give one of them"),
        (("--resume", run, "--network", "10.77.7.128/25"), "looked at other networks"),
        (("--resume", "nothing"), "no run"),
    ):
        process = crowd.audit(*words)
        _out, said = process.communicate(timeout=60)
        assert (process.returncode, told in said) == (2, True), said


def test_an_audit_goes_on_from_another_port_of_the_same_computer(crowd: Crowd, whole: dict[str, Any]) -> None:
    """The auditor unplugs and plugs in elsewhere: the run holds both places, and its findings are of both."""
    run = min(path.name for path in crowd.runs.iterdir() if (path / "audit.json").is_file())
    with Wide() as elsewhere:
        other = elsewhere.plug("crowd", AUDITOR.replace("fa", "fb"), "10.77.9.1/20")
        elsewhere.chatter(other, "serve", "6379")
        time.sleep(2)
        line = [
            "ip", "netns", "exec", elsewhere.auditor, sys.executable, "-m", "wizara", "audit", "--network", "10.77.0.0/20", "--interface",
            "lan0", "--mandate", str(crowd.folder / "mandate.yaml"), "--runs", str(crowd.runs), "--profile", "fast", "--json", "--append", run,
        ]  # fmt: skip
        environment = os.environ | {"PYTHONPATH": ":".join([str(Path(__file__).parents[2]), *sys.path])}
        told = subprocess.run(line, capture_output=True, text=True, env=environment, timeout=120, check=False)
    summary = json.loads(told.stdout)
    assert summary["run"] == run
    assert [view["networks"] for view in summary["views"]] == [[crowd.lan_network], ["10.77.0.0/20"]]
    kept = [json.loads(line) for line in (crowd.runs / run / "observations.jsonl").read_text().splitlines()]
    swept = {one["data"]["network"] for one in kept if one["kind"] == "sweep" and one["data"].get("on_link")}
    assert swept == {crowd.lan_network, "10.77.0.0/20"}
    assert "10.77.9.1" in {one["target"]["ip"] for one in kept if one["kind"] == "host"}
