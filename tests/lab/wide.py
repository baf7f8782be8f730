"""A wide LAN of bare network namespaces: a /20 with thirty machines, one that drops all IPv4 and one that has only IPv6, and a witness."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, Self

from lan_bench import Lan, ip

from wizara import tree

AUDITOR, ADDRESS, ADDRESS6 = "02:00:00:00:00:fa", "10.77.15.250/20", "fd77::fa/64"
NETWORK, NETWORK6 = "10.77.0.0/20", "fd77::/64"
FILTERED, SIX_ONLY = "10.77.9.9", "fd77::30"
STUBS = Path(__file__).with_name("chatter.py")
#: Sees every frame that the auditor sends, by the bridge's port: kernel's time, length, first bytes.
_WITNESS = """
import socket, struct, sys
wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
wire.setsockopt(socket.SOL_SOCKET, 33, 64 << 20)
wire.setsockopt(socket.SOL_SOCKET, 35, 1)
wire.bind(("auditor", 3))
mac = bytes.fromhex(sys.argv[1].replace(":", ""))
out = open(sys.argv[2], "wb", 1 << 16)
print("ready", flush=True)
wire.settimeout(0.2)
while True:
    try:
        frame, ancillary, _flags, _from = wire.recvmsg(200, 64)
    except TimeoutError:
        out.flush()
        continue
    if frame[6:12] == mac:
        seconds, nanoseconds = struct.unpack("qq", ancillary[0][2][:16])
        out.write(struct.pack("!dH", seconds + nanoseconds / 1e9, len(frame)) + frame[:74].ljust(74, b"\\0"))
"""


@dataclass(frozen=True)
class Sent:
    """One frame of the auditor."""

    when: float
    frame: bytes

    @property
    def target(self) -> str:
        """The card it went to."""
        return self.frame[:6].hex(":")

    @property
    def kind(self) -> str:
        return self.frame[12:14].hex()


class Witness:
    """The frames that the auditor's card sends while the ``with`` lasts."""

    def __init__(self, lan: Wide) -> None:
        self._path = lan.folder / f"witness-{time.monotonic_ns()}"
        command = ["ip", "netns", "exec", lan.core, sys.executable, "-c", _WITNESS, AUDITOR, str(self._path)]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE)
        self.sent: list[Sent] = []

    def __enter__(self) -> Self:
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == b"ready\n"
        return self

    def __exit__(self, *_fault: object) -> None:
        time.sleep(0.5)
        self._process.kill()
        self._process.wait()
        content, size = self._path.read_bytes(), 84
        import struct

        for at in range(0, len(content) - size + 1, size):
            when, _length = struct.unpack_from("!dH", content, at)
            self.sent.append(Sent(when, content[at + 10 : at + size]))

    def of(self, kind: str, target: str | None = None) -> list[Sent]:
        return [one for one in self.sent if one.kind == kind and target in {None, one.target}]


def most_in_a_second(sent: list[Sent]) -> int:
    """Return the most frames of any second."""
    times = sorted(one.when for one in sent)
    most, first = 0, 0
    for last, when in enumerate(times):
        while times[first] <= when - 1:
            first += 1
        most = max(most, last - first + 1)
    return most


def usual_rate(times: list[float], window: int = 200) -> float:
    """Return the frames a second of most windows: where others make this computer stutter, that is no rate of the sender's."""
    spans = [times[at + window] - times[at] for at in range(0, len(times) - window, window)]
    return window / median(spans)


def by_host(sent: list[Sent]) -> dict[str, list[Sent]]:
    """Return card → frames to it, groups and all left out."""
    found: defaultdict[str, list[Sent]] = defaultdict(list)
    for one in sent:
        if not one.frame[0] & 1:
            found[one.target].append(one)
    return found


class Wide(Lan):
    """The LAN; :meth:`populate` plugs in the thirty."""

    def __enter__(self) -> Self:
        super().__enter__()
        self.auditor = self.plug("auditor", AUDITOR, ADDRESS, ADDRESS6)
        return self

    def plug(self, name: str, mac: str, *addresses: str, six: bool = True) -> str:
        """Plug in a machine, without IPv6 where *six* is false, and return its namespace."""
        space = self._namespace(name)
        if not six:
            told = "net.ipv6.conf.default.disable_ipv6=1"
            subprocess.run(["ip", "netns", "exec", space, "sysctl", "-qw", told], check=True)
        if name == "auditor":  # its own kernel is not to speak, where frames are counted
            quiet = ("net.ipv6.conf.default.router_solicitations=0", "net.ipv6.conf.default.accept_ra=0")
            subprocess.run(["ip", "netns", "exec", space, "sysctl", "-qw", *quiet], check=True)
        ip("link", "add", "lan0", "netns", space, "type", "veth", "peer", "name", name, "netns", self.core)
        ip("-n", space, "link", "set", "lan0", "address", mac)
        for address in addresses:
            ip("-n", space, "addr", "add", address, "dev", "lan0", *(["nodad"] if ":" in address else []))
        ip("-n", space, "link", "set", "lan0", "up")
        ip("-n", self.core, "link", "set", name, "master", "lan", "up")
        return space

    def populate(self) -> set[str]:
        """Plug in thirty machines and return their addresses."""
        fours = [f"10.77.0.{last}" for last in range(1, 25)] + [
            "10.77.3.7",
            "10.77.6.200",
            FILTERED,
            "10.77.12.1",
            "10.77.15.254",
        ]
        for number, address in enumerate(fours):
            self.plug(f"h{number}", f"02:00:00:00:01:{number:02x}", f"{address}/20")
        self.plug("six", "02:00:00:00:01:ff", f"{SIX_ONLY}/64")
        filtered = f"{self.prefix}-h{fours.index(FILTERED)}"
        self.nft(filtered, "add table ip f; add chain ip f i { type filter hook input priority 0; policy drop; }")
        time.sleep(2.5)  # until link-local addresses are in use
        return {*fours, SIX_ONLY}

    def nft(self, space: str, rules: str) -> None:
        subprocess.run(["ip", "netns", "exec", space, "nft", rules], check=True)

    def chatter(self, space: str, *words: str) -> None:
        """Start a stub of ``chatter.py``."""
        self.run(space, sys.executable, str(STUBS), *words)

    def scan(self, **orders: Any) -> list[dict[str, Any]]:
        """Scan from the auditor's place and return what was seen, each with the seconds that it took."""
        process = self.start(**orders)
        out, _said = process.communicate(timeout=300)
        assert process.returncode == 0
        return [json.loads(line) for line in out.splitlines()]

    def start(self, *, raw: bool = True, **orders: Any) -> subprocess.Popen[str]:
        """Start a scan from the auditor's place; without *raw*, in a process that may send no frames of its own."""
        less = [] if raw else ["setpriv", "--bounding-set=-net_raw", "--inh-caps=-net_raw"]
        command = ["ip", "netns", "exec", self.auditor, *less, sys.executable, __file__, json.dumps(orders)]
        paths = os.pathsep.join([str(tree.root()), *sys.path])
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": paths})


def living(seen: list[dict[str, Any]]) -> dict[str, float]:
    """Return address → seconds after which it was found."""
    found: dict[str, float] = {}
    for one in seen:
        if one["kind"] == "host" and one["data"].get("alive"):
            found.setdefault(one["ip"], one["at"])
    return found


def opened(seen: list[dict[str, Any]]) -> Counter[tuple[str, int]]:
    """Return how often each address and port was told to be open."""
    return Counter((one["ip"], port) for one in seen if one["kind"] == "ports" for port in one["data"]["open"])


def main() -> None:
    """Scan as ordered, in this namespace, and print what is seen."""
    import asyncio
    from datetime import UTC, date, datetime
    from ipaddress import ip_network

    from audits.lan.scan import Scan
    from wizara.audit.limits import Limits
    from wizara.audit.orders import PROFILES, Orders, Pace, Sighting

    told = json.loads(sys.argv[1])
    networks = tuple(map(ip_network, told.pop("networks", [NETWORK, NETWORK6])))
    hours = tuple(told.pop("hours", ["00:00-24:00"]))
    spared = tuple(map(ip_network, told.pop("exclusions", ())))
    limits = Limits(
        "r",
        "c",
        networks,
        spared,
        date(2020, 1, 1),
        date(2099, 1, 1),
        hours,
        spoken_to=tuple(told.pop("spoken_to", ())),
    )
    pace = PROFILES.get(told.get("pace", "polite")) if isinstance(told.get("pace", ""), str) else Pace(**told["pace"])
    told.pop("pace", None)
    declared = {ip: tuple(services) for ip, services in told.pop("declared", {}).items()}
    ports = tuple(told.pop("ports", ()))
    orders = Orders(networks, declared, limits, datetime.now(UTC).astimezone(), pace=pace, ports=ports, **told)
    began = time.monotonic()

    def say(seen: Sighting) -> None:
        line = {
            "kind": seen.kind,
            "collector": seen.collector,
            "ip": seen.ip,
            "port": seen.port,
            "mac": seen.mac,
            "data": seen.data,
        }
        sys.stdout.write(json.dumps(line | {"at": time.monotonic() - began}) + "\n")

    asyncio.run(Scan(orders, say).run())
    sys.stdout.write(json.dumps({"kind": "end", "ip": None, "data": {}, "at": time.monotonic() - began}) + "\n")


if __name__ == "__main__":
    main()
