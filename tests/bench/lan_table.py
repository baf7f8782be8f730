"""Measures the LAN audit beside Debian's nmap, tuned as an expert would: same hosts, same run, medians of pairs; 4 when a bar is missed."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

sys.path.insert(0, str(Path(__file__).parents[1] / "lab"))
sys.path.insert(0, str(Path(__file__).parent))
import corpus_table
from table import Bar
from wide import NETWORK, SIX_ONLY, Wide, living, opened

#: The sweep that no pace holds back; the never-list holds all the same.
UNCAPPED = {
    "name": "uncapped", "lan_per_second": 100_000, "host_per_second": 100_000, "sockets_per_host": 64, "sockets": 1024,
    "gentle": 100.0, "timeout": 1.0,
}  # fmt: skip
_NEVER = 515
"""Of the first thousand ports the one that wizara sends no frame to."""
_DISCOVER = ("-sn", "-n", "-T5", "--min-rate", "5000", "--max-retries", "1")
_SWEEP = ("-sS", "-n", "-Pn", "-T4", "--min-rate", "5000", "--max-retries", "1", "--min-hostgroup", "64", "-p1-1000")
_OPEN = ("22", "80", "111", "443", "993", "7", "1000")


@dataclass(frozen=True)
class Peer:
    """What one run of nmap found, and how long it took as a process."""

    seconds: float
    hosts: frozenset[str]
    ports: frozenset[tuple[str, int]]


def nmap(lan: Wide, *words: str) -> Peer:
    """Run nmap in the auditor's place."""
    began = time.monotonic()
    line = ["ip", "netns", "exec", lan.auditor, "nmap", "-oX", "-", *words]
    out = subprocess.run(line, check=True, capture_output=True, text=True).stdout
    seconds = time.monotonic() - began
    hosts, ports = set(), set()
    for host in ET.fromstring(out).iter("host"):
        ip = next(one.get("addr", "") for one in host.iter("address") if one.get("addrtype") in {"ipv4", "ipv6"})
        state = host.find("status")
        if state is not None and state.get("state") == "up":
            hosts.add(ip)
        ports |= {
            (ip, int(one.get("portid", "0")))
            for one in host.iter("port")
            if one.find("state[@state='open']") is not None
        }
    return Peer(seconds, frozenset(hosts), frozenset(ports))


def sweep_without_frames(pairs: int) -> Iterator[Bar]:
    """The same thirty hosts by connections alone, in a process without CAP_NET_RAW, over a route: declared addresses are tried."""
    ours, differences, found = [], 0, 0
    with Wide() as lan:
        hosts = _serving(lan)
        ports = [one for one in range(1, 1001) if one != _NEVER]
        aims: dict[str, Any] = {"pace": UNCAPPED, "ports": ports}
        _seconds, seen = _swept(lan, hosts, networks=["10.77.0.0/20"], **aims)
        by_frames = {one for one in opened(seen) if one[0] in hosts}
        for _pair in range(pairs):
            afar = {"networks": ["10.77.0.0/27"], "routed": True, "declared": {one: [] for one in hosts}}
            seconds, seen = _swept(lan, hosts, raw=False, **afar, **aims)
            ours.append(seconds)
            mine = {one for one in opened(seen) if one[0] in hosts}
            differences += len(mine ^ by_frames)
            found = len(mine)
    _say(f"30 hosts × 999 TCP ports by connections, without CAP_NET_RAW, {found} open: wizara {_told(ours)} s")
    yield Bar("30 × 1000 ports without CAP_NET_RAW", statistics.median(ours), 15, " s")
    yield Bar("30 × 1000 ports without CAP_NET_RAW: open ports that differ from those by frames", differences, 0)


def timed(lan: Wide, until: Callable[[dict[str, Any]], bool], **orders: Any) -> tuple[float, list[dict[str, Any]]]:
    """Scan until a line for which *until* holds; return the seconds since the process was started, and what was seen by then."""
    began = time.monotonic()
    process = lan.start(**orders)
    seen: list[dict[str, Any]] = []
    assert process.stdout is not None
    for line in process.stdout:
        seen.append(json.loads(line))
        if until(seen[-1]):
            break
    seconds = time.monotonic() - began
    process.kill()
    process.communicate()
    return seconds, seen


def discovery(pairs: int) -> Iterator[Bar]:
    """A /20 with thirty alive: one drops all IPv4, one has only IPv6."""
    ours, theirs, missed, found = [], [], set[str](), 0
    with Wide() as lan:
        everybody = lan.populate()

        def swept(one: dict[str, Any]) -> bool:
            return one["kind"] == "sweep" and one["data"]["network"] == NETWORK

        for _pair in range(pairs):
            seconds, seen = timed(lan, swept, pace="fast")
            ours.append(seconds)
            missed |= everybody - set(living(seen))
            peer = nmap(lan, *_DISCOVER, NETWORK)
            theirs.append(peer.seconds)
            found = len(peer.hosts & everybody)
        polite, seen = timed(lan, swept, pace="polite")
        missed |= everybody - set(living(seen))
    _say(f"discovery of a /20, 30 alive: wizara fast {_told(ours)} s (30 of 30, {SIX_ONLY} among them), "
         f"nmap {' '.join(_DISCOVER)} {_told(theirs)} s ({found} of 30); wizara polite {polite:.2f} s")  # fmt: skip
    yield Bar("/20, fast: hosts missed", len(missed), 0)
    yield Bar("/20, fast, from the start of the process", statistics.median(ours), 3, " s")
    yield Bar("/20, polite", polite, 12, " s")
    ratio = statistics.median(one / other for one, other in zip(ours, theirs, strict=True))
    yield Bar("/20, fast, against tuned nmap", ratio, 1, " ×")


def sweep(pairs: int) -> Iterator[Bar]:
    """Thirty hosts, a thousand TCP ports each, as fast as they go."""
    ours, theirs, differences, found = [], [], 0, 0
    with Wide() as lan:
        hosts = _serving(lan)
        ports = [one for one in range(1, 1001) if one != _NEVER]
        for _pair in range(pairs):
            seconds, seen = _swept(lan, hosts, pace=UNCAPPED, ports=ports, networks=["10.77.0.0/20"])
            ours.append(seconds)
            peer = nmap(lan, *_SWEEP, "--exclude-ports", str(_NEVER), *hosts)
            theirs.append(peer.seconds)
            mine = {one for one in opened(seen) if one[0] in hosts}
            differences += len(mine ^ peer.ports)
            found = len(mine)
    _say(f"30 hosts × 999 TCP ports, {found} open: wizara {_told(ours)} s, nmap {' '.join(_SWEEP)} {_told(theirs)} s")
    yield Bar("30 × 1000 ports, uncapped", statistics.median(ours), 2, " s")
    yield Bar("30 × 1000 ports: open ports that differ from nmap's", differences, 0)


def _serving(lan: Wide) -> list[str]:
    """Plug in thirty hosts with one to seven open ports each, and return their addresses."""
    hosts = [f"10.77.0.{last}" for last in range(1, 31)]
    for number, ip in enumerate(hosts):
        space = lan.plug(f"h{number}", f"02:00:00:00:01:{number:02x}", f"{ip}/20", six=False)
        lan.nft(space, "add table ip t; add chain ip t p { type nat hook prerouting priority -100; };"
                       f" add rule ip t p tcp dport {{ {', '.join(_OPEN[: 1 + number % len(_OPEN)])} }} redirect to :9")  # fmt: skip
        lan.chatter(space, "tarpit")
    time.sleep(8)
    return hosts


def _swept(lan: Wide, hosts: list[str], **orders: Any) -> tuple[float, list[dict[str, Any]]]:
    """Return the seconds from the end of the search for *hosts* until the ports of all of them are told, and what was seen."""
    left = set(hosts)

    def last(one: dict[str, Any]) -> bool:
        left.difference_update({one["ip"]} if one["kind"] == "ports" else set())
        return not left

    _seconds, seen = timed(lan, last, **orders)
    began = max(one["at"] for one in seen if one["kind"] == "sweep")
    return max(one["at"] for one in seen if one["kind"] == "ports") - began, seen


def corpus(_pairs: int) -> Iterator[Bar]:
    """The active audit of the planted weaknesses; its own table judges it."""
    yield Bar("corpus: bars of its table that are missed", float(corpus_table.main() != 0), 0)


def _told(seconds: list[float]) -> str:
    return f"{statistics.median(seconds):.2f} ({', '.join(f'{one:.2f}' for one in seconds)})"


def _say(words: str) -> None:
    print(words, flush=True)


def installed() -> None:
    """Have nmap, which only this measurement needs."""
    if not shutil.which("nmap"):
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(
            ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "nmap"],
            check=True,
            env=quiet,
            stdout=subprocess.DEVNULL,
        )


MEASURES = {"discovery": discovery, "sweep": sweep, "connect": sweep_without_frames, "corpus": corpus}


def main() -> int:
    """Measure, print, and judge the bars."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", nargs="*", choices=[*MEASURES, []])
    parser.add_argument("--pairs", type=int, default=3)
    asked = parser.parse_args()
    installed()
    missed = False
    for name in asked.what or MEASURES:
        for bar in MEASURES[name](asked.pairs):
            _say(str(bar))
            missed |= not bar.holds
    return 4 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
