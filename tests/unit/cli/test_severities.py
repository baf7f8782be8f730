"""A person reads severities in his language, in the summary and at the head of each finding; one is told as one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click
import pytest

from wizara import text
from wizara.audit.cvss import SEVERITIES
from wizara.cli import audit_screen, demo_screen, exported, severities
from wizara.record.world import World


@pytest.fixture(params=["en", "fr"])
def language(request: pytest.FixtureRequest) -> Iterator[str]:
    text.use(request.param)
    yield request.param
    text.use("en")


SUMS = {
    "en": ("1 critical, 2 high, 1 medium, 3 low, 1 info", "0"),
    "fr": ("1 critique, 2 élevés, 1 moyen, 3 faibles, 1 pour information", "0"),
}
HEADS: dict[str, list[str]] = {"en": list(SEVERITIES), "fr": ["critique", "élevé", "moyen", "faible", "info"]}


def test_counts_are_told_in_the_language_of_the_reader(language: str) -> None:
    counts: dict[Any, int] = {"high": 2, "critical": 1, "medium": 1, "info": 1, "low": 3}
    assert severities.summed(counts) == SUMS[language][0]
    assert severities.summed({"high": 0}) == SUMS[language][1]
    assert re.sub(r"  +", ", ", str(demo_screen._findings(counts)).strip()) == SUMS[language][0]


def test_a_summary_and_the_head_of_a_finding_are_of_one_language(
    language: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    subject = SimpleNamespace(name="pc", ip="10.0.0.1", service="tcp/80")
    seen = SimpleNamespace(of=lambda _kind: [1])
    case = SimpleNamespace(seen=seen, findings=(), verdicts=SimpleNamespace(past=()))
    done: Any = SimpleNamespace(
        findings=(), faults=(), counts={"medium": 1}, proofs=0, unknown=0, folder=tmp_path, compared=False, case=case
    )  # fmt: skip
    for severity, head in zip(SEVERITIES, HEADS[language], strict=True):
        finding: Any = SimpleNamespace(severity=severity, id="WEB-001-1", subject=subject)
        assert click.unstyle(audit_screen.heading(finding)) == f"{head:<8}  WEB-001-1  pc 10.0.0.1 tcp/80"
    audit_screen.show(done)
    exported.show(done)
    told = [one for one in capsys.readouterr().out.splitlines() if "1 m" in one]
    assert len(told) == 2
    assert all({"en": "1 medium", "fr": "1 moyen"}[language] in one for one in told)


def test_the_audit_before_is_counted_in_numbers_that_agree(language: str, capsys: pytest.CaptureFixture[str]) -> None:
    past = [SimpleNamespace(status=status, earlier=False) for status in ["fixed"] * 10 + ["unknown"] * 10]
    case = SimpleNamespace(findings=(), verdicts=SimpleNamespace(past=past))
    done: Any = SimpleNamespace(compared=True, case=case)
    audit_screen._show_past(done)
    expected = {
        "en": "beside the audit before: 0 new, 0 already known, 0 back again, 10 mended, 10 not seen this time\n",
        "fr": "par rapport à l'audit précédent : 0 nouveau, 0 déjà connu, 0 réapparu, 10 corrigés, 10 non vus cette fois\n",
    }
    assert capsys.readouterr().out == expected[language]


@pytest.mark.parametrize("names", [("bench",), ("awa", "bench")])
def test_the_order_is_told_with_as_many_operators_as_it_names(
    names: tuple[str, ...], language: str, capsys: pytest.CaptureFixture[str]
) -> None:
    mandate = SimpleNamespace(reference="T/1", commissioner="SG", operators=names)
    prepared: Any = SimpleNamespace(
        world=World(),
        record=SimpleNamespace(mandate=mandate),
        folder=SimpleNamespace(run=SimpleNamespace(operator="x")),
    )
    audit_screen.say_order(prepared)
    world, _mandate, operators = capsys.readouterr().err.splitlines()
    one = len(names) == 1
    expected = {
        "en": ("world: field", f"the mandate names {', '.join(names)} as {'operator' if one else 'operators'}, and"),
        "fr": (
            "monde : terrain",
            f"le mandat nomme {', '.join(names)} comme {'opérateur' if one else 'opérateurs'}, et",
        ),
    }
    assert world == expected[language][0]
    assert operators.startswith(expected[language][1])
