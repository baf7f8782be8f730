"""From where an audit looks: here where this computer is attached, else from a met node that was declared for it."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network
from pathlib import Path

import pytest

from wizara.cli import vantage
from wizara.errors import Refusal, UsageFault
from wizara.inventory import load
from wizara.inventory.models import Enrolled, EnrolledNode, Ministry
from wizara.record.world import World
from wizara.tree import shipped_inventories

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKYcw0NvDafAMP9PFyQpZv3pLDDMxreqK3Ps7VtQvrFS"
OFFICE, SERVERS, ADM, ONS = (IPv4Network(f"10.{part}.0/24") for part in ("20.20", "20.10", "20.99", "21.1"))


def ministry(*met: str) -> Ministry:
    nodes = {name: EnrolledNode(host_key=KEY) for name in met}
    return load(shipped_inventories() / "mps").model_copy(update={"enrolled": Enrolled(nodes=nodes)})


def chosen(
    monkeypatch: pytest.MonkeyPatch, attached: set[IPv4Network], site: str, networks: tuple[IPv4Network, ...], *met: str,
    source: str | None = None, interface: str | None = None,
) -> list[tuple[str, tuple[IPv4Network, ...], bool]]:  # fmt: skip
    monkeypatch.setattr(vantage, "attached", lambda wanted, _interface, _namespace: attached & set(wanted))
    ground = vantage.Ground(ministry(*met), site, World(), networks, None)
    return [(leg.vantage, leg.networks, leg.routed) for leg in vantage.choose(ground, source, interface)]


HERE = "this computer"
ALL = ("gw-hq", "dc1", "gw-ons", "gw-cneap")


@pytest.mark.parametrize(
    ("attached", "site", "networks", "met", "source", "expected"),
    [
        ({OFFICE}, "hq", (OFFICE,), ALL, None, [(HERE, (OFFICE,), False)]),
        (set(), "ons", (ONS,), ALL, None, [("gw-ons", (ONS,), False)]),
        ({OFFICE}, "hq", (ADM, SERVERS, OFFICE), ALL, None, [(HERE, (OFFICE,), False), ("gw-hq", (ADM, SERVERS), False)]),
        ({OFFICE}, "hq", (ADM, OFFICE), ("dc1",), None, [(HERE, (OFFICE,), False)]),  # dc1 was not declared for it
        ({OFFICE}, "hq", (OFFICE,), ALL, "gw-hq", [("gw-hq", (OFFICE,), True)]),
        ({OFFICE}, "hq", (OFFICE, SERVERS), ALL, "dc1", [("dc1", (OFFICE, SERVERS), True)]),
    ],
)  # fmt: skip
def test_each_network_is_looked_at_from_where_it_is_attached(
    monkeypatch: pytest.MonkeyPatch, attached: set[IPv4Network], site: str, networks: tuple[IPv4Network, ...],
    met: tuple[str, ...], source: str | None, expected: list[object],
) -> None:  # fmt: skip
    assert chosen(monkeypatch, attached, site, networks, *met, source=source) == expected


@pytest.mark.parametrize(
    ("site", "network", "met", "source", "interface", "fault", "words"),
    [
        ("ons", ONS, (), None, None, Refusal, "stands on none of"),
        (
            "ons",
            ONS,
            ALL,
            None,
            "eth0",
            Refusal,
            "stands on none of",
        ),  # this computer's port was asked for, and no other
        ("ons", ONS, (), "gw-ons", None, Refusal, "not enrolled: gw-ons"),
        ("ons", ONS, ALL, "gw-rome", None, UsageFault, "no node 'gw-rome'"),
        ("ons", ONS, ALL, "gw-hq", None, Refusal, r"between gw-hq and ons lies ons/vsat \(vsat\)"),
        ("hq", OFFICE, ALL, "gw-ons", None, Refusal, r"ons/vsat \(vsat\)"),
        ("hq", OFFICE, ALL, "office", None, Refusal, "not plugged into office"),
        ("ons", ONS, ALL, "gw-ons", "eth0", UsageFault, "--interface"),
    ],
)
def test_where_nobody_can_look_from_nothing_is_sent(
    monkeypatch: pytest.MonkeyPatch, site: str, network: IPv4Network, met: tuple[str, ...], source: str | None,
    interface: str | None, fault: type[Exception], words: str,
) -> None:  # fmt: skip
    with pytest.raises(fault, match=words):
        chosen(monkeypatch, set(), site, (network,), *met, source=source, interface=interface)


def test_this_computer_is_attached_to_where_it_has_an_address(tmp_path: Path) -> None:
    from wizara.engine.collect import attached

    loopback, elsewhere = IPv4Network("127.0.0.0/8"), IPv4Network("203.0.113.0/24")
    assert attached((loopback, elsewhere), None, None) == {loopback}


def test_over_a_slow_link_little_is_sent_and_only_when_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vantage, "attached", lambda *_asked: set())
    ground = vantage.Ground(ministry(*ALL), "ons", World(), (ONS,), None)
    (leg,) = vantage.choose(ground, "gw-hq", None, over_wan=True)
    assert (leg.vantage, leg.networks, leg.routed, leg.capped) == ("gw-hq", (ONS,), True, True)
    (own,) = vantage.choose(ground, "gw-ons", None)
    assert not own.capped


def test_a_lan_that_this_computer_is_in_names_the_place(monkeypatch: pytest.MonkeyPatch) -> None:
    found = chosen(monkeypatch, {OFFICE}, "hq", (ADM, OFFICE), *ALL, source="office")
    assert found == [("this computer · office", (ADM, OFFICE), True)]


def test_the_ipv6_network_of_a_lan_is_looked_at_from_where_its_ipv4_network_is(monkeypatch: pytest.MonkeyPatch) -> None:
    six, far = IPv6Network("fd6d:7073:6774:20::/64"), IPv6Network("fd6d:7073:6774:10::/64")
    found = chosen(monkeypatch, {OFFICE}, "hq", (SERVERS, OFFICE, far, six), *ALL)
    assert found == [("this computer", (OFFICE, six), False), ("gw-hq", (SERVERS, far), False)]
