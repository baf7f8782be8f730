"""Each measure on each platform: a pair of configurations that differ in one line, and the commands that mend the bad one."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from datetime import UTC, datetime
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from device_commands import apply, filled
from device_pairs import PAIRS

from wizara.audit.facts import LanFacts
from wizara.audit.observation import Observation, Target
from wizara.audit.rule import judge
from wizara.audit.verdict import Verdict
from wizara.report.words import Catalogue
from wizara.tree import load, root

RULES = {one.id: one for one in load("audits.devices.rules").RULES}
CHECKS = load("audits.devices.rules").CHECKS
configuration, redaction = load("audits.devices.configuration"), load("audits.devices.redaction")
FOLDER = Path(__file__).parent / "configurations"
GOOD = {name: (FOLDER / f"{name}.conf").read_text() for name in PAIRS}
CASES = [(platform, name) for platform, pairs in PAIRS.items() for name in pairs]
SECRETS = ("hunter2", "nobodys", "anotherHash", "13061E010803")


def judged(platform: str, lines: list[str]) -> list[Verdict]:
    data = {"platform": platform, "name": "device", "config": [*redaction.redacted(platform, lines)]}
    seen = Observation.model_validate(
        {"run": "r", "time": datetime(2026, 11, 21, tzinfo=UTC), "collector": "file", "vantage": "v", "kind": "config", "data": data, "target": Target()}
    )  # fmt: skip
    return [*judge(RULES.values(), [seen], LanFacts(inventory=False))]


def broken(platform: str, lines: list[str]) -> dict[str, Verdict]:
    return {one.rule: one for one in judged(platform, lines) if one.outcome == "broken"}


def bad(platform: str, name: str) -> list[str]:
    old, new = PAIRS[platform][name]
    content = "\n" + GOOD[platform]
    assert f"\n{old}\n" in content, old
    return content.replace(f"\n{old}\n", f"\n{new}\n" if new is not None else "\n", 1)[1:].splitlines()


def test_every_measure_of_every_platform_has_a_pair() -> None:
    assert {platform: set(checks) for platform, checks in CHECKS.items()} == {
        platform: set(pairs) for platform, pairs in PAIRS.items()
    }
    assert {name for checks in CHECKS.values() for name in checks} == set(RULES) - {"SWI-056", "SWI-057"}


@pytest.mark.parametrize("platform", PAIRS)
def test_a_good_configuration_is_clean(platform: str) -> None:
    verdicts = judged(platform, GOOD[platform].splitlines())
    assert {one.rule: one.details for one in verdicts if one.outcome != "holds"} == {}
    assert {one.rule for one in verdicts} == set(CHECKS[platform])


@pytest.mark.parametrize(("platform", "name"), CASES)
def test_the_bad_line_is_found_told_and_mended_by_the_commands(platform: str, name: str) -> None:
    lines = bad(platform, name)
    found = broken(platform, lines)
    assert name in found
    verdict = found[name]
    for number, text in re.findall(r"(\d+): (.+?)(?:; |$)", verdict.details["line"]):
        near = " ".join(part.strip().rstrip("\\").strip() for part in lines[int(number) - 1 : int(number) + 1])
        assert text.split("•••")[0].split()[-1] in near, (number, text)
    commands = verdict.details["commands"].splitlines()
    hidden = [*redaction.redacted(platform, lines)]
    mended = apply(platform, hidden, commands)
    assert name not in broken(platform, mended), (commands, mended)


@pytest.mark.parametrize(("platform", "name"), CASES)
def test_no_secret_reaches_a_verdict(platform: str, name: str) -> None:
    told = " ".join(str(one.details) for one in judged(platform, bad(platform, name)))
    assert not [secret for secret in SECRETS if secret in told]


@pytest.mark.parametrize("platform", PAIRS)
def test_secrets_leave_no_trace_and_lines_keep_their_numbers(platform: str) -> None:
    lines = GOOD[platform].splitlines()
    hidden = [*redaction.redacted(platform, lines)]
    assert len(hidden) == len(lines)
    assert not [line for line in hidden if any(secret in line for secret in SECRETS)]
    assert sum(one != two for one, two in zip(hidden, lines, strict=True)) <= 7


@pytest.mark.parametrize("platform", PAIRS)
def test_the_platform_and_the_name_are_recognised(platform: str) -> None:
    lines = GOOD[platform].splitlines()
    assert configuration.recognise(lines) == platform
    assert configuration.parse(platform, lines).name.endswith("-good")


def test_what_is_no_configuration_is_not_recognised() -> None:
    assert configuration.recognise(["Dear minister,", "", "please find enclosed"]) is None


def test_a_banner_is_no_configuration() -> None:
    tree = configuration.parse("cisco_ios", GOOD["cisco_ios"].splitlines())
    assert [line.text for line in tree.each("line vty")] == ["line vty 0 4"]
    assert tree.has(r"line con 0")


@pytest.mark.parametrize("platform", PAIRS)
def test_no_configuration_is_too_odd_to_read(platform: str, tmp_path: Path) -> None:
    odd = [
        "config x",
        " " * 5000 + "deep",
        "end",
        "end",
        "next",
        '"',
        "\\",
        "banner motd ^C",
        "/",
        "set",
        "edit",
        "•",
        "\u202e",
        "'" * 9000,
    ]
    deep = [" " * depth + "interface x" for depth in range(300)] + [f"config {depth}" for depth in range(300)]
    for lines in (odd, deep, odd * 50, []):
        judged(platform, lines)
        configuration.parse(platform, lines)


@pytest.mark.parametrize("language", ["fr", "en", "ar"])
def test_every_measure_has_its_words(language: str) -> None:
    texts = {name: text for name, text in Catalogue(language).rules.items() if name.startswith("SWI")}
    assert set(texts) == set(RULES)
    for text in texts.values():
        assert all((text.title, text.seen, text.risk, text.remedy))
        assert {"{line}", "{access}", "{security}"} & set(re.findall(r"{\w+}", text.seen))
        text.seen.format(line="x", access="y", security="z")
    assert len({text.title for text in texts.values()}) == len(texts)


def test_every_measure_says_what_it_follows() -> None:
    measures = tomllib.loads((root() / "audits" / "mappings" / "devices.toml").read_text())
    assert set(measures) == set(RULES)
    assert all(one["measure"] and one["measure"].endswith(".") for one in measures.values())


def test_the_judging_of_configurations_knows_no_network() -> None:
    judging = ("configuration", "measures", "ios", "vrp", "routeros", "fortios", "rules", "redaction")
    for name in (*judging, "topology", "telling", "halves", "placement", "register", "ports"):
        tree = ast.parse((root() / "audits" / "devices" / f"{name}.py").read_text())
        roots = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}
        assert not [one for one in roots if one.split(".")[0] in {"socket", "netmiko", "paramiko", "asyncio", "ssl"}]


def test_examples_leave_no_place_unfilled() -> None:
    assert filled(["logging host <log-server>", "x <anything>"]) == ["logging host 10.20.99.5", "x example"]


@pytest.mark.parametrize(("access", "outcome"), [("ssh", "holds"), ("telnet", "broken"), ("legacy-ssh", "broken")])
def test_cleartext_access_is_a_finding_whoever_declared_it(access: str, outcome: str) -> None:
    data = {"platform": "cisco_ios", "name": "device", "access": access, "answer": False}
    seen = Observation.model_validate(
        {"run": "r", "time": datetime(2026, 11, 21, tzinfo=UTC), "collector": "switch", "vantage": "v", "kind": "config", "data": data,
         "target": Target(ip="10.20.20.2")}
    )  # fmt: skip
    assert [one.outcome for one in judge([RULES["SWI-056"]], [seen], LanFacts(inventory=False))] == [outcome]


@pytest.mark.parametrize(
    ("data", "outcome", "reason"),
    [
        ({"security": "authPriv"}, "holds", None),
        ({"security": "authNoPriv"}, "broken", None),
        ({"security": "community"}, "broken", None),
        ({"security": "authPriv", "answer": False, "reason": "snmp-silent"}, "unknown", "snmp-silent"),
        ({"security": "community", "answer": False, "reason": "snmp-refused"}, "unknown", "snmp-refused"),
        ({"answer": False, "reason": "no-vantage"}, "unknown", "no-vantage"),
        ({"answer": False, "reason": "<b>"}, "unknown", "tables-unread"),
    ],
)
def test_tables_that_were_read_in_clear_are_a_finding_and_unread_ones_are_unknown(
    data: dict[str, object], outcome: str, reason: str | None
) -> None:
    seen = Observation.model_validate(
        {"run": "r", "time": datetime(2026, 11, 21, tzinfo=UTC), "collector": "snmp", "vantage": "v", "kind": "tables", "data": data,
         "target": Target(ip="10.20.20.2")}
    )  # fmt: skip
    (verdict,) = judge([RULES["SWI-057"]], [seen], LanFacts(inventory=False))
    assert (verdict.outcome, verdict.reason) == (outcome, reason)
    assert reason is None or all(reason in Catalogue(language).reasons for language in ("en", "fr", "ar"))


def test_tables_that_were_not_read_to_their_end_are_told_besides() -> None:
    seen = Observation.model_validate(
        {"run": "r", "time": datetime(2026, 11, 21, tzinfo=UTC), "collector": "snmp", "vantage": "v", "kind": "tables",
         "data": {"security": "authPriv", "cut": ["vlan macs"]}, "target": Target(ip="10.20.20.2")}
    )  # fmt: skip
    found = {(one.outcome, one.reason) for one in judge([RULES["SWI-057"]], [seen], LanFacts(inventory=False))}
    assert found == {("holds", None), ("unknown", "tables-cut")}


@pytest.mark.parametrize("platform", ["hp_comware", "aruba_aoscx", "other"])
def test_a_platform_without_measures_is_not_judged_as_another(platform: str) -> None:
    data = {"platform": platform, "answer": False}
    seen = Observation.model_validate(
        {"run": "r", "time": datetime(2026, 11, 21, tzinfo=UTC), "collector": "switch", "vantage": "v", "kind": "config", "data": data,
         "target": Target(ip="10.20.20.2")}
    )  # fmt: skip
    assert judge([one for one in RULES.values() if one.id != "SWI-056"], [seen], LanFacts(inventory=False)) == ()


def test_the_switch_of_the_audited_lan_breaks_exactly_what_its_lan_test_expects() -> None:
    lines = (root() / "tests/lab/ios_stub.py").read_text().partition('CONFIG = """')[2].partition('"""')[0].splitlines()
    assert set(broken("cisco_ios", lines)) == {
        f"SWI-{number:03d}" for number in (1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 24, 25, 30, 31, 37, 38, 49)
    }
