"""Spellings and layouts beside the pairs: seen or left alone as they should be, mended without harm, other systems refused."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from device_commands import apply
from device_shapes import FOREIGN, SHAPES
from test_device_rules import GOOD, broken, configuration, redaction


def commands(platform: str, name: str, content: str) -> list[str]:
    return broken(platform, content.splitlines())[name].details["commands"].splitlines()


@pytest.mark.parametrize(("platform", "name", "content", "bad"), SHAPES)
def test_a_spelling_is_seen_or_left_alone_and_its_commands_mend_it(
    platform: str, name: str, content: str, bad: bool
) -> None:
    lines = content.splitlines()
    assert (name in broken(platform, lines)) is bad
    if bad:
        mended = apply(platform, [*redaction.redacted(platform, lines)], commands(platform, name, content))
        assert name not in broken(platform, mended), mended


def test_the_rest_of_a_numbered_list_outlives_the_remedy() -> None:
    lines = ["access-list 101 deny ip any host 10.1.1.5", "access-list 101 permit ip any any", "hostname sw"]
    assert "access-list 101 deny ip any host 10.1.1.5" not in apply("cisco_ios", lines, [f"no {lines[1]}"])
    told = commands("cisco_ios", "SWI-028", "\n".join(lines))
    assert told == ["ip access-list extended 101", " permit <protocol> <source> <destination>", " no permit ip any any"]
    mended = apply("cisco_ios", lines, told)
    assert lines[0] in mended
    assert lines[1] not in mended


def test_no_measure_of_ios_undoes_one_line_of_a_numbered_list_at_the_top() -> None:
    content = "access-list 10 permit any\naccess-list 101 permit ip any any\naccess-list 101 deny ip any any"
    told = [one.details["commands"] for one in broken("cisco_ios", content.splitlines()).values()]
    assert told
    assert not [one for one in told if "no access-list" in one]


@pytest.mark.parametrize(
    ("platform", "name", "content", "kept"),
    [
        ("cisco_ios", "SWI-052", "snmp-server group G v3 auth read ALL access 10", "snmp-server group G v3 priv read ALL access 10"),
        ("huawei_vrp", "SWI-052", "snmp-agent group v3 g authentication read-view ALL acl 2000", "snmp-agent group v3 g privacy read-view ALL acl 2000"),
        ("cisco_ios", "SWI-027", "line vty 0 4\n no login", "username <name> privilege 15 algorithm-type scrypt secret <password>"),
        ("cisco_ios", "SWI-018", "ip dhcp snooping\ninterface Gi0/1\n switchport mode access", " ip dhcp snooping trust"),
        ("cisco_ios", "SWI-008", "hostname sw", "username <name> privilege 15 algorithm-type scrypt secret <password>"),
        ("huawei_vrp", "SWI-039", "aaa\n local-user admin service-type ssh", " local-user <name> privilege level 15"),
    ],
)  # fmt: skip
def test_a_remedy_takes_nothing_away_that_is_needed(platform: str, name: str, content: str, kept: str) -> None:
    assert kept in commands(platform, name, content)


def test_an_account_is_made_only_where_there_is_none() -> None:
    content = "username awa secret 9 x\nline vty 0 4\n no login"
    assert commands("cisco_ios", "SWI-027", content) == ["line vty 0 4", " login local"]


def test_commands_for_a_firewall_with_vdoms_enter_and_leave_the_part_that_they_are_for() -> None:
    vdom = "config vdom\nedit root\nconfig firewall policy\nedit 1\nset logtraffic disable\nnext\nend\nend"
    assert [one.strip() for one in commands("fortinet", "SWI-048", vdom)] == [
        "config vdom", "edit root", "config firewall policy", "edit 1", "set logtraffic all", "next", "end", "end",
    ]  # fmt: skip
    ports = "config global\nconfig system global\nset strong-crypto disable\nend\nend"
    assert [one.strip() for one in commands("fortinet", "SWI-010", ports)] == [
        "config global", "config system global", "set strong-crypto enable", "end", "end",
    ]  # fmt: skip
    assert commands("fortinet", "SWI-049", ports)[0] == "config global"


def test_a_firewall_with_vdoms_is_called_by_its_name() -> None:
    lines = ["config global", "config system global", 'set hostname "fw-1"', "end", "end"]
    assert configuration.parse("fortinet", lines).name == "fw-1"


@pytest.mark.parametrize(("system", "content"), [(name, one) for name, many in FOREIGN.items() for one in many])
def test_another_system_is_named(system: str, content: str) -> None:
    assert configuration.foreign(content.splitlines()) == system


@pytest.mark.parametrize("platform", GOOD)
def test_a_judged_platform_is_no_other_system(platform: str) -> None:
    assert configuration.foreign(GOOD[platform].splitlines()) is None
