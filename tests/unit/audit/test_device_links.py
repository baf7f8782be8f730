"""Cables are told from what real devices said of their neighbours, each once, with the bundle of their port."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from wizara.audit.observation import Observation, Seen, Target
from wizara.tree import load

TRANSCRIPTS = Path(__file__).parents[2] / "lab" / "transcripts"
links, tables, commands = (load(f"audits.devices.{name}") for name in ("links", "tables", "commands"))


def told(platform: str, ip: str) -> Observation:
    """What a device of the platform shows, as the collector keeps it."""
    data: dict[str, object] = {"platform": platform}
    for name, command in commands.WORDS[platform].read.items():
        path = TRANSCRIPTS / platform / f"{command}.raw"
        if path.is_file():
            data[f"{name}_table"] = tables.table(platform, command, path.read_text())
    return Observation.model_validate(
        {
            "run": "r",
            "time": datetime(2026, 11, 21, tzinfo=UTC),
            "collector": "switch",
            "vantage": "v",
            "kind": "config",
            "data": data,
            "target": Target(ip=ip),
        }
    )


def test_neighbours_of_real_devices_become_cables() -> None:
    seen = Seen([told("cisco_ios", "10.0.0.1"), told("huawei_vrp", "10.0.0.2")])
    found = links.links(seen, {"10.0.0.1": "core"})
    shown = {(one.device, one.port, one.neighbour, one.neighbour_port, one.source) for one in found}
    assert ("10.0.0.2", "GigabitEthernet0/0/1", "tsa-2960-sw01", "GigabitEthernet1/0/1", "lldp") in shown
    assert ("core", "Gi1/0/2", "7c25.86c9.aaaa", "ge-0/0/0.0", "lldp") in shown
    assert ("core", "GigabitEthernet1/0/16", "desktop-switch", "GigabitEthernet0/1", "cdp") in shown


def test_a_member_of_a_bundle_keeps_its_bundle_and_a_neighbour_is_listed_once() -> None:
    row = {"local_interface": "TenGigabitEthernet6/4", "neighbor_name": "far.example", "neighbor_interface": "Te1/1"}
    twice = row | {"local_interface": "Te6/4", "neighbor_name": "far"}
    data = told("cisco_ios", "10.0.0.1").data | {"lldp_table": [row], "cdp_table": [twice]}
    seen = Seen([told("cisco_ios", "10.0.0.1").model_copy(update={"data": data})])
    ((one,),) = (links.links(seen, {}),)
    assert (one.bundle, one.source) == ("Po1", "lldp")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("GigabitEthernet0/1", "Gi0/1"),
        ("GE0/0/1", "GigabitEthernet0/0/1"),
        ("XGE0/0/1", "XGigabitEthernet0/0/1"),
        ("Fa0/1", "FastEthernet0/1"),
        ("Te1/1", "TenGigabitEthernet1/1"),
    ],
)
def test_two_spellings_of_a_port_are_one(one: str, other: str) -> None:
    assert links.port_key(one) == links.port_key(other)


def test_odd_rows_are_no_cables() -> None:
    data = {
        "lldp_table": [7, {"local_interface": ["x"]}, {}, {"local_interface": "Gi0/1"}],
        "bundles_table": [{"member_interface": 3}],
        "cdp_table": "x",
    }
    seen = Seen([told("cisco_ios", "10.0.0.1").model_copy(update={"data": data})])
    assert links.links(seen, {}) == ()
