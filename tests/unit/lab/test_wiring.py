"""A lab's wiring follows from the declared ministry, and from nothing else."""

from __future__ import annotations

import pytest

from wizara import tree
from wizara.errors import UsageFault
from wizara.lab import rehearsal, single
from wizara.lab.rehearsal import Rehearsal
from wizara.lab.wiring import derived_mac, wire


def test_a_node_has_its_declared_ports_and_its_gateway_to_the_outside():
    wiring = wire(single.ministry("trixie"), single.rehearsal())
    assert wiring.spaces["machine"].commands() == [
        "link set lo up",
        "addr add 10.99.0.1/24 dev adm",
        "link set adm up",
        "addr add 192.0.2.2/30 dev wan",
        "link set wan up",
        "route add default via 192.0.2.1 dev wan",
    ]


def test_the_operator_has_no_route_but_to_his_own_next_hop():
    wiring = wire(single.ministry("trixie"), single.rehearsal())
    assert wiring.spaces["operator"].routes == ("default via 203.0.113.1",)
    assert [str(port.address) for port in wiring.spaces["operator"].ports] == ["203.0.113.2/24", "10.99.0.250/24"]


def test_every_link_has_both_its_ends():
    link = wire(single.ministry("bookworm"), single.rehearsal()).links["hq.wan"]
    assert (str(link.near), str(link.far), link.space, link.port) == ("192.0.2.2/30", "192.0.2.1/30", "machine", "wan")


def test_a_mac_address_always_follows_from_the_name():
    assert derived_mac("a", "lan") == derived_mac("a", "lan") != derived_mac("b", "lan")
    assert derived_mac("a", "lan").startswith("52:54:")


def test_an_undeclared_host_without_a_place_is_refused():
    whole = {**single.rehearsal().model_dump(), "population": {"ghost": {}}}
    with pytest.raises(UsageFault, match="ghost"):
        wire(single.ministry("trixie"), Rehearsal.model_validate(whole))


def test_the_shipped_rehearsal_is_read_with_its_faults():
    found = rehearsal.read(tree.shipped_inventories() / "mps")
    assert found.links["ons.vsat"].rtt == 300
    assert found.links["ons.vsat"].rate is None
    assert found.population["base-hq"].faults == {"redis-open": 6379}
    assert found.absent == {"pc-hq-4": ("declared-missing",)}
    assert sum(not resident.faults and bool(resident.serves) for resident in found.population.values()) >= 3


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"outside: [", "rehearsal.yaml:2:1: "),
        (b"outside:\n  gatewy: 203.0.113.1/24\n", "rehearsal.yaml:2:3: outside.gatewy"),
        (b"[" * 3000, "rehearsal.yaml:1:"),
        (b"\xff\xfe\x00", "rehearsal.yaml"),
        (b"nonsense: 1\n", "rehearsal.yaml"),
    ],
)
def test_a_wrong_rehearsal_is_told_with_its_place(tmp_path, content, said):
    (tmp_path / "rehearsal.yaml").write_bytes(content)
    with pytest.raises(UsageFault) as fault:
        rehearsal.read(tmp_path)
    assert said in str(fault.value)


def test_a_ministry_without_rehearsal_cannot_be_rehearsed(tmp_path):
    with pytest.raises(UsageFault, match=r"rehearsal\.yaml"):
        rehearsal.read(tmp_path)
