"""Who may speak to the whole LAN: a declared server or gateway, asked or overheard, and nobody else."""

from __future__ import annotations

from datetime import UTC, datetime
from ipaddress import IPv4Network
from typing import Any

import pytest

from wizara.audit.facts import DeclaredHost, LanFacts
from wizara.audit.observation import Observation, Seen, Target
from wizara.audit.presence import living, others, twin
from wizara.audit.rule import judge
from wizara.tree import load

RULES = {one.id: one for one in load("audits.lan.rules").RULES}
GATEWAY, SERVER, INTRUDER = "52:54:00:20:00:01", "52:54:00:20:00:10", "02:00:00:00:00:66"


def host(name: str, last: int, mac: str, role: str, *services: str) -> DeclaredHost:
    return DeclaredHost(
        name=name, site="hq", lan="office", address=f"10.20.20.{last}", mac=mac, role=role, services=services
    )


FACTS = LanFacts(
    site="hq", networks=(IPv4Network("10.20.20.0/24"),), moment="2026-11-21T12:00:00+00:00",
    hosts=(host("gw", 1, GATEWAY, "node"), host("dc", 10, SERVER, "server", "udp/67"), host("pc", 11, "52:54:00:20:00:11", "workstation")),
)  # fmt: skip


def seen(kind: str, data: dict[str, Any], ip: str | None, mac: str | None) -> Observation:
    return Observation(
        run="r", time=datetime(2026, 11, 21, 12, tzinfo=UTC), collector="c", vantage="v", target=Target(ip=ip, mac=mac), kind=kind, data=data,
    )  # fmt: skip


def alive(ip: str, mac: str) -> Observation:
    return seen("host", {"alive": True, "macs": [mac]}, ip, mac)


def offer(server: str, mac: str, ip: str | None = None, kind: str = "dhcp", message: str = "offer") -> Observation:
    return seen(kind, {"language": "dhcp", "message": message, "server": server}, ip or server, mac)


def advertisement(mac: str, kind: str = "ra") -> Observation:
    return seen(kind, {"language": "ra", "prefixes": ["fd00::/64"], "lifetime": 1800}, "fe80::1%lan0", mac)


def broken(rule: str, *observations: Observation, facts: LanFacts = FACTS) -> list[str | None]:
    return [
        one.subject.mac or one.subject.ip
        for one in judge([RULES[rule]], observations, facts)
        if one.outcome == "broken"
    ]


@pytest.mark.parametrize(
    ("observations", "expected"),
    [
        ([offer("10.20.20.10", SERVER)], []),
        ([offer("10.20.20.66", INTRUDER)], [INTRUDER]),
        ([offer("10.20.20.66", INTRUDER, kind="heard", message="ack")], [INTRUDER]),
        ([offer("10.20.20.66", INTRUDER, kind="heard", message="request")], []),
        ([offer("10.20.20.10", SERVER), offer("10.20.20.66", INTRUDER)], [INTRUDER]),
        ([offer("10.20.20.11", "52:54:00:20:00:11")], ["52:54:00:20:00:11"]),  # declared, but not for that
        ([offer("10.99.0.5", SERVER, "10.20.20.10")], []),  # a declared relay carries the answer of a server elsewhere
        ([offer("10.99.0.5", INTRUDER, "10.20.20.66")], [INTRUDER]),  # who carries it is not declared
        ([offer("10.20.20.10", INTRUDER, "10.20.20.66")], [INTRUDER]),  # it names the declared server as its own
        ([offer("10.20.20.10", INTRUDER)], [INTRUDER]),  # and sends from its address, but not from its card
        ([offer("10.20.20.10", SERVER), offer("10.20.20.10", INTRUDER)], [INTRUDER]),
        ([seen("dhcp", {"answer": False}, None, None)], []),
    ],
)
def test_only_declared_servers_hand_out_addresses(observations: list[Observation], expected: list[str]) -> None:
    assert broken("BRO-001", *observations) == expected


def test_a_declared_server_without_a_declared_card_is_known_by_its_address() -> None:
    hosts = tuple(one.model_copy(update={"mac": None}) if one.name == "dc" else one for one in FACTS.hosts)
    facts = FACTS.model_copy(update={"hosts": hosts})
    assert broken("BRO-001", offer("10.20.20.10", SERVER), facts=facts) == []
    assert broken("BRO-001", offer("10.20.20.10", INTRUDER, "10.20.20.66"), facts=facts) == [INTRUDER]


def test_without_an_inventory_one_server_is_normal_and_two_are_not() -> None:
    bare = LanFacts(inventory=False)
    one, other = offer("10.20.20.1", GATEWAY), offer("10.20.20.66", INTRUDER)
    assert broken("BRO-001", one, facts=bare) == []
    assert broken("BRO-001", one, other, facts=bare) == [GATEWAY, INTRUDER]
    assert broken("BRO-002", advertisement(GATEWAY), facts=bare) == []
    assert len(broken("BRO-002", advertisement(GATEWAY), advertisement(INTRUDER), facts=bare)) == 2


@pytest.mark.parametrize(
    ("mac", "expected"),
    [(GATEWAY, []), (INTRUDER, [INTRUDER]), ("52:54:00:20:00:11", ["52:54:00:20:00:11"])],
)
@pytest.mark.parametrize("kind", ["ra", "heard"])
def test_only_declared_gateways_are_routers(mac: str, expected: list[str], kind: str) -> None:
    assert broken("BRO-002", advertisement(mac, kind)) == expected


def test_a_gateway_is_known_by_its_ipv4_address_where_its_card_is_not_declared() -> None:
    gateway = FACTS.hosts[0].model_copy(update={"mac": None})
    facts = FACTS.model_copy(update={"hosts": (gateway,)})
    observations = alive("10.20.20.1", GATEWAY), alive("fe80::1%lan0", GATEWAY), advertisement(GATEWAY)
    assert broken("BRO-002", *observations, facts=facts) == []
    assert broken("LAN-001", *observations, facts=facts) == []


@pytest.mark.parametrize(("name", "rule", "other"), [("nobody", "BRO-003", "BRO-004"), ("wpad", "BRO-004", "BRO-003")])
def test_who_answers_to_names_of_others_is_an_intruder(name: str, rule: str, other: str) -> None:
    said = seen("name-answer", {"language": "llmnr", "name": name, "said": "10.20.20.66"}, "10.20.20.66", INTRUDER)
    assert broken(rule, said) == [INTRUDER]
    assert broken(other, said) == []
    assert broken(rule, seen("name-answer", {"answer": False}, None, None)) == []


def test_a_machine_of_two_families_is_one_machine() -> None:
    both = Seen(
        [
            alive("10.20.20.11", "52:54:00:20:00:11"),
            alive("fd00::11", "52:54:00:20:00:11"),
            alive("fe80::5%lan0", INTRUDER),
            alive("fd00::5", INTRUDER),
        ]
    )
    assert living(both) == ("10.20.20.11", "fd00::5")
    assert twin(both, "fd00::11") == "10.20.20.11"
    assert others(both, "10.20.20.11") == ("fd00::11",)
    found = [one for one in judge([RULES["LAN-001"]], both.all, FACTS) if one.outcome == "broken"]
    assert [(one.subject.ip, one.subject.mac) for one in found] == [("fd00::5", INTRUDER)]


def test_a_service_that_only_ipv6_shows_is_found_at_a_declared_machine() -> None:
    card = "52:54:00:20:00:11"
    observations = [
        alive("10.20.20.11", card), alive("fd00::11", card), seen("ports", {"open": [], "closed": [22]}, "10.20.20.11", None),
        seen("ports", {"open": [6379], "closed": [22]}, "fd00::11", None),
    ]  # fmt: skip
    (found,) = [one for one in judge([RULES["LAN-006"]], observations, FACTS) if one.outcome == "broken"]
    assert (found.subject.name, found.subject.ip, found.subject.service) == ("pc", "fd00::11", "tcp/6379")


def test_what_was_left_alone_is_unknown_and_not_missing() -> None:
    facts = FACTS.model_copy(update={"hosts": (host("plc", 12, INTRUDER, "controller", "tcp/502"),)})
    ports = seen("ports", {"open": [80], "closed": [], "silent": [], "untested": [502]}, "10.20.20.12", None)
    (verdict,) = judge([RULES["LAN-005"]], [ports], facts)
    assert (verdict.outcome, verdict.reason) == ("unknown", "left-alone")
