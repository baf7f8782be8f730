"""Cables are told once, from what devices say of their neighbours; bundles are kept and nothing is invented."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from wizara.audit.facts import DeclaredHost, LanFacts
from wizara.audit.observation import Kind, Observation, Seen, Target
from wizara.tree import load

TRANSCRIPTS = Path(__file__).parents[2] / "lab" / "transcripts"
topology, ports, tables, commands = (
    load(f"audits.devices.{name}") for name in ("topology", "ports", "tables", "commands")
)


def observed(kind: Kind, ip: str | None, data: dict[str, object], **target: Any) -> Observation:
    return Observation.model_validate(
        {"run": "r", "time": datetime(2026, 11, 21, tzinfo=UTC), "collector": "c", "vantage": "this computer", "kind": kind,
         "data": data, "target": Target(ip=ip, **target)}
    )  # fmt: skip


def shown(platform: str, ip: str) -> Observation:
    """What a device of the platform shows, as the collector keeps it."""
    data: dict[str, object] = {"platform": platform}
    for name, command in commands.WORDS[platform].read.items():
        path = TRANSCRIPTS / platform / f"{command}.raw"
        if path.is_file():
            data[f"{name}_table"] = tables.table(platform, command, path.read_text())
    return observed("config", ip, data)


def switch(number: int, *neighbours: tuple[str, str, str], **more: object) -> Observation:
    """A switch ``s<number>`` with eight ports that was read by SNMP; *neighbours*: (port, name, far port)."""
    rows = [
        {"source": "lldp", "port": port, "neighbour": name, "chassis": card(int(name[1:])) if name[1:].isdigit() else "",
         "far_port": far, "far_description": "", "address": ""}
        for port, name, far in neighbours
    ]  # fmt: skip
    own = [
        {"index": at, "name": f"Gi0/{at}", "description": f"GigabitEthernet0/{at}", "mac": card(number, at)}
        for at in range(1, 9)
    ]
    told: dict[str, object] = {"name": f"s{number}", "chassis": card(number), "ports": own, "neighbours": rows}
    return observed("tables", f"10.0.0.{number}", told | more)


def card(number: int, port: int = 0) -> str:
    return f"02:00:00:00:{number:02x}:{port:02x}"


def cables(*seen: Observation, facts: LanFacts | None = None) -> set[tuple[str, str, str, str, bool]]:
    found = topology.topology(Seen(seen), facts or LanFacts(inventory=False)).cables
    return {(one.one.device, one.one.port, one.other.device, one.other.port, one.both) for one in found}


def test_a_cable_that_both_ends_tell_of_is_one_whatever_they_call_its_ports() -> None:
    one = switch(1, ("Gi0/1", "s2", "Gi0/8"), ("Gi0/2", "s3", card(3, 5)))
    two = switch(2, ("Gi0/8", "s1", "GigabitEthernet0/1"))
    three = switch(3, ("Gi0/5", "s1", "uplink to the core"))
    assert cables(one, two, three) == {("s1", "Gi0/1", "s2", "Gi0/8", True), ("s1", "Gi0/2", "s3", "Gi0/5", True)}


def test_a_cable_that_one_end_tells_of_says_so() -> None:
    assert cables(switch(1, ("Gi0/1", "s2", "Gi0/8")), switch(2)) == {("s1", "Gi0/1", "s2", "Gi0/8", False)}
    assert cables(switch(1, ("Gi0/1", "elsewhere", "eth0"))) == {("s1", "Gi0/1", "elsewhere", "eth0", False)}


def test_ends_that_contradict_each_other_are_not_made_one() -> None:
    found = cables(switch(1, ("Gi0/1", "s2", "Gi0/1")), switch(2, ("Gi0/1", "s1", "Gi0/2")))
    assert found == {("s1", "Gi0/1", "s2", "Gi0/1", False), ("s1", "Gi0/2", "s2", "Gi0/1", False)}


def test_cables_whose_far_ports_nobody_can_name_are_not_counted_twice() -> None:
    vague = [("Gi0/1", "s2", "x"), ("Gi0/2", "s2", "y")], [("Gi0/5", "s1", "a"), ("Gi0/6", "s1", "b")]
    assert len(cables(switch(1, *vague[0]), switch(2, *vague[1]))) == 2
    assert cables(switch(1, vague[0][0]), switch(2, vague[1][0])) == {("s1", "Gi0/1", "s2", "Gi0/5", True)}


def test_members_of_a_bundle_stay_members() -> None:
    bundle = {"bundles": [{"port": "Gi0/1", "bundle": "Po1"}, {"port": "Gi0/2", "bundle": "Po1"}]}
    one = switch(1, ("Gi0/1", "s2", "Gi0/1"), ("Gi0/2", "s2", "Gi0/2"), **bundle)
    found = topology.topology(Seen([one, switch(2)]), LanFacts(inventory=False)).cables
    assert [(each.one.port, each.one.bundle, each.other.bundle) for each in found] == [
        ("Gi0/1", "Po1", ""),
        ("Gi0/2", "Po1", ""),
    ]


def test_two_devices_of_one_name_are_told_apart_by_their_cards() -> None:
    twin = switch(3, ("Gi0/1", "s1", "Gi0/2"), name="s2")
    one = switch(1, ("Gi0/1", "s2", "Gi0/1"), ("Gi0/2", "s3", "Gi0/1"))
    facts = LanFacts(hosts=tuple(declared(f"sw-{at}", f"10.0.0.{at}") for at in (1, 2, 3)))
    found = cables(one, switch(2, ("Gi0/1", "s1", "Gi0/1")), twin, facts=facts)
    assert found == {("sw-1", "Gi0/1", "sw-2", "Gi0/1", True), ("sw-1", "Gi0/2", "sw-3", "Gi0/1", True)}


def test_a_device_that_was_read_in_two_ways_is_one() -> None:
    row = {"local_interface": "GigabitEthernet0/1", "neighbor_name": "s2.example", "neighbor_interface": "Gi0/8"}
    by_commands = observed("config", "10.0.0.1", {"config": ["hostname s1"], "cdp_table": [row]})
    assert cables(by_commands, switch(1, ("Gi0/1", "s2", "Gi0/8")), switch(2)) == {
        ("s1", "Gi0/1", "s2", "Gi0/8", False)
    }


def declared(name: str, ip: str, mac: str | None = None) -> DeclaredHost:
    return DeclaredHost.model_validate(
        {"name": name, "site": "hq", "lan": "office", "address": ip, "mac": mac, "role": "workstation"}
    )


def test_a_machine_alone_at_a_port_is_placed_there_and_uplinks_are_not() -> None:
    far = [{"mac": card(200, at), "port": "Gi0/1", "vlan": "20"} for at in range(3)]
    bundled = [{"mac": card(202), "port": "Po1", "vlan": "20"}]
    near = [{"mac": card(200), "port": "Gi0/4", "vlan": "20"}, {"mac": card(201, 1), "port": "Gi0/5", "vlan": ""}]
    crowd = [{"mac": card(203, at), "port": "Gi0/6", "vlan": "20"} for at in range(3)]
    one = switch(
        1, ("Gi0/1", "s2", "Gi0/1"), ("Gi0/2", "s2", "Gi0/2"), macs=[*far, *bundled],
        bundles=[{"port": "Gi0/2", "bundle": "Po1"}, {"port": "Gi0/3", "bundle": "Po1"}],
    )  # fmt: skip
    two = switch(2, macs=[*near, *crowd, {"mac": card(1, 1), "port": "Gi0/7", "vlan": ""}])
    facts = LanFacts(hosts=(declared("pc", "10.0.0.99", card(200)),))
    host = observed("host", "10.0.0.77", {"alive": True}, mac=card(201, 1))
    found = topology.topology(Seen([one, two, host]), facts)
    assert [(at.device, at.port, at.vlan, at.ip, at.name) for at in found.machines] == [
        ("s2", "Gi0/4", "20", "10.0.0.99", "pc"),
        ("s2", "Gi0/5", "", "10.0.0.77", ""),
    ]
    assert [(at.port, at.machines) for at in found.crowds] == [("Gi0/6", 3)]


def test_a_card_that_is_alone_at_two_ports_is_placed_at_none() -> None:
    one, two = (switch(at, macs=[{"mac": card(200), "port": "Gi0/4", "vlan": ""}]) for at in (1, 2))
    assert topology.topology(Seen([one, two]), LanFacts(inventory=False)).machines == ()


def test_the_auditors_own_port_is_a_cable_when_one_neighbour_is_heard_there() -> None:
    def heard(name: str, chassis: str) -> Observation:
        told = {"language": "lldp", "interface": "eth0", "chassis": chassis, "name": name, "port": "Gi0/3"}
        return observed("heard", None, told)

    assert cables(switch(1), heard("s1", card(1)), heard("s1", card(1))) == {
        ("s1", "Gi0/3", "this computer", "eth0", False)
    }
    assert cables(switch(1), heard("s1", card(1)), heard("s9", card(9))) == set()


def test_neighbours_of_real_devices_become_cables() -> None:
    facts = LanFacts(hosts=(declared("core", "10.0.0.1"), declared("vrp", "10.0.0.2")))
    found = cables(shown("cisco_ios", "10.0.0.1"), shown("huawei_vrp", "10.0.0.2"), facts=facts)
    assert ("vrp", "GigabitEthernet0/0/1", "tsa-2960-sw01", "GigabitEthernet1/0/1", False) in found
    assert ("core", "Gi1/0/2", "7c25.86c9.aaaa", "ge-0/0/0.0", False) in found
    assert ("core", "GigabitEthernet1/0/16", "desktop-switch", "GigabitEthernet0/1", False) in found


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("GigabitEthernet0/1", "Gi0/1"),
        ("GE0/0/1", "GigabitEthernet0/0/1"),
        ("XGE0/0/1", "XGigabitEthernet0/0/1"),
        ("Fa0/1", "FastEthernet0/1"),
        ("Te1/1", "TenGigabitEthernet1/1"),
        ("XGE1/0/29", "Ten-GigabitEthernet1/0/29"),
        ("Po1", "Port-channel1"),
    ],
)
def test_two_spellings_of_a_port_are_one(one: str, other: str) -> None:
    assert ports.port_key(one) == ports.port_key(other)


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("SW-1.ministry.test", "sw-1"),
        ("n5k(SSI1234)", "n5k"),
        ("10.1.1.9", "10.1.1.9"),
        ("7c25.86c9.aaaa", "7c25.86c9.aaaa"),
        ("44:48:c1:c4:dd:dd", "44:48:c1:c4:dd:dd"),
    ],
)
def test_a_name_is_known_without_its_domain_and_an_address_is_whole(name: str, key: str) -> None:
    assert ports.name_key(name) == key


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("config", {"lldp_table": [7, {"local_interface": ["x"]}, {}, {"local_interface": "Gi0/1"}], "cdp_table": "x"}),
        ("config", {"bundles_table": [{"member_interface": 3}], "macs_table": [{"destination_port": [1, 2]}]}),
        ("tables", {"neighbours": [{"port": 3}, 4], "ports": {"name": 1}, "macs": [{"mac": "x", "port": "y"}]}),
        (
            "tables",
            {"bundles": [{"port": 1, "bundle": None}], "arp": [{"ip": 3, "mac": "zz"}], "name": 3, "chassis": []},
        ),
    ],
)
def test_odd_rows_are_no_cables(kind: Kind, data: dict[str, object]) -> None:
    found = topology.topology(Seen([observed(kind, "10.0.0.1", data)]), LanFacts(inventory=False))
    assert (found.cables, found.machines, found.crowds) == ((), (), ())
