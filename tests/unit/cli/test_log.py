"""The verbs that look back: log, log verify and run."""

from __future__ import annotations

import json
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from wizara.cli import log, run
from wizara.engine.heads import Witnesses
from wizara.record import Journal, RunFolder
from wizara.record.run import Head
from wizara.record.world import World


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    folder = RunFolder.create(tmp_path, "apply", "mps", World())
    with Journal.open(tmp_path) as journal:
        journal.append(folder.run.id, "intent", "gw-hq", steps=[{"number": 7, "name": "Time", "changes": []}])
        changes = [{"operation": "file", "kind": "modify", "subject": "/etc/chrony/chrony.conf\x1b[2J"}]
        journal.append(folder.run.id, "step", "gw-hq", number=7, name="Time", changes=changes)
        journal.append(folder.run.id, "node", "gw-hq", outcome="done", message="", kept="SHA256:here")
    folder.finish(folder.run.model_copy(update={"ended": datetime.now(UTC), "exit_code": 0}))
    return tmp_path


def told(command: object, *words: str, runs: Path) -> tuple[int, str]:
    result = CliRunner().invoke(command, [*words, "--runs", str(runs)], standalone_mode=False)  # type: ignore[arg-type]
    assert result.exception is None, result.exception
    return int(result.return_value or 0), result.stdout


def test_the_log_tells_who_did_what_where_and_obeys_no_control_byte(runs: Path) -> None:
    code, words = told(log.command, runs=runs)
    assert code == 0
    assert "begins apply of mps in field" in words
    assert "gw-hq  7 Time: modify /etc/chrony/chrony.conf" in words
    assert "\x1b" not in words


def test_the_log_of_another_node_is_empty(runs: Path) -> None:
    assert told(log.command, "--node", "dc1", runs=runs) == (0, "")


def test_the_log_as_json_is_one_entry_a_line(runs: Path) -> None:
    lines = told(log.command, "--json", "--node", "gw-hq", runs=runs)[1].splitlines()
    assert [json.loads(line)["kind"] for line in lines] == ["intent", "step", "node"]


def test_a_whole_journal_is_said_to_be_whole(runs: Path) -> None:
    code, words = told(log.command, "verify", runs=runs)
    assert (code, "whole: 6 entries" in words) == (0, True)


@pytest.mark.parametrize(
    "harm",
    [
        "UPDATE journal SET node = 'x' WHERE seq = 3",
        "DELETE FROM journal WHERE seq = 3",
        "DELETE FROM journal WHERE seq = 5",
    ],
)
def test_a_journal_that_was_touched_is_exit_four(runs: Path, harm: str) -> None:
    with sqlite3.connect(runs / "journal.db") as connection:
        connection.executescript(f"DROP TRIGGER no_edit; DROP TRIGGER no_drop; {harm}")
    code, words = told(log.command, "verify", runs=runs)
    assert (code, "not whole" in words) == (4, True)


def test_a_damaged_record_of_a_run_hides_neither_the_journal_nor_the_other_runs(runs: Path) -> None:
    hurt = RunFolder.create(runs, "plan", "mps", World())
    (hurt.path / "run.json").write_text('{"id":')
    code, words = told(log.command, "verify", runs=runs)
    assert (code, f"{hurt.run.id}/run.json is damaged" in words, "not whole" in words) == (4, True, True)
    code, words = told(run.command, runs=runs)
    assert (code, "apply" in words, len(words.splitlines())) == (0, True, 1)


@pytest.mark.parametrize(("seq", "older"), [(1, True), (2, False), (4, False)])
def test_a_node_that_was_put_back_to_an_older_head_is_a_finding(
    runs: Path, monkeypatch: pytest.MonkeyPatch, seq: int, older: bool
) -> None:
    with Journal.open(runs) as journal:
        entry = list(journal.entries())[seq]
        head = Head(journal=journal.name, seq=seq, hash=entry.hash, kept="gw-hq", run=entry.run)
    asked = log._Asked("field", "mps", Witnesses((head,), {}, {"gw-hq": "SHA256:here"}))
    monkeypatch.setattr(log, "_asked", lambda _ministry, _lab: asked)
    code, words = told(log.command, "verify", "mps", runs=runs)
    assert (code, "gw-hq holds an older head" in words) == ((4, True) if older else (0, False))


@pytest.mark.parametrize(
    ("fingerprint", "held", "missed"),
    [
        ("SHA256:here", "own", False),
        ("SHA256:here", "another", True),
        ("SHA256:here", None, True),
        ("SHA256:installed-anew", None, False),
    ],
)
def test_a_node_that_lost_the_head_it_was_left_is_a_finding(
    runs: Path, monkeypatch: pytest.MonkeyPatch, fingerprint: str, held: str | None, missed: bool
) -> None:
    with Journal.open(runs) as journal:
        last = list(journal.entries())[4]
        names = {"own": journal.name, "another": "f" * 64}
    heads = (Head(journal=names[held], seq=last.seq, hash=last.hash, kept="gw-hq", run="another"),) if held else ()
    machines = {"gw-hq": fingerprint, "dc1": "SHA256:there"}

    def ask(world: str) -> tuple[int, str]:
        asked = log._Asked(world, "mps", Witnesses(heads, {}, machines))
        monkeypatch.setattr(log, "_asked", lambda _ministry, _lab: asked)
        return told(log.command, "verify", "mps", runs=runs)

    code, words = ask("field")
    assert (code, "gw-hq holds no head of this journal any more" in words) == ((4, True) if missed else (0, False))
    assert "dc1" not in words
    assert ask("lab mps")[0] == 0


def test_runs_are_listed_and_shown(runs: Path) -> None:
    assert "apply mps — field  exit code 0" in told(run.command, runs=runs)[1]
    name = next(path.name for path in runs.iterdir() if path.is_dir())
    assert json.loads(told(run.command, name, "--json", runs=runs)[1])["run"]["exit_code"] == 0
