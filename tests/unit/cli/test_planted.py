"""What an audit found is compared with what was planted, on nodes too."""

from __future__ import annotations

from pathlib import Path

import pytest

from wizara.audit.mandate import read_mandate
from wizara.cli.planted import compare
from wizara.inventory import load
from wizara.lab import rehearsal, wiring

MPS = Path(__file__).parents[3] / "inventories/mps"


@pytest.mark.parametrize(
    ("address", "invented"),
    [
        ("10.20.10.10", True), ("10.20.99.20", True), ("10.20.20.60", False), ("fd6d:7073:6774:10::10", True), ("10.20.20.11", True),
        ("fd6d:7073:6774:20::11", True), ("fd6d:7073:6774:20::60", False),
    ],
)  # fmt: skip
def test_a_finding_on_a_hardened_machine_was_invented(address: str, invented: bool) -> None:
    compared = compare(load(MPS), rehearsal.read(MPS), "hq", [(address, "LAN-005")])
    assert (compared.invented == {(address, "LAN-005")}) is invented


def test_the_shipped_mandate_names_every_network_of_its_ministry() -> None:
    ministry, limits = load(MPS), read_mandate(MPS / "mandate.yaml").limits(lab=False)
    networks = [
        one
        for site in ministry.sites.values()
        for lan in site.lans.values()
        for one in (lan.network, lan.network6)
        if one
    ]
    assert len([one for one in networks if one.version == 6]) >= 3
    assert [one for one in networks if not limits.covers(one)] == []


def test_who_looks_in_the_lab_stands_on_the_ipv6_network_too() -> None:
    ministry = load(MPS)
    spaces = wiring.wire(ministry, rehearsal.read(MPS)).spaces
    (port,) = spaces[wiring.AUDITOR].ports
    assert port.address6
    assert port.address6.ip in ministry.sites["hq"].lans["office"].network6  # type: ignore[operator]
    taken = [
        one.address6.ip
        for name, space in spaces.items()
        if name != wiring.AUDITOR
        for one in space.ports
        if one.address6
    ]
    assert port.address6.ip not in taken
