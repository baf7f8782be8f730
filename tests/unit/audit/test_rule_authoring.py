"""``wizara audit new-rule``, and what every rule of the LAN audit must bring along."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

from wizara.audit.facts import LanFacts
from wizara.audit.rule import Rule, judge
from wizara.cli.main import main
from wizara.cli.new_rule import UNSAID, scaffold
from wizara.errors import UsageFault
from wizara.report.words import Catalogue, RuleText
from wizara.tree import load, root

sys.path.insert(0, str(Path(__file__).parent))
from pairs import read_pairs

RULES: tuple[Rule[LanFacts], ...] = load("audits.lan.rules").RULES
DEPLOYS = {path.stem for path in (root() / "deploys" / "parts").glob("*.py")} - {"__init__"}
MARKET = {"topic": "market", "kind": "ftp", "fact": "stall", "port": 21, "cvss": "CVSS:3.1/AV:A/AC:L/PR:N/UI:N/S:U/C:L/I:N/A:N"}  # fmt: skip


def lacks(one: Rule[LanFacts], texts: dict[str, dict[str, RuleText]]) -> list[str]:
    """Return what the rule lacks of what every rule brings."""
    missing = [] if one.fix == "manual" or one.fix in DEPLOYS else ["fix"]
    for language, rules in texts.items():
        text = rules.get(one.id)
        said = (text.title, text.seen, text.risk, text.remedy) if text else ("",)
        missing += [] if all(said) and not any(UNSAID in words for words in said) else [language]
    return missing


def test_every_rule_has_three_languages_and_a_way_to_mend_it() -> None:
    texts = {language: Catalogue(language).rules for language in ("fr", "en", "ar")}
    assert {one.id: lacks(one, texts) for one in RULES if lacks(one, texts)} == {}


def test_a_rule_that_lacks_something_is_refused() -> None:
    one = RULES[0]
    whole = {one.id: RuleText("a", "b", "c", "d")}
    assert lacks(one, {"fr": whole, "ar": {}}) == ["ar"]
    assert lacks(one, {"fr": {one.id: RuleText("a", UNSAID, "c", "d")}}) == ["fr"]
    assert lacks(Rule(one.id, "found", ("ftp",), one.cvss, one.function), {"fr": whole}) == ["fix"]


def test_a_new_rule_judges_its_own_pair_at_once(tmp_path: Path) -> None:
    files = scaffold(tmp_path, "MKT-001", **MARKET)  # type: ignore[arg-type]
    assert len(files) == 5
    spec = importlib.util.spec_from_file_location("market", files[0])
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    pair = read_pairs(tmp_path / "tests" / "unit" / "audit" / "pairs")["MKT-001"]
    said = [[one.outcome for one in judge([module.ftp_001], seen, LanFacts())] for seen in pair]
    assert said == [["broken"], ["holds"]]
    body = files[0].read_text().split("\n\n\n")[1].strip().splitlines()
    assert len(body) <= 10


def test_a_second_rule_of_a_topic_stands_below_the_first(tmp_path: Path) -> None:
    scaffold(tmp_path, "MKT-001", **MARKET)  # type: ignore[arg-type]
    files = scaffold(tmp_path, "MKT-002", **MARKET)  # type: ignore[arg-type]
    source = files[0].read_text()
    assert source.count("@rule") == 2
    assert source.count("import annotations") == 1
    with pytest.raises(UsageFault, match="already"):
        scaffold(tmp_path, "MKT-001", **MARKET)  # type: ignore[arg-type]


@pytest.mark.parametrize("topic", ["databases", "mail", "management", "certificates", "files", "web"])
def test_a_rule_below_those_of_a_topic_brings_its_imports(tmp_path: Path, topic: str) -> None:
    path = tmp_path / "audits" / "lan" / "weaknesses" / f"{topic}.py"
    path.parent.mkdir(parents=True)
    path.write_text((root() / "audits" / "lan" / "weaknesses" / path.name).read_text())
    scaffold(tmp_path, "MKT-001", **(MARKET | {"topic": topic}))  # type: ignore[arg-type]
    spec = importlib.util.spec_from_file_location(f"more_{topic}", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    pair = read_pairs(tmp_path / "tests" / "unit" / "audit" / "pairs")["MKT-001"]
    said = [[one.outcome for one in judge([module.ftp_001], seen, LanFacts())] for seen in pair]
    assert said == [["broken"], ["holds"]]
    names = [line for line in path.read_text().splitlines() if line.startswith("from ")]
    assert len({line.split()[1] for line in names}) == len(names)


@pytest.mark.parametrize(
    ("name", "change"),
    [("market-1", {}), ("MKT-001", {"topic": "../x"}), ("MKT-001", {"kind": "Ftp"}), ("MKT-001", {"cvss": "high"})],
)
def test_what_is_no_rule_is_refused_and_writes_nothing(tmp_path: Path, name: str, change: dict[str, str]) -> None:
    with pytest.raises(UsageFault):
        scaffold(tmp_path, name, **(MARKET | change))  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("twins", ["broken = {a = 1, b = 2}\nharmless = {a = 1, b = 3}", "broken = {a = 1}\nharmless = {a = 1}", "broken = {a = 1}\nharmless = {b = 1}"])  # fmt: skip
def test_twins_that_differ_in_more_than_one_fact_are_refused(tmp_path: Path, twins: str) -> None:
    (tmp_path / "x.toml").write_text(f'[X-1]\nkind = "ftp"\nport = 21\n{twins}\n')
    with pytest.raises(ValueError, match="X-1"):
        read_pairs(tmp_path)


def test_the_verb_with_commands_below_it_still_takes_ministry_and_site(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["audit", "mps"])
    assert left.value.code == 2
    assert "MINISTRY and SITE" in capsys.readouterr().err
    with pytest.raises(SystemExit) as left:
        main(["audit", "new-rule", "--help"])
    assert left.value.code == 0
    assert "audit new-rule [OPTIONS] RULE" in capsys.readouterr().out
