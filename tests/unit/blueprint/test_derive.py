"""What follows from the shipped ministry, and that it always follows the same."""

from __future__ import annotations

import shutil
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path

import pytest

from wizara import tree
from wizara.blueprint import Blueprint, derive
from wizara.blueprint.models import Record
from wizara.blueprint.zones import _reverse_names
from wizara.inventory import load


@pytest.fixture(scope="module")
def blueprint() -> Blueprint:
    return derive(load(tree.shipped_inventories() / "mps"))


def test_the_same_ministry_gives_the_same_blueprint(blueprint: Blueprint) -> None:
    assert derive(load(tree.shipped_inventories() / "mps")) == blueprint


def test_every_lan_has_a_reverse_zone_and_every_pointer_a_name_that_points_back(blueprint: Blueprint) -> None:
    forward, *reverse = blueprint.zones
    assert {zone.name for zone in reverse} >= {
        "10.20.10.in-addr.arpa.", "1.21.10.in-addr.arpa.", "1.0.1.2.4.7.7.6.3.7.0.7.d.6.d.f.ip6.arpa.",
    }  # fmt: skip
    kinds = {"A", "AAAA"}
    names = {
        (record.name, ip_address(record.value).reverse_pointer) for record in forward.records if record.type in kinds
    }
    pointers = [record for zone in reverse for record in zone.records if record.type == "PTR"]
    assert {pointer.name.rpartition(".in")[2] for pointer in pointers if "in-addr" in pointer.name} == {"-addr.arpa."}
    assert sum("ip6" in pointer.name for pointer in pointers) == 6
    assert len(pointers) > 16
    for pointer in pointers:
        assert (pointer.value, pointer.name.removesuffix(".")) in names, pointer


@pytest.mark.parametrize(
    ("network", "zones"),
    [
        ("10.20.10.0/24", ["10.20.10.in-addr.arpa."]),
        ("10.20.10.128/25", ["10.20.10.in-addr.arpa."]),
        ("10.20.10.4/30", ["10.20.10.in-addr.arpa."]),
        ("10.20.8.0/23", ["8.20.10.in-addr.arpa.", "9.20.10.in-addr.arpa."]),
        ("10.20.0.0/16", ["20.10.in-addr.arpa."]),
        ("10.0.0.0/8", ["10.in-addr.arpa."]),
        ("fd00:1:2:3::/64", ["3.0.0.0.2.0.0.0.1.0.0.0.0.0.d.f.ip6.arpa."]),
    ],
)
def test_a_network_is_held_by_whole_reverse_zones(network: str, zones: list[str]) -> None:
    assert _reverse_names(ip_network(network)) == zones


def test_two_lans_of_one_block_share_its_reverse_zone(tmp_path: Path) -> None:
    mps = Path(shutil.copytree(tree.shipped_inventories() / "mps", tmp_path / "mps"))
    path = mps / "sites" / "ons.yaml"
    path.write_text(
        path.read_text()
        .replace("10.21.1.0/24", "10.21.1.0/25")
        .replace("\nuplinks:", "  more: {network: 10.21.1.128/25}\n\nuplinks:", 1)
    )
    names = [zone.name for zone in derive(load(mps)).zones]
    assert len(names) == len(set(names))
    assert names.count("1.21.10.in-addr.arpa.") == 1


def test_ipv6_goes_where_ipv4_goes(blueprint: Blueprint) -> None:
    hub, names, mail = blueprint.nodes["gw-hq"], blueprint.nodes["dc1"].names, blueprint.nodes["mail1"].mail
    ons = IPv6Network("fd6d:7073:6774:2101::/64")
    through = [(rule.reason, rule.targets6) for rule in hub.forwards if ons in rule.sources6]
    assert ("names", (IPv6Network("fd6d:7073:6774:10::10/128"),)) in through
    assert names is not None
    assert names.speaks6
    assert ons in names.clients
    assert mail is not None
    assert mail.speaks6
    assert all(not rule.outside for rule in hub.forwards if rule.sources6)


def test_mail_records_name_the_server(blueprint: Blueprint) -> None:
    records = blueprint.zones[0].records
    assert Record("mps.gov.test.", "MX", "10 mail.mps.gov.test.") in records
    assert Record("mail.mps.gov.test.", "A", "10.20.10.20") in records


def test_a_spoke_reaches_everything_but_its_own_lan_through_the_hub(blueprint: Blueprint) -> None:
    tunnel = blueprint.nodes["gw-ons"].tunnel
    assert tunnel is not None
    assert [peer.node for peer in tunnel.peers] == ["gw-hq"]
    assert tunnel.peers[0].endpoint == "192.0.2.2:51820"
    assert IPv4Network("10.21.1.0/24") not in tunnel.peers[0].allowed
    assert IPv4Network("10.22.1.0/24") in tunnel.peers[0].allowed


def test_the_hub_takes_from_each_spoke_only_its_own_addresses(blueprint: Blueprint) -> None:
    tunnel = blueprint.nodes["gw-hq"].tunnel
    assert tunnel is not None
    assert {peer.node: set(map(str, peer.allowed)) for peer in tunnel.peers} == {
        "gw-ons": {"10.20.255.21/32", "10.21.1.0/24", "fd6d:7073:6774:2101::/64"},
        "gw-cneap": {"10.20.255.22/32", "10.22.1.0/24"},
    }


def test_ssh_from_management_is_every_nodes_first_way_in(blueprint: Blueprint) -> None:
    for node in blueprint.nodes.values():
        assert str(node.inbound[0].service) == "tcp/22"
        assert set(map(str, node.inbound[0].sources)) == {"10.20.99.0/24", "203.0.113.2/32"}


def test_institutions_reach_each_other_by_declared_flows_only(blueprint: Blueprint) -> None:
    between = [flow for flow in blueprint.flows if {flow.source_site, flow.target_site} == {"ons", "cneap"}]
    assert [(flow.source_site, str(flow.targets[0]), [str(one) for one in flow.services]) for flow in between] == [
        ("cneap", "10.21.1.11/32", ["tcp/8080"])
    ]


def test_a_part_that_is_not_declared_leaves_no_trace(blueprint: Blueprint) -> None:
    assert blueprint.nodes["dc1"].mail is None
    assert blueprint.nodes["dc1"].tunnel is None
    assert blueprint.nodes["mail1"].names is None
    assert blueprint.nodes["mail1"].forwards == ()


def test_deputies_may_send_as_the_function_they_stand_in_for(blueprint: Blueprint) -> None:
    mail = blueprint.nodes["mail1"].mail
    assert mail is not None
    senders = {box.local: set(box.senders) for box in mail.mailboxes}
    assert senders["secretariat-general"] == {"secretariat-general", "karim.benali", "awa.ouedraogo"}
    assert senders["issa.kabore"] == {"issa.kabore"}
