"""``wizara verify`` as a person types it: refusals, what is kept, what is printed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from wizara.audit.verdict import Subject
from wizara.cli import verify, verifying
from wizara.cli.main import main
from wizara.cli.world import Scene
from wizara.engine.ground import Ground
from wizara.errors import ExitCode, UsageFault
from wizara.inventory import load
from wizara.inventory.models import Enrolled, EnrolledNode
from wizara.record.world import World
from wizara.report.proof_data import PromiseData
from wizara.tree import root

HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKYcw0NvDafAMP9PFyQpZv3pLDDMxreqK3Ps7VtQvrFS"


def wizara(*arguments: str) -> int:
    with pytest.raises(SystemExit) as left:
        main(list(arguments))
    return int(left.value.code or 0)


def test_a_ministry_that_nobody_enrolled_is_refused_before_a_socket_opens(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert wizara("verify", "mps", "--runs", str(tmp_path / "runs")) == ExitCode.REFUSED
    told = capsys.readouterr()
    assert "verify mps — field" in told.err
    assert "not enrolled: gw-cneap" in told.err
    assert not (tmp_path / "runs").exists()


def test_an_unknown_limit_is_a_usage_fault(tmp_path: Path) -> None:
    assert wizara("verify", "mps", "--limit", "nosuch", "--runs", str(tmp_path)) == ExitCode.USAGE


@pytest.fixture
def order(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> verifying.Order:
    """An order to verify dc1, where nothing is contacted: the collecting is left out."""
    ministry = load(root() / "inventories" / "mps")
    enrolled = Enrolled(nodes={name: EnrolledNode(host_key=HOST_KEY) for _site, name, _node in ministry.nodes()})
    scene = Scene(ministry.model_copy(update={"enrolled": enrolled}), World())
    monkeypatch.setattr(verifying, "_secrets", lambda _found: {})
    return verifying.Order(scene, ("dc1",), tmp_path / "runs")


def answering(told: bool) -> Any:
    def collect(_order: verifying.Order, ground: Ground) -> None:
        data: dict[str, Any] = {"node": "dc1", "answer": told} | ({} if told else {"fault": "no route"})
        ground.saw("meet", "reachability", data, vantage="operator", site="hq", ip="10.20.99.10", port=22)

    return collect


@pytest.mark.parametrize(("told", "code", "broken"), [(True, 0, 0), (False, 4, 1)])
def test_only_a_broken_promise_changes_the_exit_code_and_unknown_is_counted_apart(
    monkeypatch: pytest.MonkeyPatch, order: verifying.Order, told: bool, code: int, broken: int
) -> None:
    monkeypatch.setattr(verifying, "_collect", answering(told))
    result = verifying.verify(order, lambda _who, _what: None)
    assert (result.exit_code, result.counts["broken"], result.counts["holds"]) == (code, broken, 1 - broken)
    assert result.counts["unknown"] > 5
    folder = Path(result.folder)
    assert json.loads((folder / "run.json").read_text())["exit_code"] == code
    assert len(json.loads((folder / "verdicts.json").read_text())["findings"]) == broken
    assert verifying.VerifySummary.model_validate_json((folder / "verify.json").read_bytes()) == result


def test_the_json_holds_to_its_schema_and_to_the_names_that_scripts_use(
    monkeypatch: pytest.MonkeyPatch, order: verifying.Order
) -> None:
    monkeypatch.setattr(verifying, "_collect", answering(False))
    told = json.loads(verifying.verify(order, lambda _who, _what: None).model_dump_json())
    schema = verifying.VerifySummary.model_json_schema()
    assert set(told) == set(schema["required"]) == {
        "run", "world", "ministry", "nodes", "exit_code", "folder", "counts", "promises",
    }  # fmt: skip
    promise = schema["$defs"]["PromiseData"]["properties"]
    for one in told["promises"]:
        assert set(one) == set(promise)
        assert one["proves"]
        assert one["does_not_prove"]
        assert bool(one["reason"]) == (one["outcome"] == "unknown")
        assert bool(one["seen"]) == (one["outcome"] == "broken")


def test_a_fault_leaves_an_ended_record(monkeypatch: pytest.MonkeyPatch, order: verifying.Order) -> None:
    def failing(_order: verifying.Order, _ground: Ground) -> None:
        raise UsageFault("x")

    monkeypatch.setattr(verifying, "_collect", failing)
    with pytest.raises(UsageFault):
        verifying.verify(order, lambda _who, _what: None)
    (path,) = order.runs.glob("*/run.json")
    assert json.loads(path.read_text())["exit_code"] == ExitCode.USAGE


def test_a_verification_has_a_report_in_each_language_and_format(
    monkeypatch: pytest.MonkeyPatch, order: verifying.Order, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(verifying, "_collect", answering(False))
    result = verifying.verify(order, lambda _who, _what: None)
    line = ("report", "last", "--runs", str(order.runs), "--lang", "fr,en,ar", "--format", "html,pdf,csv,json")
    assert wizara(*line) == ExitCode.DONE
    paths = [Path(line) for line in capsys.readouterr().out.splitlines()]
    assert len(paths) == 12
    by_end = {".".join(path.name.split(".")[1:]): path for path in paths}
    told = json.loads(by_end["en.json"].read_text())
    assert told["counts"] == result.counts
    assert sorted(one["id"] for one in told["promises"]) == sorted(one.id for one in result.promises)
    assert {one["outcome"] for one in told["promises"]} == {"broken", "unknown"}
    for language, words in (("fr", "Ce qui n'est pas tenu"), ("en", "What is not kept"), ("ar", "ما لم يتحقق")):
        page = by_end[f"{language}.html"].read_text()
        assert words in page.replace("&#39;", "'")
        assert "dc1" in page
        assert by_end[f"{language}.pdf"].read_bytes().startswith(b"%PDF")
        assert by_end[f"{language}.csv"].read_text().count("\n") == len(result.promises) + 1


def promise(outcome: str, name: str, **more: Any) -> PromiseData:
    return PromiseData.model_validate(
        {"id": "X", "rule": "NOD-001", "topic": "node", "outcome": outcome, "promise": "it stands", "proves": "this",
         "does_not_prove": "that", "evidence": (), "subject": Subject(asset=name, name=name)} | more
    )  # fmt: skip


def test_what_is_broken_and_what_is_unknown_stand_apart_from_what_holds(capsys: pytest.CaptureFixture[str]) -> None:
    promises = (
        promise("holds", "a"),
        promise("broken", "b", seen="b fell"),
        promise("unknown", "c", reason="nobody looked"),
    )
    result = verifying.VerifySummary(
        run="r", world="lab x", ministry="mps", nodes=("a",), exit_code=4, folder="runs/r",
        counts={"holds": 1, "broken": 1, "unknown": 1}, promises=promises,
    )  # fmt: skip
    verify._show(result, "hq", explain=True)
    told = capsys.readouterr()
    assert [line.split()[0] for line in told.out.splitlines() if "it stands" in line] == ["holds", "BROKEN", "unknown"]
    for words in ("b fell", "nobody looked", "proves: this", "does not prove: that", "1 hold, 1 broken, 1 not known"):
        assert words in told.out
    assert "wizara plan mps --lab x" in told.err
