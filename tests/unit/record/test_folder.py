"""Run folders: what goes in comes out, privately, and a killed run is still readable."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from wizara.errors import UsageFault
from wizara.record import Journal, RunFolder
from wizara.record.progress import LINE, Step
from wizara.record.run import Run, is_run_id
from wizara.record.world import World


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return RunFolder.create(tmp_path / "runs", "audit", "mps", World("rehearsal"))


def test_a_new_run_names_its_world_and_verb(folder: RunFolder) -> None:
    run = folder.read("run.json", Run)
    assert (run.world, run.verb, run.ministry, run.ended) == ("lab rehearsal", "audit", "mps", None)
    assert run.id == folder.path.name
    assert is_run_id(run.id)


def test_nobody_else_can_read_a_run(folder: RunFolder) -> None:
    folder.append("events.jsonl", Step(node="a", phase="check"))
    assert stat.S_IMODE(folder.path.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.path.iterdir()} == {0o600}


def test_lines_come_back_in_order_and_a_cut_last_line_is_left_out(folder: RunFolder) -> None:
    for word in ("one", "two"):
        folder.append("events.jsonl", Step(node=word, phase="check"))
    with (folder.path / "events.jsonl").open("ab") as target:
        target.write(b'{"event":"step","no')
    assert [step.node for step in folder.read_lines("events.jsonl", Step)] == ["one", "two"]


def test_last_opens_the_newest_run(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    for stamp in ("20260101T000000Z-audit-mps-0001", "20260102T000000Z-plan-mps-0000"):
        (runs / stamp).mkdir(parents=True)
        run = Run(id=stamp, verb="audit", world="field", ministry="mps", operator="awa", started="2026-01-01T00:00:00Z")
        (runs / stamp / "run.json").write_text(run.model_dump_json())
    assert RunFolder.open(runs, "last").run.id == "20260102T000000Z-plan-mps-0000"


@pytest.mark.parametrize("name", ["../../etc", "nothing", "last", "20260101T000000Z-audit-mps-0001"])
def test_a_run_that_is_not_there_is_a_usage_fault(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageFault):
        RunFolder.open(tmp_path, name)


def test_a_damaged_record_is_a_fault_and_no_traceback(folder: RunFolder) -> None:
    (folder.path / "run.json").write_text('{"id": 3}')
    with pytest.raises(UsageFault, match=r"run\.json"):
        RunFolder.open(folder.path.parent, folder.run.id)


def test_events_tell_their_kind() -> None:
    step = Step(node="gw-hq", phase="apply", number=1, total=2, name="Packet filter")
    assert LINE.validate_json(step.model_dump_json()) == step


def test_a_run_is_in_the_journal_from_its_first_moment_to_its_end(folder: RunFolder) -> None:
    folder.finish(folder.run.model_copy(update={"exit_code": 4}))
    with Journal.open(folder.path.parent) as journal:
        told = [(entry.run, entry.kind, entry.told.get("exit_code")) for entry in journal.entries()]
        assert told[1:] == [(folder.run.id, "run", None), (folder.run.id, "end", 4)]
        head = folder.read("run.json", Run).head
        assert head is not None
        assert journal.faults(runs=[head]) == ()
        assert journal.faults(runs=[head.model_copy(update={"hash": "f00"})]) != ()
