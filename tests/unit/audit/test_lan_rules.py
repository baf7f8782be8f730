"""Each rule of the LAN audit against a pair of observations that differ only in the protocol fact."""

from __future__ import annotations

import ast
import json
import sys
import tomllib
from datetime import UTC, datetime
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import pytest

from wizara.audit.facts import DeclaredFlow, DeclaredHost, DeclaredLan, LanFacts
from wizara.audit.observation import Observation, Target
from wizara.audit.rule import Rule, judge
from wizara.audit.untrusted import untrusted
from wizara.report.words import Catalogue
from wizara.tree import load

sys.path.insert(0, str(Path(__file__).parent))
from pairs import read_pairs

RULES: dict[str, Rule[LanFacts]] = {one.id: one for one in load("audits.lan.rules").RULES}
HOSTILE: list[str] = json.loads((Path(__file__).parents[2] / "hostile.json").read_text())
MAC, AWAY = "52:54:00:20:00:11", "52:54:00:30:00:09"
FACTS = LanFacts(
    site="hq", networks=(IPv4Network("10.20.20.0/24"),), moment="2026-11-21T12:00:00+00:00",
    hosts=(DeclaredHost(name="pc", site="hq", lan="office", address="10.20.20.11", mac=MAC, role="server", os="debian", services=("tcp/22", "tcp/9100")),),
    elsewhere=(DeclaredHost(name="away", site="hq", lan="servers", address="10.20.30.9", mac=AWAY, role="server", services=("tcp/443",)),),
    lans=(DeclaredLan(name="office", network="10.20.20.0/24"), DeclaredLan(name="servers", network="10.20.30.0/24")),
    flows=(DeclaredFlow(sources=("10.20.20.0/24",), targets=("10.20.30.9/32",), services=("tcp/443",)),),
)  # fmt: skip
HERE, STRANGER = "10.20.20.11", "10.20.20.77"
#: Tells what could not be judged, and nothing else.
UNJUDGED = {"LAN-010"}


def seen(
    kind: str,
    data: dict[str, Any],
    ip: str | None = HERE,
    port: int | None = None,
    mac: str | None = None,
    collector: str | None = None,
) -> Observation:
    return Observation.model_validate(
        {"run": "r", "time": datetime(2026, 11, 21, 12, tzinfo=UTC), "collector": collector or kind, "vantage": "v", "kind": kind, "data": data,
         "target": Target(site="hq", ip=ip, port=port, mac=mac, proto="tcp" if port else None)}
    )  # fmt: skip


def alive(ip: str = HERE, *macs: str) -> Observation:
    return seen("host", {"alive": True, "macs": list(macs or (MAC,))}, ip, mac=(macs or (MAC,))[0])


def passed(port: int, outcome: str) -> Observation:
    told = {"purpose": "segmentation", "source": "office", "target": "servers", "name": "away", "outcome": outcome}
    return seen("reachability", told, "10.20.30.9", port)


def certificate(**facts: Any) -> dict[str, Any]:
    good = {"key": "rsa", "key_bits": 2048, "signature": "sha256", "not_after": "2027-01-01T00:00:00+00:00"}
    return {"versions": ["TLSv1.2"], "certificate": good | facts}


SSH = {
    "kex": ["curve25519-sha256"],
    "cipher": ["aes256-gcm@openssh.com"],
    "mac": ["hmac-sha2-256"],
    "host_key": ["ssh-ed25519"],
}
#: rule → (observations that break it, observations that differ in one fact and do not)
PAIRS: dict[str, tuple[list[Observation], list[Observation]]] = {
    "LAN-001": ([alive("10.20.20.12", "02:00:00:00:00:12")], [alive()]),
    "LAN-002": ([seen("host", {"alive": False, "answer": False})], [alive()]),
    "LAN-003": ([alive(HERE, "02:00:00:00:00:99")], [alive()]),
    "LAN-004": ([alive(HERE, MAC, "02:00:00:00:00:99")], [alive()]),
    "LAN-005": ([seen("ports", {"open": [], "closed": [22]})], [seen("ports", {"open": [22], "closed": []})]),
    "LAN-006": ([seen("ports", {"open": [22, 80]})], [seen("ports", {"open": [22]})]),
    "LAN-007": ([alive("10.20.20.99", AWAY)], [alive("10.20.20.99", "52:54:00:99:00:99")]),
    "LAN-008": (
        [seen("ssh", {"banner": "SSH-2.0-OpenSSH_for_Windows_9.5"}, port=22)],
        [seen("ssh", {"banner": "SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3"}, port=22)],
    ),
    "LAN-009": ([alive("10.20.20.99", MAC)], [alive("10.20.20.99", "52:54:00:99:00:99")]),
    "SEG-001": ([passed(8080, "open")], [passed(8080, "silent")]),
    "SEG-002": ([passed(443, "silent")], [passed(443, "open")]),
    "TEL-001": (
        [seen("telnet", {"negotiates": True, "text": ""}, port=23)],
        [seen("telnet", {"negotiates": False, "text": ""}, port=23)],
    ),
    "FTP-001": ([seen("ftp", {"anonymous": True}, port=21)], [seen("ftp", {"anonymous": False}, port=21)]),
    "SNM-001": (
        [seen("snmp", {"community": "public"}, port=161)],
        [seen("snmp", {"community": "public", "answer": False}, port=161)],
    ),
    "RED-001": ([seen("redis", {"open": True}, port=6379)], [seen("redis", {"open": False}, port=6379)]),
    "MEM-001": ([seen("memcached", {"open": True}, port=11211)], [seen("memcached", {"answer": False}, port=11211)]),
    "MQT-001": ([seen("mqtt", {"open": True}, port=1883)], [seen("mqtt", {"open": False}, port=1883)]),
    "SMT-001": ([seen("smtp", {"relay": True}, port=25)], [seen("smtp", {"relay": False}, port=25)]),
    "WEB-001": (
        [seen("http", {"password_form": True}, port=80)],
        [seen("http", {"password_form": True}, port=443, collector="https")],
    ),
    "WEB-002": (
        [seen("http", {"authenticate": "Basic realm=x"}, port=80)],
        [seen("http", {"authenticate": 'Digest realm="x, Basic y"'}, port=80)],
    ),
    "TLS-001": (
        [seen("tls", {"versions": ["TLSv1.1", "TLSv1.2"]}, port=443)],
        [seen("tls", {"versions": ["TLSv1.2"]}, port=443)],
    ),
    "TLS-002": (
        [seen("tls", certificate(not_after="2026-11-21T11:59:59+00:00"), port=443)],
        [seen("tls", certificate(), port=443)],
    ),
    "TLS-003": ([seen("tls", certificate(key_bits=1024), port=443)], [seen("tls", certificate(), port=443)]),
    "SSH-001": ([seen("ssh", SSH | {"kex": ["diffie-hellman-group1-sha1"]}, port=22)], [seen("ssh", SSH, port=22)]),
    "SSH-002": ([seen("ssh", SSH | {"cipher": ["3des-cbc"]}, port=22)], [seen("ssh", SSH, port=22)]),
    "SSH-003": ([seen("ssh", SSH | {"mac": ["hmac-md5"]}, port=22)], [seen("ssh", SSH, port=22)]),
    "SSH-004": ([seen("ssh", SSH | {"host_key": ["ssh-dss"]}, port=22)], [seen("ssh", SSH, port=22)]),
    "TLS-006": (
        [
            seen("tls", certificate(names=["old.example"]), port=443),
            seen("http", {"location": "https://new.example/"}, port=443, collector="https"),
        ],
        [
            seen("tls", certificate(names=["old.example"]), port=443),
            seen("http", {"location": "https://old.example/"}, port=443, collector="https"),
        ],
    ),
    "PRI-001": (
        [seen("http", {"device": True}, STRANGER, 80), seen("ports", {"open": [80, 631]}, STRANGER)],
        [seen("http", {"device": True}, STRANGER, 80), seen("ports", {"open": [80]}, STRANGER)],
    ),
    "TLS-007": (
        [
            seen("tls", certificate(public_key="aa"), port=443),
            seen("tls", certificate(public_key="aa"), "10.20.20.12", port=8443),
        ],
        [
            seen("tls", certificate(public_key="aa"), port=443),
            seen("tls", certificate(public_key="bb"), "10.20.20.12", port=8443),
        ],
    ),
} | read_pairs()


def outcomes(name: str, observations: list[Observation], facts: LanFacts = FACTS) -> list[str]:
    return [one.outcome for one in judge([RULES[name]], observations, facts)]


def test_every_rule_has_a_pair() -> None:
    assert set(PAIRS) | UNJUDGED == {
        name for name in RULES if not name.startswith("SWI")
    }  # those have test_device_rules.py
    assert len(RULES) >= 16


@pytest.mark.parametrize("name", sorted(PAIRS))
def test_the_weakness_is_found_and_rests_on_what_was_seen(name: str) -> None:
    bad, _good = PAIRS[name]
    found = [one for one in judge([RULES[name]], bad, FACTS) if one.outcome == "broken"]
    assert len({one.rule for one in found}) == 1
    assert len(found) == (2 if name == "TLS-007" else 1)  # a shared key is told of each of its holders
    assert set(found[0].evidence) <= {one.id for one in bad}
    assert found[0].evidence


@pytest.mark.parametrize("name", sorted(PAIRS))
def test_the_harmless_twin_is_not_accused(name: str) -> None:
    _bad, good = PAIRS[name]
    assert "broken" not in outcomes(name, good)


def test_printing_ports_are_never_judged() -> None:
    verdicts = judge([RULES["LAN-005"]], [seen("ports", {"open": [22], "closed": []})], FACTS)
    assert {(one.subject.service, one.outcome, one.reason) for one in verdicts} == {
        ("tcp/22", "holds", None),
        ("tcp/9100", "unknown", "never-touched"),
    }


def test_an_open_port_that_is_not_recognised_is_unknown_and_says_so() -> None:
    silent = {"answer": False, "reason": "unrecognised"}
    (told,) = judge([RULES["LAN-010"]], [seen("service", silent, port=9000)], FACTS)
    assert (told.outcome, told.reason, told.subject.service) == ("unknown", "unrecognised", "tcp/9000")
    (told,) = judge([RULES["LAN-010"]], [seen("service", silent | {"reason": "breaker"}, port=9000)], FACTS)
    assert told.reason == "left-alone"
    names = [seen("service", silent, port=53), seen("dns", {"recursion": False}, port=53)]
    assert judge([RULES["LAN-010"]], names, FACTS) == ()
    assert len(judge([RULES["LAN-010"]], names[:1], FACTS)) == 1


@pytest.mark.parametrize(
    ("ip", "beside", "outcome"),
    [
        (STRANGER, [], "unknown"),
        (STRANGER, [seen("ports", {"open": [631]}, STRANGER)], "broken"),
        (STRANGER, [seen("heard", {"language": "mdns", "services": ["_ipp._tcp.local"]}, STRANGER)], "broken"),
        (STRANGER, [seen("heard", {"language": "mdns", "services": ["_ssh._tcp.local"]}, STRANGER)], "unknown"),
        (HERE, [seen("ports", {"open": [631]}, HERE)], "unknown"),
    ],
)
def test_words_of_printers_alone_make_no_printer(ip: str, beside: list[Observation], outcome: str) -> None:
    assert outcomes("PRI-001", [seen("http", {"device": True}, ip, 80), *beside]) == [outcome]


def test_a_printer_that_asks_for_a_password_is_not_called_open() -> None:
    told = [
        seen("http", {"device": True, "password_form": True}, STRANGER, 80),
        seen("ports", {"open": [631]}, STRANGER),
    ]
    assert outcomes("PRI-001", told) == ["unknown"]


@pytest.mark.parametrize(
    ("location", "outcome"),
    [
        ("https://old.example", ["holds"]), ("https://new.example:443/", ["broken"]), ("https://new.example:8443/", []),
        ("https://sso.example/login?back=1", []), ("https://sso.example/?back=1", []), ("/login", []),
    ],
)  # fmt: skip
def test_a_login_service_elsewhere_is_no_name_of_the_site(location: str, outcome: list[str]) -> None:
    shown = seen("tls", certificate(names=["old.example"]), port=443)
    sent = seen("http", {"status": 302, "location": location}, port=443, collector="https")
    assert outcomes("TLS-006", [shown, sent]) == outcome


def test_a_service_that_a_filter_may_hide_is_unknown_from_afar_and_missing_on_the_link() -> None:
    behind = seen("ports", {"open": [80], "closed": [], "silent": [22]})
    assert outcomes("LAN-005", [behind]) == ["unknown", "unknown"]
    assert outcomes("LAN-005", [behind, alive()]) == ["broken", "unknown"]
    assert outcomes("LAN-005", [seen("ports", {"open": [80], "closed": [22]})]) == ["broken", "unknown"]


def test_silence_from_afar_is_unknown_and_not_missing() -> None:
    assert outcomes("LAN-002", [seen("ports", {"answer": False})]) == ["unknown"]
    assert outcomes("LAN-002", []) == ["unknown"]


def test_an_unread_configuration_is_unknown() -> None:
    assert outcomes("SWI-001", [seen("config", {"answer": False, "reason": "no-host-key"}, port=22)]) == ["unknown"]


def test_without_an_inventory_nothing_is_undeclared() -> None:
    assert (
        outcomes(
            "LAN-001", [alive("10.20.20.12", "02:00:00:00:00:12")], LanFacts(networks=FACTS.networks, inventory=False)
        )
        == []
    )


@pytest.mark.parametrize(
    ("reason", "told"),
    [("no-vantage", "no-vantage"), ("lost", "lost"), ("not-attached", "not-attached"), ("afar", "not-looked")],
)
def test_a_network_that_was_not_looked_at_is_unknown_and_says_why(reason: str, told: str) -> None:
    sweep = seen("sweep", {"network": str(FACTS.networks[0]), "on_link": False, "reason": reason}, None)
    verdicts = judge((RULES["LAN-001"], RULES["LAN-002"], RULES["LAN-005"]), [sweep], FACTS)
    assert {(one.rule, one.outcome) for one in verdicts} == {
        ("LAN-001", "unknown"), ("LAN-002", "unknown"), ("LAN-005", "unknown"),
    }  # fmt: skip
    assert {one.reason for one in verdicts if one.rule == "LAN-001"} == {reason}
    assert {one.reason for one in verdicts if one.rule == "LAN-002"} == {told}
    swept = seen("sweep", {"network": str(FACTS.networks[0]), "on_link": True}, None)
    assert outcomes("LAN-001", [swept]) == []


def test_a_node_is_not_judged_by_what_it_serves_at_another_address_of_its() -> None:
    node = DeclaredHost(
        name="dc1",
        site="hq",
        lan="adm",
        address=HERE,
        role="node",
        services=("tcp/22",),
        tolerated=("tcp/22", "tcp/587"),
    )
    facts = FACTS.model_copy(update={"hosts": (node,)})
    ports = seen("ports", {"open": [22, 587, 6379], "closed": []})
    assert [one for one in outcomes("LAN-006", [ports], facts) if "broken" in str(one)]
    assert [one.subject.service for one in judge([RULES["LAN-006"]], [ports], facts)] == ["tcp/6379"]
    assert {one.outcome for one in judge([RULES["LAN-005"]], [ports], facts)} == {"holds"}


def test_the_node_that_looks_is_not_missing_its_own_services() -> None:
    node = DeclaredHost(name="gw", site="hq", lan="adm", address=HERE, role="node", services=("tcp/22",))
    own = seen("vantage", {"interface": "e0"}, HERE)
    (verdict,) = judge([RULES["LAN-005"]], [own], FACTS.model_copy(update={"hosts": (node,)}))
    assert (verdict.outcome, verdict.reason) == ("unknown", "own-address")


def test_the_auditor_does_not_accuse_himself() -> None:
    own = seen("vantage", {"interface": "e0"}, "10.20.20.250", mac="02:00:00:00:02:50")
    assert outcomes("LAN-001", [own, alive("10.20.20.250", "02:00:00:00:02:50")]) == []


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_no_rule_trips_over_hostile_answers(text: str) -> None:
    shown = untrusted(text)
    odd: list[Any] = [shown, [shown], {"x": shown}, None, 7, True]
    for value in odd:
        keys = (
            "macs",
            "open",
            "closed",
            "text",
            "reply",
            "versions",
            "certificate",
            "kex",
            "config",
            "title",
            "authenticate",
            "community",
            "banner",
        )
        observations = [
            seen(kind, dict.fromkeys(keys, value), port=None if kind in {"host", "ports"} else 80)
            for kind in ("host", "ports", "tls", "ssh", "http", "telnet", "snmp", "config", "ftp", "smtp")
        ]
        for one in judge(RULES.values(), observations, FACTS):
            assert one.outcome in {"holds", "broken", "unknown"}


@pytest.mark.parametrize("language", ["fr", "en", "ar"])
def test_every_rule_has_its_words_and_fields(language: str) -> None:
    catalogue = Catalogue(language)
    assert set(catalogue.rules) == set(RULES)
    for name, text in catalogue.rules.items():
        assert all((text.title, text.seen, text.risk, text.remedy)), name
        assert text.promise if RULES[name].scope == "declared" else True, name
    for name in PAIRS:
        text = catalogue.rules[name]
        broken, *_others = [one for one in judge([RULES[name]], PAIRS[name][0], FACTS) if one.outcome == "broken"]
        text.seen.format(**broken.details)  # KeyError: a field that the rule does not give


def test_reasons_are_the_same_in_each_language() -> None:
    folder = Path(__file__).parents[3] / "audits" / "catalog"
    keys = {path.name: set(tomllib.loads(path.read_text())["reasons"]) for path in folder.glob("lan.*.toml")}
    assert len(keys) == 3
    assert len({frozenset(names) for names in keys.values()}) == 1


def test_rules_know_no_network() -> None:
    network = {
        "asyncio",
        "socket",
        "ssl",
        "subprocess",
        "netmiko",
        "paramiko",
        "urllib",
        "http",
        "door",
        "looks",
        "switch",
    }
    folder = Path(__file__).parents[3] / "audits" / "lan"
    topics = [path.relative_to(folder).with_suffix("") for path in (folder / "weaknesses").glob("*.py")]
    for name in ("rules", "hosts", "crypto", "subjects", *topics):
        tree = ast.parse((folder / f"{name}.py").read_text())
        named = {
            alias.name
            for node in ast.walk(tree)
            if isinstance(node, ast.Import | ast.ImportFrom)
            for alias in node.names
        }
        roots = {
            node.module.split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module
        }
        assert not network & (named | roots), name


@pytest.mark.parametrize(
    ("rule", "kind", "port", "data", "broken"),
    [
        ("TEL-001", "telnet", 23, {"negotiates": False, "text": "sw login: "}, True),
        ("TEL-001", "telnet", 23, {"negotiates": False, "text": "Username>"}, True),
        ("TEL-001", "telnet", 23, {"negotiates": False, "text": "No login or password needed, welcome"}, False),
        ("RSV-003", "dns", 53, {"recursion": False, "version": "9.18.28-1~deb12u2-Debian"}, True),
        ("RSV-003", "dns", 53, {"recursion": False, "version": "not disclosed"}, False),
        ("WEB-002", "http", 80, {"authenticate": 'Negotiate, Basic realm="x"'}, True),
        ("WEB-002", "http", 80, {"authenticate": "basic"}, True),
        ("WEB-002", "http", 80, {"authenticate": 'Digest realm="basic"'}, False),
    ],
)
def test_words_beside_the_fact_decide_nothing(
    rule: str, kind: str, port: int, data: dict[str, Any], broken: bool
) -> None:
    verdicts = judge([RULES[rule]], [alive(), seen(kind, data, port=port, collector=kind)], FACTS)
    assert any(one.outcome == "broken" for one in verdicts) is broken
