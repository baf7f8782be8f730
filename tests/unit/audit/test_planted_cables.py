"""The planted switches of the lab, read in memory: all their cables are found, and none is invented, whoever is not read."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[2] / "lab"))
import yard
from test_snmp_tables import planted, told
from test_topology import observed, shown

from wizara.audit.facts import DeclaredHost, LanFacts
from wizara.audit.observation import Observation, Seen
from wizara.tree import load

topology = load("audits.devices.topology")
Row = tuple[str, str, str, str, bool, str]
EXPECTED = {one for one in yard.PLANTED if not one[0].startswith("real")}
"""The cables of the real lldpd and snmpd are found in the lab only."""
READ: dict[str, Observation] = {}


@pytest.fixture(scope="module", autouse=True)
def read() -> None:
    for last, (name, platform) in yard.SSH.items():
        READ[name] = shown(platform, f"{yard.NETWORK}.{last}")
    for last, one in yard.AGENT.items():
        if one.planted:
            READ[one.name] = observed("tables", f"{yard.NETWORK}.{last}", dict(told(planted(one.planted))))


def facts() -> LanFacts:
    names = {name: last for last, (name, _platform) in yard.SSH.items()} | {
        one.name: last for last, one in yard.AGENT.items()
    }
    return LanFacts(
        hosts=tuple(
            DeclaredHost.model_validate(
                {"name": name, "site": "hq", "lan": "office", "address": f"{yard.NETWORK}.{last}", "role": "other"}
            )
            for name, last in names.items()
        )
    )


def found(*without: str) -> set[Row]:
    seen = Seen(one for name, one in READ.items() if name not in without)
    rows = set()
    for one in topology.topology(seen, facts()).cables:
        bundles = " ".join(sorted({end.bundle for end in (one.one, one.other) if end.bundle}))
        rows.add((one.one.device, one.one.port, one.other.device, one.other.port, one.both, bundles))
    return rows


def ports(rows: set[Row]) -> set[frozenset[tuple[str, str]]]:
    return {frozenset({(one[0], one[1]), (one[2], one[3])}) for one in rows}


def test_all_are_found_and_none_is_invented() -> None:
    rows = found()
    assert ports(rows) == ports(EXPECTED)
    assert sorted(one[4:] for one in rows) == sorted(one[4:] for one in EXPECTED)
    assert len(rows) == len(EXPECTED)


@pytest.mark.parametrize(
    "name",
    [*(name for name, _platform in yard.SSH.values()), *(one.name for one in yard.AGENT.values() if one.planted)],
)
def test_whoever_is_not_read_no_cable_comes_up_that_is_none(name: str) -> None:
    """What the others tell of it is still told, with one end; between the others nothing changes."""
    rows = found(name)
    between = {one for one in EXPECTED if name not in (one[0], one[2])}
    assert ports(between) <= ports(rows)
    assert len(rows) <= len(EXPECTED)
    assert not [one for one in rows if name in (one[0], one[2]) and one[4]]
    told_by_others = {one for one in EXPECTED if name in (one[0], one[2]) and one[4]}
    assert len(rows) == len(between) + len(told_by_others)
