"""The scan on a wide LAN of namespaces: it finds everybody, at the pace it was told, harms nobody, and knows intruders."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from wide import NETWORK, SIX_ONLY, Wide, Witness, by_host, living, most_in_a_second, opened, usual_rate

from wizara.audit.orders import FAST, POLITE

pytestmark = pytest.mark.lab
ALL = "ff:ff:ff:ff:ff:ff"
PRINTER, CONTROLLER, UNKNOWN, CAMERA = "10.77.0.30", "10.77.0.31", "10.77.0.32", "10.77.0.33"
#: More frames a second than the class may get, and it answers no more.
CANARIES = {PRINTER: 14, CONTROLLER: 8, UNKNOWN: 26, CAMERA: 26}
ROLES = {PRINTER: "printer", CONTROLLER: "controller", CAMERA: "camera"}
CHATTY = ("mdns", "llmnr", "nbns", "dhcp", "arp", "lldp", "cdp", "ra")


@pytest.fixture(scope="module")
def populated() -> Iterator[tuple[Wide, set[str]]]:
    with Wide() as lan:
        yield lan, lan.populate()


@pytest.fixture
def lan() -> Iterator[Wide]:
    with Wide() as made:
        yield made


@pytest.mark.parametrize(("pace", "profile", "seconds"), [("fast", FAST, 3.0), ("polite", POLITE, 12.0)])
def test_everybody_on_a_wide_lan_is_found_at_the_pace_that_was_told(
    populated: tuple[Wide, set[str]], pace: str, profile: Any, seconds: float
) -> None:
    lan, everybody = populated
    with Witness(lan) as witness:
        seen = lan.scan(pace=pace, ports=[22, 80])
    found = living(seen)
    assert everybody - set(found) == set()
    (swept,) = {one["at"] for one in seen if one["kind"] == "sweep" and one["data"]["network"] == NETWORK}
    assert swept <= seconds
    questions = sorted(one.when for one in witness.of("0806", ALL))
    rate = usual_rate(questions)
    assert 0.9 * profile.lan_per_second <= rate <= 1.1 * profile.lan_per_second
    assert most_in_a_second(witness.sent) <= 1.1 * profile.lan_per_second
    busiest = max(most_in_a_second(sent) for sent in by_host(witness.sent).values())
    assert busiest <= 1.1 * profile.host_per_second


def test_what_breaks_easily_survives_and_hears_nothing(lan: Wide) -> None:
    for number, (address, rate) in enumerate(CANARIES.items()):
        space = lan.plug(f"c{number}", f"02:00:00:00:04:{number:02x}", f"{address}/20")
        lan.nft(
            space,
            "add table ip c; add set ip c dead { type ipv4_addr; }; add chain ip c i { type filter hook input priority -10; };"
            " add rule ip c i ip saddr @dead drop;"
            f" add rule ip c i meta l4proto tcp limit rate over {rate}/second burst {rate} packets add @dead {{ ip saddr }} drop",
        )
        serving = {
            PRINTER: "631 515 9100 9101 9107 80",
            CONTROLLER: "502 102 80",
            UNKNOWN: "502 44818 80",
            CAMERA: "554 80",
        }
        lan.chatter(space, "serve", *serving[address].split())
        lan.nft(space, "add table ip w; add chain ip w i { type filter hook input priority 0; }; add rule ip w i tcp dport { 515, 9100-9107 } counter;"
                       " add rule ip w i tcp dport { 102, 502 } counter")  # fmt: skip
    time.sleep(1.5)
    declared = {PRINTER: ["tcp/9100", "tcp/515", "tcp/631"], CONTROLLER: ["tcp/502"], CAMERA: []}
    tried = [22, 23, 25, 80, 102, 443, 445, 502, 554, 631, 3306, 5060, 6379, 8080, 9100, 44818]
    seen = lan.scan(declared=declared, roles=ROLES, networks=["10.77.0.0/20"], ports=tried)
    for number, address in enumerate(CANARIES):
        listed = _nft(lan, f"c{number}")
        assert "elements" not in listed, address  # it is alive
    heard = (lan.folder / "heard.log").read_text().splitlines() if (lan.folder / "heard.log").exists() else []
    bytes_by_port = {tuple(line.split()[1:]) for line in heard}
    assert not {port for port, size in bytes_by_port if size != "0"} & {
        "631",
        "515",
        "9100",
        "9101",
        "9107",
        "502",
        "102",
        "44818",
    }
    packets = [_counters(lan, number) for number in range(3)]
    assert packets[0][0] == 0  # not a frame to a printing port
    assert packets[1] == [0, 0]  # nor to a declared controller's
    assert packets[2][1] > 0  # an undeclared one is found by its ports, and sent nothing
    found = opened(seen)
    assert {(PRINTER, 631), (PRINTER, 80), (CONTROLLER, 80), (UNKNOWN, 502), (CAMERA, 554)} <= set(found)
    (ports,) = [one for one in seen if one["kind"] == "ports" and one["ip"] == CONTROLLER]
    assert {102, 502} <= set(ports["data"]["untested"])


def _nft(lan: Wide, name: str) -> str:
    command = ["ip", "netns", "exec", f"{lan.prefix}-{name}", "nft", "list", "ruleset"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def _counters(lan: Wide, number: int) -> list[int]:
    return [
        int(line.split("packets ")[1].split()[0]) for line in _nft(lan, f"c{number}").splitlines() if "counter" in line
    ]


def test_a_host_that_gives_way_is_left_alone_and_told_of(lan: Wide) -> None:
    lan.chatter(lan.plug("slow", "02:00:00:00:05:01"), "tired", "10.77.0.3", "30", "0.25")
    lan.chatter(lan.plug("gone", "02:00:00:00:05:02"), "tired", "10.77.0.4", "30", "0")
    lan.chatter(lan.plug("well", "02:00:00:00:05:03"), "tired", "10.77.0.5", "1000", "0")
    time.sleep(1.5)
    with Witness(lan) as witness:
        seen = lan.scan(networks=["10.77.0.0/20"])
    why = {one["ip"]: one["data"]["why"] for one in seen if one["kind"] == "breaker"}
    assert why == {"10.77.0.3": "latency", "10.77.0.4": "vanished"}
    ports = {one["ip"]: one["data"] for one in seen if one["kind"] == "ports"}
    for ip in why:
        assert len(ports[ip]["untested"]) > 10
    assert ports["10.77.0.5"]["untested"] == []
    tries = {
        ip: len(witness.of("0800", card))
        for ip, card in (("10.77.0.3", "02:00:00:00:05:01"), ("10.77.0.4", "02:00:00:00:05:02"))
    }
    assert max(tries.values()) < 75  # thirty answers, the few that told, and no more


@pytest.mark.parametrize("raw", [True, False], ids=["raw", "connecting"])
def test_a_tarpit_and_a_filter_delay_nobody(lan: Wide, raw: bool) -> None:
    trap = lan.plug("trap", "02:00:00:00:06:01", "10.77.0.6/20")
    lan.nft(
        trap,
        "add table ip t; add chain ip t p { type nat hook prerouting priority -100; }; add rule ip t p tcp dport 1-65535 redirect to :9",
    )
    lan.chatter(trap, "tarpit")
    shut = lan.plug("shut", "02:00:00:00:06:02", "10.77.0.7/20")
    lan.nft(shut, "add table ip f; add chain ip f i { type filter hook input priority 0; policy drop; }")
    well = lan.plug("well", "02:00:00:00:06:03", "10.77.0.8/20")
    lan.chatter(well, "serve", "80", "8080")
    time.sleep(1.0)
    if not raw:
        lan.nft(lan.auditor, "add table ip none")
    declared = {f"10.77.0.{last}": ["tcp/80"] for last in (6, 7, 8)}
    orders: dict[str, Any] = (
        {"routed": True, "networks": ["10.77.0.0/29", "10.77.0.8/29"]} if not raw else {"networks": ["10.77.0.0/20"]}
    )
    seen = lan.scan(pace="fast", declared=declared, ports=[22, 80, 443, 6379, 8080], **orders)
    first = {one["ip"]: one["at"] for one in reversed(seen) if one["kind"] == "ports"}
    looked = [one["at"] for one in seen if one["ip"] == "10.77.0.8" and one["kind"] == "http"]
    assert {("10.77.0.8", 80), ("10.77.0.8", 8080), ("10.77.0.6", 443)} <= set(opened(seen))
    assert looked
    swept = max(one["at"] for one in seen if one["kind"] == "sweep")
    assert first["10.77.0.8"] - swept < 2.0
    assert min(looked) - swept < 8.0  # its own server takes three seconds to hang up
    assert seen[-1]["at"] < 60
    (shut_ports,) = [one["data"] for one in seen if one["kind"] == "ports" and one["ip"] == "10.77.0.7"]
    assert shut_ports["open"] == shut_ports["closed"] == []


def test_who_speaks_is_found_without_a_frame_being_sent(lan: Wide) -> None:
    subprocess.run(
        ["ip", "-n", lan.core, "link", "set", "lan", "type", "bridge", "stp_state", "1", "forward_delay", "200"],
        check=True,
    )
    told = "echo 16384 > /sys/class/net/lan/bridge/group_fwd_mask"  # LLDP would end at a bridge
    subprocess.run(["ip", "netns", "exec", lan.core, "sh", "-c", told], check=True)
    expected = {}
    for number, language in enumerate(CHATTY * 2):
        card, address = f"02:00:00:00:07:{number:02x}", f"10.77.0.{100 + number}"
        quiet = language in {"dhcp", "lldp", "cdp"}
        lan.chatter(
            lan.plug(f"t{number}", card, *([] if language == "dhcp" else [f"{address}/20"])), "say", language, "2"
        )
        expected[card] = None if quiet else address
    time.sleep(8)  # the bridge's ports listen and learn before they carry anything
    with Witness(lan) as witness:
        seen = lan.scan(passive=True, listen=12)
    assert witness.sent == []
    speakers = {one["mac"] for one in seen if one["kind"] in {"heard", "host"}}
    assert len(speakers & set(expected)) >= 0.9 * len(expected)
    assert {one["data"]["language"] for one in seen if one["kind"] == "heard"} >= {*CHATTY, "stp"} - {"arp"}
    found = set(living(seen))
    assert {address for address in expected.values() if address and not address.endswith("107")} - found <= {
        "10.77.0.107",
        "10.77.0.115",
    }
    (swept,) = {one["data"]["reason"] for one in seen if one["kind"] == "sweep"}
    assert swept == "passive"


def test_intruders_give_themselves_away_in_ten_seconds(lan: Wide) -> None:
    stubs = {
        "66": ("poisoner",), "67": ("dhcp",), "68": ("poisoner", "wpad"), "69": ("say", "ra"), "70": ("spoofer", "10.77.0.1"),
    }  # fmt: skip
    for last, words in stubs.items():
        lan.chatter(lan.plug(f"i{last}", f"02:00:00:00:08:{last}", f"10.77.0.{last}/20"), *words)
    lan.plug("victim", "02:00:00:00:08:01", "10.77.0.1/20")
    for last in (2, 3):
        lan.plug(f"twin{last}", f"02:00:00:00:08:0{last}", "10.77.0.2/20")
    lan.plug("honest", "02:00:00:00:08:09", "10.77.0.9/20")
    time.sleep(3)
    seen = lan.scan(networks=["10.77.0.0/20"], ports=[22])
    intruders = {
        (one["kind"], one["data"].get("name", ""), one["ip"]): one["at"]
        for one in seen
        if one["kind"] in {"dhcp", "ra", "name-answer"} and one["ip"]
    }
    assert set(intruders) == {
        ("dhcp", "", "10.77.0.67"), ("ra", "", "fe80::ff:fe00:869%lan0"), ("name-answer", "nobody", "10.77.0.66"),
        ("name-answer", "wpad", "10.77.0.66"), ("name-answer", "wpad", "10.77.0.68"),
    }  # fmt: skip
    cards = {one["ip"]: one for one in seen if one["kind"] == "host" and len(one["data"].get("macs", [])) > 1}
    assert set(cards) == {"10.77.0.1", "10.77.0.2"}
    assert max(*intruders.values(), *(one["at"] for one in cards.values())) <= 10


def test_a_lan_that_holds_spared_machines_is_asked_nothing_as_a_whole(lan: Wide) -> None:
    lan.chatter(lan.plug("dhcp", "02:00:00:00:09:01", "10.77.0.67/20"), "dhcp")
    lan.plug("spared", "02:00:00:00:09:02", "10.77.0.5/20")
    time.sleep(1.5)
    with Witness(lan) as witness:
        seen = lan.scan(networks=["10.77.0.0/20"], exclusions=["10.77.0.5/32"], ports=[22])
    asked = [one for one in witness.of("0800") if one.target == ALL] + [
        one for one in witness.sent if one.target.startswith(("01:00:5e", "33:33:00:00:00:01"))
    ]
    assert [one.frame.hex() for one in asked if one.kind != "86dd" or one.frame[20] != 0] == []
    assert "02:00:00:00:09:02" not in by_host(witness.sent)
    assert "10.77.0.5" not in living(seen)
    assert {one["data"].get("reason") for one in seen if one["kind"] == "dhcp"} == {"exclusions"}


def test_the_ports_are_the_same_by_raw_frames_and_by_connecting(lan: Wide) -> None:
    lan.chatter(lan.plug("one", "02:00:00:00:0a:01", "10.77.0.1/20"), "serve", "22", "80", "8443", "65535", "1")
    lan.chatter(lan.plug("six", "02:00:00:00:0a:02", f"{SIX_ONLY}/64"), "serve", "22", "6379")
    time.sleep(2.5)
    wanted = [1, 22, 80, 81, 443, 6379, 8443, 65534, 65535]
    raw = lan.scan(pace="fast", ports=wanted)
    by_network = {(ip, port) for ip, port in opened(raw) if not ip.startswith("fe80")}
    assert by_network == {("10.77.0.1", one) for one in (1, 22, 80, 8443, 65535)} | {
        (SIX_ONLY, 22),
        (SIX_ONLY, 6379),
    }
    half_open = subprocess.run(
        ["ip", "netns", "exec", f"{lan.prefix}-one", "ss", "-Htn", "state", "syn-recv"],
        check=True,
        capture_output=True,
        text=True,
    )
    assert half_open.stdout == ""
    declared = {"10.77.0.1": [], SIX_ONLY: []}
    afar = ["10.77.0.0/28", "fd77::20/123"]
    connected = lan.scan(pace="fast", ports=wanted, routed=True, networks=afar, declared=declared)
    assert {one["data"]["reason"] for one in connected if one["kind"] == "sweep"} == {"afar"}
    assert set(opened(connected)) == by_network
    assert json.dumps(connected[-1]["kind"]) == '"end"'
