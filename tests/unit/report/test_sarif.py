"""SARIF 2.1.0: every property, type and word is one that the standard knows, and each finding has its place and identity."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import fastjsonschema
import pytest

from wizara.audit.baseline import Baseline, Looked
from wizara.audit.exceptions import conclude
from wizara.report.case import Case
from wizara.report.sarif import sarif
from wizara.tree import load

#: The committee's own schema, as SchemaStore (Apache-2.0) and the npm package @microsoft/jest-sarif 1.0.0-beta.0 (MIT) publish it.
SCHEMA = Path(__file__).with_name("sarif-2.1.0-rtm.5.json")
TEXT = {"text": (str, True)}
#: object → property → (type or object, required): the part of the standard's §3 that a file of ours may use
STANDARD: dict[str, dict[str, tuple[Any, bool]]] = {
    "sarifLog": {"$schema": (str, False), "version": ({"2.1.0"}, True), "runs": (["run"], True)},
    "run": {"tool": ("tool", True), "results": (["result"], False), "columnKind": ({"utf16CodeUnits", "unicodeCodePoints"}, False),
            "language": (re.compile(r"[a-zA-Z]{2}(?:-[a-zA-Z]{2})?"), False), "automationDetails": ("runAutomationDetails", False), "invocations": (["invocation"], False)},
    "tool": {"driver": ("toolComponent", True)},
    "toolComponent": {"name": (str, True), "version": (str, False), "semanticVersion": (str, False), "rules": (["reportingDescriptor"], False),
                      "language": (re.compile(r"[a-zA-Z]{2}(?:-[a-zA-Z]{2})?"), False)},
    "reportingDescriptor": {"id": (str, True), "shortDescription": ("message", False), "fullDescription": ("message", False), "help": ("message", False),
                            "properties": (dict, False)},
    "runAutomationDetails": {"id": (str, False)},
    "invocation": {"executionSuccessful": (bool, True), "startTimeUtc": (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"), False),
                   "endTimeUtc": (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"), False)},
    "message": {"text": (str, True)},
    "result": {"ruleId": (str, False), "level": ({"none", "note", "warning", "error"}, False), "message": ("message", True),
               "kind": ({"notApplicable", "pass", "fail", "review", "open", "informational"}, False), "locations": (["location"], False),
               "baselineState": ({"new", "unchanged", "updated", "absent"}, False), "partialFingerprints": (dict, False),
               "suppressions": (["suppression"], False), "properties": (dict, False)},
    "suppression": {"kind": ({"inSource", "external"}, True), "status": ({"accepted", "underReview", "rejected"}, False)},
    "location": {"physicalLocation": ("physicalLocation", False), "logicalLocations": (["logicalLocation"], False)},
    "physicalLocation": {"artifactLocation": ("artifactLocation", True), "region": ("region", False)},
    "artifactLocation": {"uri": (re.compile(r"[A-Za-z0-9._~/%-]+"), False)},
    "region": {"startLine": (int, False)},
    "logicalLocation": {"name": (str, False), "fullyQualifiedName": (str, False), "kind": (str, False)},
}  # fmt: skip


def faults(value: Any, kind: Any, at: str = "") -> list[str]:
    """Return where *value* is not what the standard calls *kind*."""
    if isinstance(kind, list):
        return (
            [one for index, item in enumerate(value) for one in faults(item, kind[0], f"{at}[{index}]")]
            if isinstance(value, list)
            else [at]
        )
    if isinstance(kind, set):
        return [] if value in kind else [f"{at}: {value}"]
    if isinstance(kind, re.Pattern):
        return [] if isinstance(value, str) and kind.fullmatch(value) else [f"{at}: {value}"]
    if isinstance(kind, type):
        return [] if type(value) is kind else [f"{at}: {value}"]
    known = STANDARD[kind]
    missing = [f"{at}.{name} is missing" for name, (_kind, needed) in known.items() if needed and name not in value]
    strange = [f"{at}.{name} is unknown" for name in value if name not in known]
    return (
        missing
        + strange
        + [one for name in value if name in known for one in faults(value[name], known[name][0], f"{at}.{name}")]
    )


def log(case: Case, language: str = "en") -> dict[str, Any]:
    told: dict[str, Any] = json.loads(sarif(case, language))
    return told


@pytest.fixture(scope="module")
def official() -> Callable[[dict[str, Any]], object]:
    """The validator of the official schema; it raises at the first fault."""
    check: Callable[[dict[str, Any]], object] = fastjsonschema.compile(
        json.loads(SCHEMA.read_text()), use_default=False
    )
    return check


@pytest.mark.parametrize("language", ["fr", "en", "ar"])
def test_the_official_schema_takes_the_file(
    hostile_case: Case, language: str, official: Callable[[dict[str, Any]], object]
) -> None:
    official(log(hostile_case, language))


@pytest.mark.parametrize("language", ["fr", "en", "ar"])
def test_the_file_is_what_the_standard_says(hostile_case: Case, language: str) -> None:
    told = log(hostile_case, language)
    assert faults(told, "sarifLog") == []
    (run,) = told["runs"]
    assert len(run["results"]) == len(hostile_case.findings) > 10
    assert {one["ruleId"] for one in run["results"]} == {one["id"] for one in run["tool"]["driver"]["rules"]}
    assert len({one["partialFingerprints"]["wizara/v1"] for one in run["results"]}) == len(run["results"])
    raw = sarif(hostile_case, language).decode()
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", raw)


@pytest.mark.parametrize(
    "break_it",
    [
        lambda told: told.update(version="2.0.0"),
        lambda told: told["runs"][0].pop("tool"),
        lambda told: told["runs"][0]["results"][0].pop("message"),
        lambda told: told["runs"][0]["results"][0].update(level="fatal"),
        lambda told: told["runs"][0]["results"][0].update(colour="red"),
        lambda told: told["runs"][0]["invocations"][0].update(startTimeUtc="yesterday"),
    ],
)
def test_what_the_standard_does_not_know_is_noticed(
    case: Case, break_it: Callable[[dict[str, Any]], object], official: Callable[[dict[str, Any]], object]
) -> None:
    told = log(case)
    break_it(told)
    assert faults(told, "sarifLog") != []
    with pytest.raises(fastjsonschema.JsonSchemaValueException):
        official(told)


def test_what_was_mended_is_absent_and_what_is_known_is_unchanged(
    case: Case, official: Callable[[dict[str, Any]], object]
) -> None:
    verdicts, rules = case.verdicts.verdicts, load("audits.lan.rules").RULES
    looked = Looked(rules, verdicts, case.observations)
    old = case.verdicts.findings[0].verdict.model_copy(update={"discriminator": "of old"})
    baseline = Baseline(
        {one.fingerprint: one.verdict for one in case.verdicts.findings[1:]} | {old.fingerprint: old}, {}
    )
    now = conclude(verdicts, (), case.run.started.date(), baseline, looked)
    told = log(replace(case, verdicts=now))
    official(told)
    (run,) = told["runs"]
    states = [one["baselineState"] for one in run["results"]]
    assert (states.count("new"), states.count("unchanged")) == (1, len(now.findings) - 1)
    assert states.count("absent") == len([one for one in now.past if one.status == "fixed"])
